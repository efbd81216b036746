"""Validation of feature arrays: float [N, D], one row an image."""

from __future__ import annotations

from torch import Tensor

from inkwash.errors import InkwashError, UsageError


def check_features(features: Tensor, name: str, least: int = 1) -> Tensor:
    """Return `features` if they are finite floats [N, D] of at least `least` rows; `name` is for the message.

    Raises `UsageError` for another form or too few rows, `InkwashError` for NaN or infinity.
    """
    if features.ndim != 2 or not features.is_floating_point():
        form = f"{features.dtype} {list(features.shape)}".removeprefix("torch.")
        raise UsageError(f"{name} must be floats [N, D], one row an image, but are {form}: flatten and convert them")
    if len(features) < least:
        raise UsageError(f"{name} have {len(features):,} rows, this measure needs {least:,}: give more images")
    invalid = (~features.isfinite().all(1)).nonzero()
    if len(invalid):
        raise InkwashError(
            f"{name} hold NaN or infinity, first in row {int(invalid[0])}: the images or the feature extractor are "
            "damaged; leave those images out"
        )
    return features


def check_pair(first: Tensor, second: Tensor, names: tuple[str, str], least: int = 1) -> tuple[Tensor, Tensor]:
    """Return two checked sets of features of one width. Raises `UsageError` for different widths."""
    sets = check_features(first, names[0], least), check_features(second, names[1], least)
    check_width(first.shape[1], second.shape[1], names)
    return sets


def check_width(first: int, second: int, names: tuple[str, str]) -> None:
    """Raise `UsageError` unless both sets have the same number of features; `names` are for the message."""
    if first != second:
        raise UsageError(f"{names[0]} are {first} wide and {names[1]} {second}: give both of the same extractor")


def check_balanced(real: Tensor, fake: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Return two checked sets of one width and equal N. Raises `UsageError` where one set is larger."""
    real, fake = check_pair(real, fake, ("real features", "fake features"), least)
    if len(real) != len(fake):
        raise UsageError(
            f"{len(real):,} real and {len(fake):,} fake images: distances to neighbours shrink with N, so this measure"
            f" needs as many of each; give {min(len(real), len(fake)):,} of both"
        )
    return real, fake
