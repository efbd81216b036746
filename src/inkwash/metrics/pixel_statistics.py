"""Statistics of pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash.metrics.input_checks import describe, invalid_input


def zero_fraction(pixels: Tensor) -> float:
    """Return the fraction of `pixels`, uint8 of any shape, that are exactly 0, in [0, 1].

    The background of digits is exactly black, so a lower fraction shows a grey background. Raises `UsageError` for
    another type and for no pixels.
    """
    if pixels.dtype != torch.uint8 or not pixels.numel():
        raise invalid_input(f"pixels must be uint8 and not empty, not {describe(pixels)}: decode the images", "pixels")
    return 1 - pixels.count_nonzero().item() / pixels.numel()
