"""A U-Net of pre-activation GroupNorm residual blocks, each conditioned on c_noise and class, used by `cfg-cosine`."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, upsample_concat, zero_init


class PreActivationBlock(nn.Module):
    """GN-SiLU-conv, plus a linear map of the condition, GN-SiLU-conv, plus the input: He et al. (2016)."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1))
        self.condition = nn.Sequential(nn.SiLU(), nn.Linear(dim, out))
        self.second = nn.Sequential(nn.GroupNorm(8, out), nn.SiLU(), nn.Conv2d(out, out, 3, padding=1))
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = self.first(x) + self.condition(condition)[:, :, None, None]
        return self.second(inner) + self.skip(x)


class ClassUNet(nn.Module):
    """One residual block per resolution and side, `widths` from full resolution down; stride-2 convolutions between.

    `forward(x [B, C, H, W], c_noise [B], label int64 [B] or None)` -> [B, C, H, W]. Widths are multiples of 8.
    """

    def __init__(
        self, channels: int, classes: int = 0, widths: tuple[int, ...] = (64, 64, 128, 128), dim: int = 128
    ) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(dim, hidden=4 * dim, classes=classes)
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(PreActivationBlock(width, width, dim) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.middle = PreActivationBlock(widths[-1], widths[-1], dim)
        self.decoder = nn.ModuleList(PreActivationBlock(a + b, a, dim) for a, b in pairwise(widths))
        self.out = nn.Sequential(
            nn.GroupNorm(8, widths[0]), nn.SiLU(), zero_init(nn.Conv2d(widths[0], channels, 3, padding=1))
        )

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = self.condition(c_noise, label)
        x = self.stem(x)
        skips = []
        for block, down in zip(self.encoder, self.down, strict=True):
            x = block(x, condition)
            skips.append(x)
            x = down(x)
        x = self.middle(x, condition)
        for block, skip in zip(reversed(self.decoder), reversed(skips), strict=True):
            x = block(upsample_concat(x, skip, "nearest"), condition)
        return self.out(x)
