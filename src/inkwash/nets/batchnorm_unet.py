"""A U-Net of conv-BatchNorm-ReLU blocks, each conditioned on the sinusoidal embedding, used by `ddpm-bn`."""

from __future__ import annotations

from torch import Tensor, nn

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ConditionEmbedding, max_pool, upsample_concat, zero_init


class BatchNormBlock(nn.Module):
    """conv-BN-ReLU, plus a linear map of the condition, conv-BN-ReLU."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU())
        self.condition = nn.Linear(dim, out)
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.second(self.first(x) + self.condition(condition)[:, :, None, None])


class BatchNormUNet(nn.Module):
    """Two max-poolings, two bilinear upsamplings, widths `base` times 1, 2, 4; condition of width `dim`.

    `forward(x [B, C, H, W], c_noise [B], label)` -> [B, C, H, W]. 858,305 parameters with the defaults and one channel.
    """

    def __init__(self, channels: int, classes: int = 0, base: int = 32, dim: int = 128) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(dim, classes=classes)
        self.stem = nn.Conv2d(channels, base, 3, padding=1)
        self.down1 = BatchNormBlock(base, 2 * base, dim)
        self.down2 = BatchNormBlock(2 * base, 4 * base, dim)
        self.middle = BatchNormBlock(4 * base, 4 * base, dim)
        self.up2 = BatchNormBlock(8 * base, 2 * base, dim)
        self.up1 = BatchNormBlock(4 * base, base, dim)
        self.out = zero_init(nn.Conv2d(base, channels, 1))

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = self.condition(c_noise, label)
        fine = self.down1(self.stem(x), condition)
        coarse = self.down2(max_pool(fine), condition)
        x = self.middle(max_pool(coarse), condition)
        x = self.up2(upsample_concat(x, coarse, "bilinear"), condition)
        x = self.up1(upsample_concat(x, fine, "bilinear"), condition)
        return self.out(x)
