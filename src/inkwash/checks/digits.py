"""Digits that are mirrored or turned, and labels that are off by one, told by comparison with the bundled real digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.checks.pixels import Seen, on_paper
from inkwash.data import DATASETS

SIDE = 8
ENOUGH = 50
"""Images below which nothing is said."""

ALIKE, CLEARLY = 0.5, 0.2
"""The share that real digits must name right for an image to be one, and the lead over how the images are now.

Of MNIST they name 0.68, of MNIST mirrored 0.32. Ten printed letters reach 0.22 however they are turned, digits under
shuffled numbers 0.38.
"""

Undo = Callable[[Tensor], Tensor]

LOOKS: dict[str, tuple[Undo, str]] = {
    "upright": (lambda x: x, "images"),
    "mirrored": (lambda x: x.flip(-1), "numpy.flip(images, 2)"),
    "upside down": (lambda x: x.flip(-2), "numpy.flip(images, 1)"),
    "turned by 180°": (lambda x: x.flip(-2, -1), "numpy.flip(images, (1, 2))"),
    "turned by 90° clockwise": (lambda x: x.rot90(1, (-2, -1)), "numpy.rot90(images, 1, (1, 2))"),
    "turned by 90° anticlockwise": (lambda x: x.rot90(-1, (-2, -1)), "numpy.rot90(images, -1, (1, 2))"),
    "transposed": (lambda x: x.mT, "images.swapaxes(1, 2)"),
    "transposed and turned by 180°": (lambda x: x.mT.flip(-2, -1), "numpy.flip(images.swapaxes(1, 2), (1, 2))"),
}
"""How digits may look, what undoes it on [..., H, W], and how to say that in numpy for [N, H, W] or [N, H, W, C]."""

SHIFTS = {0: "right", 1: "one too high", -1: "one too low"}


class Likeness(NamedTuple):
    """How digits look and by how much their labels are too high, with the share named right then and as they are."""

    look: str
    shift: int
    share: float
    plain: float


def turned(seen: Seen) -> str | None:
    """Mirrored digits come from a flip that was meant for photographs, transposed ones from raw EMNIST files."""
    found = likeness(seen)
    if found is None or found.look == "upright":
        return None
    return (
        f"the digits look {found.look} (real digits name {found.plain:.0%} of them right, {found.share:.0%} once that is "
        f"undone), and samples will look so too; undo it, as {LOOKS[found.look][1]} does"
    )


def miscounted(seen: Seen) -> str | None:
    """Labels that were counted from another number: whoever asks for a digit gets its neighbour."""
    found = likeness(seen)
    if found is None or found.shift == 0:
        return None
    return (
        f"labels are {SHIFTS[found.shift]} (real digits name {found.plain:.0%} of the images as labelled, "
        f"{found.share:.0%} once that is undone): whoever asks for a 3 gets a {3 - found.shift}; "
        f"use (labels {'-' if found.shift > 0 else '+'} 1) % 10"
    )


@lru_cache(maxsize=1)
def likeness(seen: Seen) -> Likeness | None:
    """Return how images of the classes 0 to 9 are best read as digits, or None where that is how they are.

    Ten other classes, and too few images, are None too.
    """
    if seen.labels is None or seen.classes != tuple("0123456789") or int(seen.drawn_on.sum()) < ENOUGH:
        return None
    images, labels = seen.pixels[seen.drawn_on], seen.labels[seen.drawn_on]
    reference = DATASETS["digits"]()
    assert reference.labels is not None
    real, boxes = _features(_boxed(reference.values)), _boxed(255 - images if on_paper(seen) else images)
    shares = {}
    for look, (undo, _) in LOOKS.items():
        named = reference.labels[(_features(undo(boxes)) @ real.T).argmax(1)]
        for shift in SHIFTS:
            shares[look, shift] = float(((named + shift) % 10 == labels).double().mean())
    (look, shift), plain = max(shares, key=lambda key: shares[key]), shares["upright", 0]
    share = shares[look, shift]
    return Likeness(look, shift, share, plain) if share >= max(ALIKE, plain + CLEARLY) else None


def _boxed(pixels: Tensor) -> Tensor:
    """Return the ink of uint8 [n, C, H, W] with its box stretched to SIDE by SIDE, float32 [n, SIDE, SIDE]."""
    grey = pixels.float().mean(1)
    ink = grey > grey.amax((1, 2), keepdim=True) / 2
    (top, height), (left, width) = _extent(ink.any(2)), _extent(ink.any(1))
    # affine_grid counts from -1 to 1 over the image; four points a cell, because ink is thinner than a cell
    zero = torch.zeros_like(top)
    rows = torch.stack([width, zero, 2 * left + width - 1, zero, height, 2 * top + height - 1], 1)
    grid = functional.affine_grid(rows.view(-1, 2, 3), [len(grey), 1, 4 * SIDE, 4 * SIDE], align_corners=False)
    return functional.avg_pool2d(functional.grid_sample(grey[:, None], grid, align_corners=False), 4)[:, 0]


def _extent(marked: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the marks of bool [n, L] begin, and how far they reach, as shares of L."""
    length = marked.shape[1]
    first = marked.float().argmax(1)
    last = length - marked.flip(1).float().argmax(1)
    return first / length, (last - first) / length


def _features(boxes: Tensor) -> Tensor:
    flat = boxes.flatten(1)
    return functional.normalize(flat - flat.mean(1, keepdim=True), dim=1)
