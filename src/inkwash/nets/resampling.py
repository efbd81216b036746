"""Halving and doubling feature maps of any size: on the way up, a map takes the size of the skip it meets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def halve(x: Tensor) -> Tensor:
    """Return the maximum of 2x2 patches [B, C, ceil(H/2), ceil(W/2)]; an odd last row or column stands alone."""
    return F.max_pool2d(x, 2, ceil_mode=True)


def join(x: Tensor, skip: Tensor, mode: str) -> Tensor:
    """Return `x` resized to the height and width of `skip` by `mode`, with `skip` behind it, [B, C + C', H, W]."""
    return torch.cat([F.interpolate(x, size=skip.shape[-2:], mode=mode), skip], dim=1)


class StridedDown(nn.Conv2d):
    """A learned halving: a 4x4 convolution with stride 2. Images must be at least 2 pixels high and wide here."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)


class StridedUp(nn.ConvTranspose2d):
    """A learned doubling to the size of the skip, which is put behind it: a transposed 4x4 convolution with stride 2."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        grown = super().forward(x, output_size=list(skip.shape[-2:]))
        return torch.cat([grown, skip], dim=1)


def zeroed(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Return `layer` with zero weight and bias, so that an untrained network says zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
