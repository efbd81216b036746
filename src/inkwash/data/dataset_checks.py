"""Checks of the tensors of a `Dataset`, which Python code may have made: dtype, shape, counts, labels, finite values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inkwash.errors import UsageError

AS_ARRAYS = "or give arrays as data=(images, labels), which are converted"


def invalid(field: str, fault: str) -> UsageError:
    """Return the error for a wrong argument of `Dataset`."""
    return UsageError(f"Dataset: {field} {fault}", code="invalid-data", field=field)


def require_valid(
    values: Any, labels: Any, classes: Sequence[Any], test_values: Any = None, test_labels: Any = None
) -> None:
    """Raise `UsageError`, with the argument of `Dataset` as its field, for what no data set has."""
    _require_values(values, "values")
    if test_values is not None:
        _require_values(test_values, "test_values")
        if (test_values.dtype, test_values.shape[1:]) != (values.dtype, values.shape[1:]):
            raise invalid(
                "test_values", f"are {_described(test_values)}, values are {_described(values)}: give both alike"
            )
    if isinstance(classes, str) or not all(isinstance(name, str) for name in classes):
        raise invalid("classes", f"are {str(classes)[:60]}: give the names of the classes as text, as in ('0', '1')")
    if labels is not None:
        _require_labels(labels, len(values), len(classes), "labels")
    if test_labels is not None:
        if test_values is None:
            raise invalid("test_values", "are missing, but there are test_labels: give them, or leave both out")
        # Without labels and classes, those of the test part are not used.
        most = None if labels is None and not classes else len(classes)
        _require_labels(test_labels, len(test_values), most, "test_labels")


def _require_values(values: Any, field: str) -> None:
    if not isinstance(values, Tensor):
        raise invalid(field, f"are a {type(values).__name__}: give a tensor, {AS_ARRAYS}")
    found = _described(values)
    if values.numel() == 0:
        raise invalid(field, f"are empty ({found}): give at least one example")
    if values.dtype == torch.uint8:
        if values.ndim != 4:
            raise invalid(field, f"are {found}: pixels are uint8 [N, C, H, W], {AS_ARRAYS}")
        return
    if values.dtype != torch.float32 or values.ndim != 2:
        span = ""
        if values.is_floating_point() and values.ndim > 2:
            low, high = (float(edge) for edge in values.aminmax())
            span = f", from {low:.4g} to {high:.4g}"
        raise invalid(
            field,
            f"are {found}{span}: pixels are uint8 [N, C, H, W] from 0 to 255, points float32 [N, D]; convert them, or give "
            "data=(images, labels) with data__range=(BLACK, WHITE)",
        )
    if not bool(torch.isfinite(values).all()):
        raise invalid(field, f"are {found} with NaN or infinity: find where they come from")


def _require_labels(labels: Any, count: int, classes: int | None, field: str) -> None:
    if not isinstance(labels, Tensor):
        raise invalid(field, f"are a {type(labels).__name__}: give a tensor of int64 [N], {AS_ARRAYS}")
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise invalid(field, f"are {_described(labels)}: give int64 [N], as by .long(), {AS_ARRAYS}")
    if len(labels) != count:
        raise invalid(field, f"are {len(labels):,} for {count:,} examples: give one for each")
    low, high = (int(edge) for edge in labels.aminmax())
    if classes is not None and (low < 0 or high >= classes):
        wrong = low if low < 0 else high
        hint = "; use labels - 1" if low == 1 and high == classes else ""
        given = f"there are {classes} classes, 0 to {classes - 1}" if classes else "no classes are given"
        raise invalid(field, f"have {wrong}, but {given}: give an index into classes for each example{hint}")


def _described(values: Tensor) -> str:
    return f"{str(values.dtype).removeprefix('torch.')} {list(values.shape)}"
