"""Values that are trained on as they are stored: points, and float images that someone made in Python."""

from __future__ import annotations

from inkwash.data import Dataset

LOOKED_AT = 2000
USUAL_SCALE = (0.05, 5.0)


def images_in_another_range(data: Dataset) -> str | None:
    """Float images are trained on unchanged, where noise of deviation 1 and clipping expect [-1, 1]."""
    if len(data.shape) == 1:
        return None
    low, high = (float(edge) for edge in data.values[:LOOKED_AT].aminmax())
    if low < -0.5 and high <= 1.5:
        return None
    return (
        f"the images are floats from {low:.3g} to {high:.3g}, where noise and clipping expect -1 to 1: what is drawn will "
        "have another contrast; give uint8 from 0 to 255"
    )


def points_of_another_scale(data: Dataset) -> str | None:
    """Points far wider than the noise of deviation 1 are never hidden by it, far narrower ones never resolved."""
    low, high = USUAL_SCALE
    if len(data.shape) > 1 or low <= data.data_std <= high:
        return None
    fault = "never hides them" if data.data_std > high else "hides all of their shape"
    return (
        f"the points have a standard deviation of {data.data_std:.3g}, and noise of deviation 1 {fault}; "
        f"divide them by {data.data_std:.3g}"
    )
