"""The U-Net of Ho et al. (2020), Appendix B: GroupNorm residual blocks, self-attention, a skip connection per block."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, zero_init


class DDPMResBlock(nn.Module):
    """GN-SiLU-conv, plus a linear map of the condition, GN-SiLU-conv, plus the input."""

    def __init__(self, channels: int, out: int, dim: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.condition = nn.Linear(dim, out)
        self.norm2 = nn.GroupNorm(groups, out)
        self.conv2 = zero_init(nn.Conv2d(out, out, 3, padding=1))
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x))) + self.condition(condition)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(inner)))


class NormalizedSelfAttention(nn.Module):
    """Single-head attention over all positions of the normalized map, plus the map."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.out = zero_init(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        attended = F.scaled_dot_product_attention(self.query(tokens), self.key(tokens), self.value(tokens))
        return x + self.out(attended).transpose(1, 2).reshape(x.shape)


class DDPMBlock(nn.Module):
    """A residual block, followed by self-attention in stages that have it."""

    def __init__(self, channels: int, out: int, dim: int, groups: int, attends: bool) -> None:
        super().__init__()
        self.residual = DDPMResBlock(channels, out, dim, groups)
        self.attention = NormalizedSelfAttention(out, groups) if attends else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.attention(self.residual(x, condition))


class DDPMUNet(nn.Module):
    """`blocks` residual blocks per encoder stage and one more per decoder stage, `widths` from full resolution down.

    `forward(x [B, C, H, W], c_noise [B], label int64 [B] or None)` -> [B, C, H, W], any H and W. The stages in
    `attention` (from 0) and the middle have self-attention. Widths are multiples of `groups`; None is the greatest common
    divisor of the widths and 32. The defaults are those of Ho et al. (2020) for CIFAR-10, 35,746,307 parameters with three
    channels, without dropout: it would draw from the global generator of torch.
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
        self.condition = ConditionEmbedding(widths[0], hidden=dim, classes=classes, out=dim)
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.encoder, self.down = nn.ModuleList(), nn.ModuleList()
        skips = [width := widths[0]]
        for stage, out in enumerate(widths):
            if stage:
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
            entries = [width, *[out] * (blocks - 1)]
            self.encoder.append(
                nn.ModuleList(DDPMBlock(each, out, dim, groups, stage in attention) for each in entries)
            )
            skips += [width := out] * blocks
        self.middle = nn.ModuleList(
            [DDPMBlock(width, width, dim, groups, True), DDPMBlock(width, width, dim, groups, False)]
        )
        self.decoder, self.up = nn.ModuleList(), nn.ModuleList()
        for stage, out in reversed(list(enumerate(widths))):
            entries = [width, *[out] * blocks]
            self.decoder.append(
                nn.ModuleList(DDPMBlock(each + skips.pop(), out, dim, groups, stage in attention) for each in entries)
            )
            width = out
            if stage:
                self.up.append(nn.Conv2d(width, width, 3, padding=1))
        self.out = nn.Sequential(
            nn.GroupNorm(groups, width), nn.SiLU(), zero_init(nn.Conv2d(width, channels, 3, padding=1))
        )

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = F.silu(self.condition(c_noise, label))
        skips = [x := self.stem(x)]
        for stage, level in enumerate(self.encoder):
            if stage:
                skips.append(x := self.down[stage - 1](x))
            for block in level.children():
                skips.append(x := block(x, condition))
        for block in self.middle:
            x = block(x, condition)
        for stage, level in enumerate(self.decoder):
            if stage:
                # The size is that of the next skip: downsampling rounds odd sizes up.
                x = self.up[stage - 1](F.interpolate(x, size=skips[-1].shape[-2:], mode="nearest"))
            for block in level.children():
                x = block(torch.cat([x, skips.pop()], dim=1), condition)
        return self.out(x)
