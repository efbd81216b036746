"""Statistics of pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash.errors import UsageError


def zero_share(pixels: Tensor) -> float:
    """Return the fraction of `pixels`, uint8 of any shape, that are exactly 0, in [0, 1].

    The background of digits is exactly black, so a lower fraction shows a grey background. Raises `UsageError` for
    another type and for no pixels.
    """
    if pixels.dtype != torch.uint8:
        form = str(pixels.dtype).removeprefix("torch.")
        raise UsageError(f"pixels are {form}: the fraction of zeros needs uint8; decode the images first")
    if not pixels.numel():
        raise UsageError("there are no pixels: the fraction of zeros needs at least one image")
    return 1 - pixels.count_nonzero().item() / pixels.numel()
