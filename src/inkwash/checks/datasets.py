"""Checks of a data set: classes without examples, and the scale of points, which are used as stored."""

from __future__ import annotations

from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec

USUAL_SCALE = (0.05, 5.0)
"""Range of standard deviations that are not reported."""
MAX_NAMES = 5
"""Number of classes without examples that are named."""
MANY_CLASSES = 20
"""Classes below which a small set is not reported for having few examples of each."""


def check_point_scale(data: Dataset) -> str | None:
    """Warn about points whose standard deviation is outside USUAL_SCALE: the schedules are made for unit scale."""
    low, high = USUAL_SCALE
    if low <= data.data_std <= high:
        return None
    noise = "too small" if data.data_std > high else "too large"
    return (
        f"the points have a standard deviation of {data.data_std:.3g}, for which unit noise is {noise}; "
        f"divide them by {data.data_std:.3g}"
    )


def check_empty_classes(spec: DatasetSpec) -> str | None:
    """Warn about classes without examples; if only class 0 has none, the labels probably start at 1."""
    empty = [name for name, fraction in zip(spec.classes, spec.proportions, strict=True) if fraction == 0]
    count = len(spec.classes)
    if not empty:
        return None
    if empty == ["0"] and spec.classes == tuple(map(str, range(count))) and count > 2:
        return f"labels run from 1 to {count - 1} and none is 0: class 0 has no examples; use labels - 1"
    names = ", ".join(empty[:MAX_NAMES]) + (", …" if len(empty) > MAX_NAMES else "")
    return (
        f"{len(empty)} of {count} classes have no examples ({names}): "
        "samples of them will be meaningless; add examples, or leave the classes out"
    )


def check_examples_per_class(spec: DatasetSpec) -> str | None:
    """Warn about many classes of less than two examples on average: the labels are rather numbers or names of files."""
    count = len(spec.classes)
    if count < MANY_CLASSES or not 0 < spec.count < 2 * count:
        return None
    return (
        f"{count:,} classes have {spec.count:,} examples together, too few to learn each; give labels of few classes, or leave "
        "the labels out"
    )
