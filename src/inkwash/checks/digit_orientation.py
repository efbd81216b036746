"""Detect mirrored or rotated digits and shifted labels by comparison with the bundled real digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.checks.pixels import ImageSubset, is_dark_on_light
from inkwash.data import DATASETS

SIDE = 8
MIN_IMAGES = 50
"""Smallest number of images that is checked."""

MIN_ACCURACY, MIN_GAIN = 0.5, 0.2
"""Smallest accuracy of the nearest real digit after correction, and its smallest gain by the correction.

The accuracy is 0.68 on MNIST and 0.32 on mirrored MNIST; at most 0.22 on ten printed letters in any orientation, and
0.38 on digits with permuted labels.
"""

Inverse = Callable[[Tensor], Tensor]

ORIENTATIONS: dict[str, tuple[Inverse, str]] = {
    "upright": (lambda x: x, "images"),
    "mirrored": (lambda x: x.flip(-1), "numpy.flip(images, 2)"),
    "upside down": (lambda x: x.flip(-2), "numpy.flip(images, 1)"),
    "rotated by 180°": (lambda x: x.flip(-2, -1), "numpy.flip(images, (1, 2))"),
    "rotated by 90° clockwise": (lambda x: x.rot90(1, (-2, -1)), "numpy.rot90(images, 1, (1, 2))"),
    "rotated by 90° anticlockwise": (lambda x: x.rot90(-1, (-2, -1)), "numpy.rot90(images, -1, (1, 2))"),
    "transposed": (lambda x: x.mT, "images.swapaxes(1, 2)"),
    "transposed and rotated by 180°": (lambda x: x.mT.flip(-2, -1), "numpy.flip(images.swapaxes(1, 2), (1, 2))"),
}
"""Orientations of digits: the inverse on [..., H, W], and the numpy expression for [N, H, W] or [N, H, W, C]."""

SHIFTS = {0: "right", 1: "one too high", -1: "one too low"}


class OrientationMatch(NamedTuple):
    """Orientation of digits and shift of their labels, with the accuracy after correction and without it."""

    orientation: str
    label_shift: int
    accuracy: float
    accuracy_unchanged: float


def check_orientation(subset: ImageSubset) -> str | None:
    """Warn about mirrored, rotated or transposed digits, as in raw EMNIST files."""
    found = best_match(subset)
    if found is None or found.orientation == "upright":
        return None
    return (
        f"the digits look {found.orientation} (the nearest real digit has the right label for "
        f"{found.accuracy_unchanged:.0%} of them, for {found.accuracy:.0%} after correction), and so will the samples; "
        f"correct them with {ORIENTATIONS[found.orientation][1]}"
    )


def check_label_shift(subset: ImageSubset) -> str | None:
    """Warn about labels that are shifted by one, by which the model samples another digit than the requested one."""
    found = best_match(subset)
    if found is None or found.label_shift == 0:
        return None
    return (
        f"labels are {SHIFTS[found.label_shift]} (the nearest real digit has the label of "
        f"{found.accuracy_unchanged:.0%} of the images, of {found.accuracy:.0%} after correction): "
        f"a request for a 3 samples a {3 - found.label_shift}; "
        f"use (labels {'-' if found.label_shift > 0 else '+'} 1) % 10"
    )


@lru_cache(maxsize=1)
def best_match(subset: ImageSubset) -> OrientationMatch | None:
    """Return the orientation and label shift of images of the classes 0 to 9 in which they match real digits best.

    Returns None where that is the present one, for other classes, and for too few images.
    """
    if subset.labels is None or subset.classes != tuple("0123456789") or int(subset.not_blank.sum()) < MIN_IMAGES:
        return None
    images, labels = subset.pixels[subset.not_blank], subset.labels[subset.not_blank]
    reference = DATASETS["digits"]()
    assert reference.labels is not None
    real, boxes = _features(_cropped(reference.values)), _cropped(255 - images if is_dark_on_light(subset) else images)
    accuracies = {}
    for orientation, (inverse, _) in ORIENTATIONS.items():
        nearest = reference.labels[(_features(inverse(boxes)) @ real.T).argmax(1)]
        for shift in SHIFTS:
            accuracies[orientation, shift] = float(((nearest + shift) % 10 == labels).double().mean())
    best, unchanged = max(accuracies, key=lambda key: accuracies[key]), accuracies["upright", 0]
    accuracy = accuracies[best]
    return OrientationMatch(*best, accuracy, unchanged) if accuracy >= max(MIN_ACCURACY, unchanged + MIN_GAIN) else None


def _cropped(pixels: Tensor) -> Tensor:
    """Return the bounding box of the strokes in uint8 [n, C, H, W], resized, float32 [n, SIDE, SIDE]."""
    grey = pixels.float().mean(1)
    ink = grey > grey.amax((1, 2), keepdim=True) / 2
    (top, height), (left, width) = _extent(ink.any(2)), _extent(ink.any(1))
    # affine_grid spans the image from -1 to 1; four points per cell, because strokes are thinner than a cell.
    zero = torch.zeros_like(top)
    rows = torch.stack([width, zero, 2 * left + width - 1, zero, height, 2 * top + height - 1], 1)
    grid = functional.affine_grid(rows.view(-1, 2, 3), [len(grey), 1, 4 * SIDE, 4 * SIDE], align_corners=False)
    return functional.avg_pool2d(functional.grid_sample(grey[:, None], grid, align_corners=False), 4)[:, 0]


def _extent(marked: Tensor) -> tuple[Tensor, Tensor]:
    """Return start and length of the range of true values in each row of bool [n, L], as fractions of L."""
    length = marked.shape[1]
    first = marked.float().argmax(1)
    last = length - marked.flip(1).float().argmax(1)
    return first / length, (last - first) / length


def _features(boxes: Tensor) -> Tensor:
    flat = boxes.flatten(1)
    return functional.normalize(flat - flat.mean(1, keepdim=True), dim=1)
