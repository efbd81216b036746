"""Features: float [N, D], one row an image as a judge sees it; what every measure demands of them stands here."""

from __future__ import annotations

from torch import Tensor

from inkwash.errors import InkwashError, UsageError


def checked(features: Tensor, what: str, least: int = 1) -> Tensor:
    """Return `features` if they are floats [N, D] without NaN or infinity, in at least `least` rows.

    `what` names them in the message. Raises `UsageError` for another form or too few rows, `InkwashError` for a
    number that is none.
    """
    if features.ndim != 2 or not features.is_floating_point():
        form = f"{features.dtype} {list(features.shape)}".removeprefix("torch.")
        raise UsageError(f"{what} must be floats [N, D], one row an image, but are {form}: flatten and convert them")
    if len(features) < least:
        raise UsageError(f"{what} have {len(features):,} rows, but this measure needs {least:,}: give more images")
    broken = (~features.isfinite().all(1)).nonzero()
    if len(broken):
        raise InkwashError(
            f"{what} hold NaN or infinity, first in row {int(broken[0])}: the images or the judge are damaged;"
            " leave those images out"
        )
    return features


def both(first: Tensor, second: Tensor, names: tuple[str, str], least: int = 1) -> tuple[Tensor, Tensor]:
    """Return two sets of features, each `checked` under its name and of one width. Raises `UsageError` for two widths."""
    sets = checked(first, names[0], least), checked(second, names[1], least)
    same_width(first.shape[1], second.shape[1], names)
    return sets


def same_width(first: int, second: int, names: tuple[str, str]) -> None:
    """Raise `UsageError` unless both sets have as many features an image; `names` are for the message."""
    if first != second:
        raise UsageError(f"{names[0]} are {first} wide and {names[1]} {second}: give both as the same judge sees them")


def balanced(real: Tensor, fake: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Return two checked sets of one width and of equal N. Raises `UsageError` where one set is larger."""
    real, fake = both(real, fake, ("real features", "fake features"), least)
    if len(real) != len(fake):
        raise UsageError(
            f"{len(real):,} real and {len(fake):,} fake images: distances to neighbours shrink with N, so this measure"
            f" needs as many of each; give {min(len(real), len(fake)):,} of both"
        )
    return real, fake
