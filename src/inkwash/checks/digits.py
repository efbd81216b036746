"""Detect mirrored or rotated digits and shifted labels by comparison with the bundled real digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.checks.pixels import ImageSubset, on_paper
from inkwash.data import DATASETS

SIDE = 8
ENOUGH = 50
"""Smallest number of images that is checked."""

ALIKE, CLEARLY = 0.5, 0.2
"""Accuracy of the nearest real digit from which images count as digits, and its lead over the images as they are.

It is 0.68 on MNIST and 0.32 on mirrored MNIST; at most 0.22 on ten printed letters in any orientation, and 0.38 on digits
with permuted labels.
"""

Undo = Callable[[Tensor], Tensor]

LOOKS: dict[str, tuple[Undo, str]] = {
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


class Likeness(NamedTuple):
    """Orientation of digits and shift of their labels, with the accuracy after correction and before."""

    look: str
    shift: int
    share: float
    plain: float


def reoriented(subset: ImageSubset) -> str | None:
    """Digits are mirrored by a flip that is meant for photographs; raw EMNIST files are transposed."""
    found = likeness(subset)
    if found is None or found.look == "upright":
        return None
    return (
        f"the digits look {found.look} (the nearest real digit has the right label for {found.plain:.0%} of them, for "
        f"{found.share:.0%} after correction), and so will the samples; correct them with {LOOKS[found.look][1]}"
    )


def shifted(subset: ImageSubset) -> str | None:
    """Labels that do not start at 0 make the model sample the next digit instead of the requested one."""
    found = likeness(subset)
    if found is None or found.shift == 0:
        return None
    return (
        f"labels are {SHIFTS[found.shift]} (the nearest real digit has the label of {found.plain:.0%} of the images, of "
        f"{found.share:.0%} after correction): a request for a 3 samples a {3 - found.shift}; "
        f"use (labels {'-' if found.shift > 0 else '+'} 1) % 10"
    )


@lru_cache(maxsize=1)
def likeness(subset: ImageSubset) -> Likeness | None:
    """Return the orientation and label shift of images of the classes 0 to 9 in which they match real digits best.

    Returns None where that is the present one, for other classes, and for too few images.
    """
    if subset.labels is None or subset.classes != tuple("0123456789") or int(subset.not_blank.sum()) < ENOUGH:
        return None
    images, labels = subset.pixels[subset.not_blank], subset.labels[subset.not_blank]
    reference = DATASETS["digits"]()
    assert reference.labels is not None
    real, boxes = _features(_boxed(reference.values)), _boxed(255 - images if on_paper(subset) else images)
    shares = {}
    for look, (undo, _) in LOOKS.items():
        nearest = reference.labels[(_features(undo(boxes)) @ real.T).argmax(1)]
        for shift in SHIFTS:
            shares[look, shift] = float(((nearest + shift) % 10 == labels).double().mean())
    (look, shift), plain = max(shares, key=lambda key: shares[key]), shares["upright", 0]
    share = shares[look, shift]
    return Likeness(look, shift, share, plain) if share >= max(ALIKE, plain + CLEARLY) else None


def _boxed(pixels: Tensor) -> Tensor:
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
    """Return start and length of the range of true values in each row of bool [n, L], as shares of L."""
    length = marked.shape[1]
    first = marked.float().argmax(1)
    last = length - marked.flip(1).float().argmax(1)
    return first / length, (last - first) / length


def _features(boxes: Tensor) -> Tensor:
    flat = boxes.flatten(1)
    return functional.normalize(flat - flat.mean(1, keepdim=True), dim=1)
