"""Checks of values that are used as stored: points, and float images made in Python."""

from __future__ import annotations

from inkwash.data import Dataset

MOST_EXAMPLES = 2000
"""Number of examples that are checked."""
USUAL_SCALE = (0.05, 5.0)
"""Range of standard deviations that are not reported."""


def images_in_another_range(data: Dataset) -> str | None:
    """Float images are used as stored, while unit noise and clipping are made for [-1, 1]."""
    if len(data.shape) == 1:
        return None
    low, high = (float(edge) for edge in data.values[:MOST_EXAMPLES].aminmax())
    if low < -0.5 and high <= 1.5:
        return None
    return (
        f"the images are floats from {low:.3g} to {high:.3g}, while noise and clipping are made for -1 to 1: samples will "
        "have another contrast; give uint8 from 0 to 255"
    )


def points_of_another_scale(data: Dataset) -> str | None:
    """Points much wider than unit noise are never hidden by it, much narrower ones never resolved."""
    low, high = USUAL_SCALE
    if len(data.shape) > 1 or low <= data.data_std <= high:
        return None
    fault = "never hides them" if data.data_std > high else "hides all of their shape"
    return (
        f"the points have a standard deviation of {data.data_std:.3g}, and unit noise {fault}; "
        f"divide them by {data.data_std:.3g}"
    )
