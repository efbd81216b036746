"""The U-Net of DDPM (Ho et al. 2020, appendix B): residual blocks with GroupNorm, self-attention, every map kept as a skip."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.nets.conditioning import Condition
from inkwash.nets.resampling import zeroed


class ResBlock(nn.Module):
    """GN-SiLU-conv, plus a linear map of the condition, GN-SiLU-conv, plus the input."""

    def __init__(self, channels: int, out: int, dim: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.condition = nn.Linear(dim, out)
        self.norm2 = nn.GroupNorm(groups, out)
        self.conv2 = zeroed(nn.Conv2d(out, out, 3, padding=1))
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x))) + self.condition(condition)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(inner)))


class SelfAttention(nn.Module):
    """One head over all places of a normalised map, plus the map."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        places = self.norm(x).flatten(2).transpose(1, 2)
        seen = F.scaled_dot_product_attention(self.query(places), self.key(places), self.value(places))
        return x + self.out(seen).transpose(1, 2).reshape(x.shape)


class Block(nn.Module):
    """A residual block, and self-attention after it where a stage has that."""

    def __init__(self, channels: int, out: int, dim: int, groups: int, attends: bool) -> None:
        super().__init__()
        self.residual = ResBlock(channels, out, dim, groups)
        self.attention = SelfAttention(out, groups) if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.attention(self.residual(x, condition))


class DDPMUNet(nn.Module):
    """`blocks` residual blocks a stage on the way down and one more on the way up, at `widths` from full resolution down.

    `forward(x [B, C, H, W], code [B], label int64 [B] or None)` -> [B, C, H, W], any H and W. The stages counted in
    `attention` (from 0) attend, and so does the middle. Widths are multiples of `groups`, None for 32 or as many as all
    widths are multiples of. The defaults are those of Ho et al. 2020 for CIFAR-10, 35,746,307 parameters with three
    channels; their dropout is left out, because torch's would make a run depend on more than its seed.
    """

    def __init__(
        self,
        channels: int,
        classes: int = 0,
        widths: tuple[int, ...] = (128, 256, 256, 256),
        blocks: int = 2,
        attention: tuple[int, ...] = (1,),
        groups: int | None = None,
    ) -> None:
        super().__init__()
        groups = groups or math.gcd(32, *widths)
        dim = 4 * widths[0]
        self.condition = Condition(widths[0], hidden=dim, classes=classes, out=dim)
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.encoder, self.down = nn.ModuleList(), nn.ModuleList()
        kept = [width := widths[0]]
        for stage, out in enumerate(widths):
            if stage:
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                kept.append(width)
            entries = [width, *[out] * (blocks - 1)]
            self.encoder.append(nn.ModuleList(Block(each, out, dim, groups, stage in attention) for each in entries))
            kept += [width := out] * blocks
        self.middle = nn.ModuleList([Block(width, width, dim, groups, True), Block(width, width, dim, groups, False)])
        self.decoder, self.up = nn.ModuleList(), nn.ModuleList()
        for stage, out in reversed(list(enumerate(widths))):
            entries = [width, *[out] * blocks]
            self.decoder.append(
                nn.ModuleList(Block(each + kept.pop(), out, dim, groups, stage in attention) for each in entries)
            )
            width = out
            if stage:
                self.up.append(nn.Conv2d(width, width, 3, padding=1))
        self.out = nn.Sequential(
            nn.GroupNorm(groups, width), nn.SiLU(), zeroed(nn.Conv2d(width, channels, 3, padding=1))
        )

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        condition = F.silu(self.condition(code, label))
        kept = [x := self.stem(x)]
        for stage, level in enumerate(self.encoder):
            if stage:
                kept.append(x := self.down[stage - 1](x))
            for block in level.children():
                kept.append(x := block(x, condition))
        for block in self.middle:
            x = block(x, condition)
        for stage, level in enumerate(self.decoder):
            if stage:
                # the size of the skip that comes next: an odd side was rounded up on the way down
                x = self.up[stage - 1](F.interpolate(x, size=kept[-1].shape[-2:], mode="nearest"))
            for block in level.children():
                x = block(torch.cat([x, kept.pop()], dim=1), condition)
        return self.out(x)
