"""Downsampling and upsampling of feature maps of any size: upsampling takes the size of the skip connection."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def max_pool(x: Float[Tensor, "batch channels _ _"]) -> Float[Tensor, "batch channels _ _"]:
    """Return the maximum of 2x2 patches [B, C, ceil(H/2), ceil(W/2)]; an odd last row or column is pooled by itself."""
    return F.max_pool2d(x, 2, ceil_mode=True)


def upsample_concat(
    x: Float[Tensor, "batch _ _ _"], skip: Float[Tensor, "batch _ height width"], mode: str
) -> Float[Tensor, "batch _ height width"]:
    """Return `x` resized to the height and width of `skip` by `mode`, concatenated with `skip`, [B, C + C', H, W]."""
    return torch.cat([F.interpolate(x, size=skip.shape[-2:], mode=mode), skip], dim=1)


class StridedDown(nn.Conv2d):
    """A 4x4 convolution with stride 2; maps must be at least 2 pixels high and wide."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)


class StridedUp(nn.ConvTranspose2d):
    """A transposed 4x4 convolution with stride 2 to the size of the skip connection, concatenated with it."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        upsampled = super().forward(x, output_size=list(skip.shape[-2:]))
        return torch.cat([upsampled, skip], dim=1)


def zero_init(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Return `layer` with zero weight and bias, so that an untrained network returns zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
