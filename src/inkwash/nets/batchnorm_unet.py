"""A U-Net of conv-BatchNorm-ReLU blocks that hears the raw sinusoid in every block: the network of `ddpm-bn`."""

from __future__ import annotations

from torch import Tensor, nn

from inkwash.nets.conditioning import Condition
from inkwash.nets.resampling import halve, join, zeroed


class Block(nn.Module):
    """conv-BN-ReLU, plus a linear map of the condition, conv-BN-ReLU."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU())
        self.condition = nn.Linear(dim, out)
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.second(self.first(x) + self.condition(condition)[:, :, None, None])


class BatchNormUNet(nn.Module):
    """Two max-pools down, two bilinear doublings up, widths `base` times 1, 2, 4; condition of width `dim`.

    `forward(x [B, C, H, W], code [B], label)` -> [B, C, H, W]. 858,305 parameters for one channel as it stands.
    """

    def __init__(self, channels: int, classes: int = 0, base: int = 32, dim: int = 128) -> None:
        super().__init__()
        self.condition = Condition(dim, classes=classes)
        self.stem = nn.Conv2d(channels, base, 3, padding=1)
        self.down1 = Block(base, 2 * base, dim)
        self.down2 = Block(2 * base, 4 * base, dim)
        self.middle = Block(4 * base, 4 * base, dim)
        self.up2 = Block(8 * base, 2 * base, dim)
        self.up1 = Block(4 * base, base, dim)
        self.out = zeroed(nn.Conv2d(base, channels, 1))

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        condition = self.condition(code, label)
        fine = self.down1(self.stem(x), condition)
        coarse = self.down2(halve(fine), condition)
        x = self.middle(halve(coarse), condition)
        x = self.up2(join(x, coarse, "bilinear"), condition)
        x = self.up1(join(x, fine, "bilinear"), condition)
        return self.out(x)
