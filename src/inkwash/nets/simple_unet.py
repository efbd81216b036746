"""A minimal U-Net with one downsampling and no normalization, used by `simple-unet`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.shapes import Images, Labels, PerExample
from inkwash.nets.layers import ClassEmbedding, upsample_concat, zero_init


class ConvReLUBlock(nn.Module):
    """conv-ReLU, plus a linear map of the condition, conv-ReLU, plus the input."""

    def __init__(self, channels: int, out: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, padding=1)
        self.condition = nn.Linear(dim, out)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        inner = F.relu(self.first(x)) + self.condition(condition)[:, :, None, None]
        return F.relu(self.second(inner)) + self.skip(x)


class SimpleUNet(nn.Module):
    """Widths `base` and 2 `base`; each block is conditioned on c_noise itself and 16 numbers of a class embedding.

    `forward(x [B, C, H, W], c_noise [B], label)` -> [B, C, H, W]. 181,473 parameters for one channel without classes.
    """

    def __init__(self, channels: int, classes: int = 0, base: int = 32) -> None:
        super().__init__()
        self.label = ClassEmbedding(classes, 16) if classes else None
        dim = 17 if classes else 1
        self.encoder = ConvReLUBlock(channels, base, dim)
        self.down = nn.AvgPool2d(2, ceil_mode=True)
        self.middle1 = ConvReLUBlock(base, 2 * base, dim)
        self.middle2 = ConvReLUBlock(2 * base, 2 * base, dim)
        self.decoder = ConvReLUBlock(3 * base, base, dim)
        self.out = zero_init(nn.Conv2d(base, channels, 1))

    def forward(self, x: Images, c_noise: PerExample, label: Labels | None = None) -> Images:
        condition = c_noise[:, None]
        if self.label is not None:
            condition = torch.cat([condition, self.label(label, len(x))], dim=1)
        fine = self.encoder(x, condition)
        x = self.middle2(self.middle1(self.down(fine), condition), condition)
        return self.out(self.decoder(upsample_concat(x, fine, "nearest"), condition))
