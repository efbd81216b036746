"""Convert pixels (uint8, 0 to 255) to inputs of networks (float32, -1 to 1) and back, and resize them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.data import memory_map
from inkwash.errors import UsageError
from inkwash.hardware import memory


def encode(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as float32 in [-1, 1], of the same shape: 0 is -1, 255 is 1."""
    return pixels.float() / 127.5 - 1


def decode(images: Tensor) -> Tensor:
    """Return float images as uint8 pixels of the same shape, clamped to [-1, 1] and rounded to the nearest.

    `decode(encode(u)) == u` for all 256 values.
    """
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def resize(pixels: Tensor, size: int) -> Tensor:
    """Return uint8 `[N, C, H, W]` as `[N, C, size, size]`: the shorter side is scaled to `size`, the centre cropped.

    Bilinear, antialiased; the aspect ratio is kept. Images of that size are returned unchanged. Raises `UsageError` for a
    size below 1 pixel, and for images that do not fit in memory.
    """
    if size < 1:
        raise UsageError(
            f"--size is {size}: the side of an image must be at least 1 pixel", code="out-of-range", field="size"
        )
    height, width = pixels.shape[-2:]
    if (height, width) == (size, size):
        return pixels
    memory.require(
        len(pixels) * pixels.shape[1] * size**2,
        f"{len(pixels):,} images with --size {size}",
        "give a smaller one",
        "size",
    )
    scale = size / min(height, width)
    scaled = (max(size, round(height * scale)), max(size, round(width * scale)))
    top, left = (scaled[0] - size) // 2, (scaled[1] - size) // 2

    def one(batch: Tensor) -> Tensor:
        smooth = functional.interpolate(batch.float(), scaled, mode="bilinear", antialias=True)
        return smooth[..., top : top + size, left : left + size].round().clamp(0, 255).to(torch.uint8)

    # Convert in parts, because the float copy takes four times the memory of the images.
    return torch.cat([one(batch) for batch in memory_map.split_chunks(pixels)])
