"""Pixels: what is wrong with an image before anyone looks at what it shows."""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash.errors import UsageError


def zero_share(pixels: Tensor) -> float:
    """Return the share of `pixels`, uint8 of any shape, that are exactly 0, in [0, 1].

    A digit's background is black to the last bit, so a grey one shows here first. Raises `UsageError` for another
    type, in which 0 means something else, and for no pixels.
    """
    if pixels.dtype != torch.uint8:
        form = str(pixels.dtype).removeprefix("torch.")
        raise UsageError(f"pixels are {form}: the share of zeros needs uint8; decode the images first")
    if not pixels.numel():
        raise UsageError("there are no pixels: the share of zeros needs at least one image")
    return 1 - pixels.count_nonzero().item() / pixels.numel()
