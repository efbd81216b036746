"""Attributes of samples: checked against the training set, and standardized for the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float32
from torch import Tensor

from inkwash.attributes import standardize
from inkwash.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from inkwash.model import Model

Requested = Mapping[str, float | tuple[float | None, ...]]
"""A value for each attribute by name, or several that are repeated cyclically, None for any."""


def require_extrapolated(requested: Requested | None, extrapolate: bool) -> None:
    """Raise `UsageError` where attributes out of range are allowed and none is requested."""
    if extrapolate and not requested:
        raise UsageError(
            "--extrapolate has no effect without attributes: give --set-attribute as well (in Python attributes=), or leave "
            "it out",
            code="no-effect",
            field="extrapolate",
        )


def assign_attributes(
    model: Model, count: int, requested: Requested | None, extrapolate: bool = False
) -> Float32[Tensor, "batch attributes"] | None:
    """Return standardized attributes of `count` samples, NaN for those not requested; None where none is.

    Raises `UsageError` for a model without attributes, an unknown name, and a value that fewer than 0.1 % of the
    training images exceed, unless `extrapolate`.
    """
    if not requested:
        return None
    specs = model.spec.attributes
    if not specs:
        message = (
            f"attributes have no effect: {model.name} was trained without them; leave them out, or use another model"
        )
        raise UsageError(message, code="no-effect", field="attributes")
    names = [spec.name for spec in specs]
    values = torch.full((count, len(specs)), math.nan)
    for name, given in requested.items():
        if name not in names:
            raise unknown_name("attribute", name, names)
        spec = specs[names.index(name)]
        several = given if isinstance(given, tuple) else (given,)
        if not several:
            message = f"attribute {name} is an empty list: give at least one value, or leave it out"
            raise UsageError(message, code="invalid-value", field="attributes")
        low, high = spec.range
        for value in (each for each in several if each is not None):
            if not math.isfinite(value) or not (low <= value <= high or extrapolate):
                message = f"{name} is {value:g}: in the training set it is {low:.3g} to {high:.3g}; give a value in that range"
                message += (
                    ", or allow others by --extrapolate (in Python extrapolate=True)" if math.isfinite(value) else ""
                )
                raise UsageError(message, code="out-of-range", field="attributes")
        column = torch.tensor([math.nan if each is None else each for each in several])
        values[:, names.index(name)] = column.repeat(-(-count // len(several)))[:count]
    return standardize(values, specs)
