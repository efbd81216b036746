"""A U-Net on 2x2 pixels folded into channels and without normalization, fast on CPUs, used by `fast`."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.conditions import Conditions
from inkwash.core.shapes import Images, PerExample
from inkwash.nets.layers import ConditionEmbedding, zero_init


class FiLMBlock(nn.Module):
    """Hardswish-conv, scaled and shifted by the condition, hardswish-conv, plus the input; no norm: Brock et al. (2021).

    Hardswish, Howard et al. (2019), trains as well as SiLU and takes half the time on a CPU, as it has no exponential.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.condition = zero_init(nn.Linear(dim, 2 * width))
        self.second = zero_init(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        return x + self.second(F.hardswish(torch.addcmul(shift, self.first(F.hardswish(x)), 1 + scale)))


class BlockSequence(nn.ModuleList):
    """A sequence of `blocks` conditioned residual blocks."""

    def __init__(self, width: int, blocks: int, dim: int) -> None:
        super().__init__(FiLMBlock(width, dim) for _ in range(blocks))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for block in self:
            x = block(x, condition)
        return x


class FoldedUNet(nn.Module):
    """`blocks` residual blocks per resolution and side, `widths` from half the resolution down.

    Pixels are folded and unfolded 2x2 where the size changes, and skip connections are added.
    `forward(x [B, C, H, W], c_noise [B], label int64 [B] or None)` -> [B, C, H, W]; H and W are padded by replication.
    With the names of `attributes` the label may be a `Condition`.
    """

    def __init__(
        self,
        channels: int,
        classes: int = 0,
        widths: tuple[int, ...] = (32, 64),
        blocks: int = 2,
        dim: int = 128,
        attributes: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.multiple = 2 ** len(widths)
        self.condition = ConditionEmbedding(dim, hidden=dim, classes=classes, attributes=len(attributes))
        self.stem = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(BlockSequence(width, blocks, dim) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.middle = BlockSequence(widths[-1], blocks, dim)
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(BlockSequence(width, blocks, dim) for width in widths[:-1])
        self.out = zero_init(nn.Conv2d(widths[0], 4 * channels, 3, padding=1))

    def forward(self, x: Images, c_noise: PerExample, label: Conditions | None = None) -> Images:
        condition = F.hardswish(self.condition(c_noise, label))
        height, width = x.shape[-2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        if bottom or right:
            x = F.pad(x, (0, right, 0, bottom), mode="replicate")
        x = self.stem(F.pixel_unshuffle(x, 2))
        skips = []
        for level, down in zip(self.encoder, self.down, strict=True):
            x = level(x, condition)
            skips.append(x)
            x = down(x)
        x = self.middle(x, condition)
        for level, up, skip in zip(reversed(self.decoder), reversed(self.up), reversed(skips), strict=True):
            x = level(skip + F.pixel_shuffle(up(x), 2), condition)
        return F.pixel_shuffle(self.out(F.hardswish(x)), 2)[..., :height, :width]
