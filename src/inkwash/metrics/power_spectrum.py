"""The power of images at each spatial frequency, averaged over directions."""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash.core.shapes import Images


def power_spectrum(images: Images) -> Tensor:
    """Return the power of `images` [B, C, H, W] at 1, 2, ... cycles per image below half of the shorter side, float64 [B, K].

    The mean squared modulus of the Fourier coefficients, divided by H * W, over all coefficients whose distance from zero
    frequency rounds to that number, and over channels. White noise of variance 1 has power 1 everywhere.
    """
    height, width = images.shape[-2:]
    power = torch.fft.fft2(images.double()).abs().square().mean(1) / (height * width)
    rows, columns = (torch.fft.fftfreq(side, 1 / side) for side in (height, width))
    radius = torch.hypot(rows[:, None], columns[None, :]).round().int()
    frequencies = range(1, min(height, width) // 2)
    return torch.stack([power[:, radius == k].mean(1) for k in frequencies], dim=1)
