"""A wide U-Net that resamples by strided 4x4 convolutions, used by `ddim-300`."""

from __future__ import annotations

from torch import Tensor, nn

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, StridedDown, StridedUp, zero_init


class PostNormBlock(nn.Module):
    """conv-GN-SiLU, plus a linear map of the condition, conv-GN-SiLU, plus the input."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.GroupNorm(8, out), nn.SiLU())
        self.condition = nn.Linear(dim, out)
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, padding=1), nn.GroupNorm(8, out), nn.SiLU())
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.second(self.first(x) + self.condition(condition)[:, :, None, None]) + self.skip(x)


class StridedUNet(nn.Module):
    """Widths `base` times 1, 2, 4, one residual block per resolution and side; condition of width `dim`.

    `forward(x [B, C, H, W], c_noise [B], label)` -> [B, C, H, W], H and W at least 4. 3,672,513 parameters for one channel.
    """

    def __init__(self, channels: int, classes: int = 0, base: int = 64, dim: int = 128) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(dim, hidden=4 * dim, classes=classes)
        self.stem = nn.Conv2d(channels, base, 3, padding=1)
        self.encoder1 = PostNormBlock(base, base, dim)
        self.down1 = StridedDown(base, 2 * base)
        self.encoder2 = PostNormBlock(2 * base, 2 * base, dim)
        self.down2 = StridedDown(2 * base, 4 * base)
        self.middle = PostNormBlock(4 * base, 4 * base, dim)
        self.up2 = StridedUp(4 * base, 2 * base)
        self.decoder2 = PostNormBlock(4 * base, 2 * base, dim)
        self.up1 = StridedUp(2 * base, base)
        self.decoder1 = PostNormBlock(2 * base, base, dim)
        self.out = zero_init(nn.Conv2d(base, channels, 1))

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = self.condition(c_noise, label)
        fine = self.encoder1(self.stem(x), condition)
        coarse = self.encoder2(self.down1(fine), condition)
        x = self.middle(self.down2(coarse), condition)
        x = self.decoder2(self.up2(x, coarse), condition)
        x = self.decoder1(self.up1(x, fine), condition)
        return self.out(x)
