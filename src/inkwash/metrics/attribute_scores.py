"""How well requested attributes are followed: agreement of requested and measured values, and effects of a sweep."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Values = Float[Tensor, " images"]
AttributeValues = Float[Tensor, "images attributes"]


class Agreement(NamedTuple):
    """Agreement of requested and measured values of an attribute, over the `n` images that it could be measured on.

    `r2` is the coefficient of determination: 1 - mean squared error / variance of the requests. It is 1 for equal values,
    0 for the mean request in place of each, negative for worse, and None where all requests are equal. `mae` is the mean
    absolute error and `bias` the mean of measured minus requested, both in the attribute's unit; all are None without
    images.
    """

    n: int
    r2: float | None
    mae: float | None
    bias: float | None


def agreement(requested: Values, measured: Values) -> Agreement:
    """Return the agreement of two columns of values; images on which either is NaN are left out and not counted."""
    known = ~(requested.isnan() | measured.isnan())
    requested, difference = requested[known].double(), (measured - requested)[known].double()
    if not known.any():
        return Agreement(0, None, None, None)
    variance = float(requested.var(correction=0))
    r2 = 1 - float(difference.square().mean()) / variance if variance > 0 else None
    return Agreement(len(difference), r2, float(difference.abs().mean()), float(difference.mean()))


def effects(low: AttributeValues, high: AttributeValues, std: Float[Tensor, " attributes"]) -> list[float]:
    """Return the mean change of each attribute between paired images, from `low` to `high`, in units of `std`.

    Pairs with an attribute that is NaN are left out of its mean; without pairs it is NaN.
    """
    return ((high.double() - low.double()).nanmean(0) / std.double()).tolist()


def shifted(images: Tensor, columns: float) -> Tensor:
    """Return uint8 images [N, C, H, W] moved to the right by `columns` pixels, at least 0, onto black.

    A fraction of a pixel is interpolated linearly and rounded.
    """
    whole = math.floor(columns)
    fraction, width = columns - whole, images.shape[-1]
    padded = F.pad(images.float(), (whole + 1, 0))
    moved = (1 - fraction) * padded[..., 1 : width + 1] + fraction * padded[..., :width]
    return moved.round().clamp(0, 255).to(torch.uint8)
