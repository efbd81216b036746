"""Validation of the arrays that metrics take: features [N, D], pixels [N, C, H, W] and labels [N]."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from inkwash.errors import InkwashError, UsageError


def invalid_input(message: str, field: str | None = None) -> UsageError:
    """Return the error for an array of another dtype, shape, count or range than a metric takes."""
    return UsageError(message, code="invalid-data", field=field)


def describe(values: Tensor) -> str:
    """Return dtype and shape for a message, as in "float32 [200, 64]"."""
    return f"{values.dtype} {list(values.shape)}".removeprefix("torch.")


def format_shape(shape: Collection[int]) -> str:
    """Return the shape of an example for a message, as in "1×28×28"."""
    return "×".join(map(str, shape))


def check_features(features: Tensor, name: str, min_rows: int = 1) -> Tensor:
    """Return `features` if they are finite floats [N, D], N >= `min_rows`; `name` is for the message.

    Raises `UsageError` for another form or too few rows, `InkwashError` for NaN or infinity.
    """
    if features.ndim != 2 or not features.is_floating_point():
        raise invalid_input(f"{name} must be floats [N, D], not {describe(features)}: flatten and convert them", name)
    if len(features) < min_rows:
        raise invalid_input(f"{name}: {len(features):,} rows, at least {min_rows:,} are needed; give more images", name)
    invalid = (~features.isfinite().all(1)).nonzero()
    if len(invalid):
        raise InkwashError(
            f"{name}: NaN or infinity, first in row {int(invalid[0])}: the images or the feature extractor are "
            "damaged; leave those images out",
            code="non-finite",
            field=name,
        )
    return features


def check_pair(first: Tensor, second: Tensor, names: tuple[str, str], min_rows: int = 1) -> tuple[Tensor, Tensor]:
    """Return two checked sets of features of one width. Raises `UsageError` for different widths."""
    sets = check_features(first, names[0], min_rows), check_features(second, names[1], min_rows)
    check_width(first.shape[1], second.shape[1], names)
    return sets


def check_width(first: int, second: int, names: tuple[str, str]) -> None:
    """Raise `UsageError` unless both sets have the same number of features; `names` are for the message."""
    if first != second:
        raise UsageError(
            f"{names[0]} has {first} columns and {names[1]} {second}: give features of the same extractor",
            code="mismatch",
        )


def check_balanced(real: Tensor, fake: Tensor, min_rows: int) -> tuple[Tensor, Tensor]:
    """Return two checked sets of one width and equal N. Raises `UsageError` where one set is larger."""
    real, fake = check_pair(real, fake, ("real", "fake"), min_rows)
    if len(real) != len(fake):
        raise invalid_input(
            f"{len(real):,} real and {len(fake):,} fake images: distances to neighbours shrink with N, so this measure"
            f" needs as many of each; give {min(len(real), len(fake)):,} of both"
        )
    return real, fake


def check_pixels(pixels: Tensor, name: str, min_count: int = 0) -> None:
    """Raise `UsageError` unless `pixels` are uint8 [N, C, H, W], N >= `min_count`."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 4:
        raise invalid_input(f"{name} must be uint8 [N, C, H, W], not {describe(pixels)}: decode the images first", name)
    if len(pixels) < min_count:
        raise invalid_input(f"{name}: {len(pixels)} images, at least {min_count} are needed; give more images", name)


def check_labels(labels: Tensor, count: int, classes: Collection[int] | None, name: str = "samples") -> None:
    """Raise `UsageError` unless `labels` are int64 [`count`] among `classes`, which None does not restrict."""
    if labels.shape != (count,) or labels.dtype != torch.int64:
        raise invalid_input(f"{name}: labels must be int64 [{count:,}], not {describe(labels)}: convert them", "labels")
    unknown = set() if classes is None else set(labels.unique().tolist()) - set(classes)
    if unknown:
        raise invalid_input(
            f"{name}: label {min(unknown)} is out of range, the classes are {_describe_classes(classes or ())}: give the "
            "requested classes, or no labels",
            "labels",
        )


def _describe_classes(classes: Collection[int]) -> str:
    """Return the classes for a message: the first and the last where they are counted from 0, otherwise each."""
    counted = sorted(classes) == list(range(len(classes)))
    return f"0 to {len(classes) - 1}, counted from 0" if counted else ", ".join(map(str, sorted(classes)))
