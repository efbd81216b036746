"""A U-Net that folds 2x2 pixels into channels and normalises nothing, so that a processor spends its time in convolutions."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.nets.conditioning import Condition
from inkwash.nets.resampling import zeroed


class ResBlock(nn.Module):
    """Hardswish-conv, scaled and shifted by the condition, hardswish-conv, plus the input (no norm: Brock et al. 2021).

    Hardswish (Howard et al. 2019) learns what SiLU does in half of its time: a processor has no cheap exponential.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.condition = zeroed(nn.Linear(dim, 2 * width))
        self.second = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, dim=1)
        return x + self.second(F.hardswish(torch.addcmul(shift, self.first(F.hardswish(x)), 1 + scale)))


class Stage(nn.ModuleList):
    """`blocks` residual blocks one after the other, each told the condition."""

    def __init__(self, width: int, blocks: int, dim: int) -> None:
        super().__init__(ResBlock(width, dim) for _ in range(blocks))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for block in self:
            x = block(x, condition)
        return x


class FoldedUNet(nn.Module):
    """`blocks` residual blocks a level on each side, at `widths` from half the resolution down.

    Pixels are folded and unfolded 2x2 wherever the size changes, and a level's map is added to what comes back up.
    `forward(x [B, C, H, W], code [B], label int64 [B] or None)` -> [B, C, H, W]; any H and W: edges are repeated.
    """

    def __init__(
        self, channels: int, classes: int = 0, widths: tuple[int, ...] = (32, 64), blocks: int = 2, dim: int = 128
    ) -> None:
        super().__init__()
        self.multiple = 2 ** len(widths)
        self.condition = Condition(dim, hidden=dim, classes=classes)
        self.stem = nn.Conv2d(4 * channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(Stage(width, blocks, dim) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.middle = Stage(widths[-1], blocks, dim)
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(Stage(width, blocks, dim) for width in widths[:-1])
        self.out = zeroed(nn.Conv2d(widths[0], 4 * channels, 3, padding=1))

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        condition = F.hardswish(self.condition(code, label))
        height, width = x.shape[-2:]
        below, beside = -height % self.multiple, -width % self.multiple
        if below or beside:
            x = F.pad(x, (0, beside, 0, below), mode="replicate")
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
