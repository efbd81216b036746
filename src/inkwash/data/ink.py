"""Ink and background: whether images are light on dark, as MNIST is, or dark on light, as drawings on paper are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from inkwash.data import memory_map
from inkwash.data.dataset import Dataset
from inkwash.errors import UsageError

Background = Literal["dark", "light"]

PAPER_WIDTH = 48
"""Grey levels from the median of the border within which a pixel belongs to the background."""
INK_DISTANCE = 64
"""Grey levels from the median of the border from which a pixel is ink."""
MIN_BACKGROUND, MIN_INK, MIN_SIDE = 0.75, 0.005, 0.9
"""Fractions of the border that is background, of the image that is ink, and of the ink that is on one side of it."""
MIN_AGREEMENT = 0.8
"""Fraction of all images that must have the same background."""
MAX_IMAGES = 500


def backgrounds(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return which of the images uint8 [N, C, H, W] have a dark and which a light background, bool [N] each.

    An image has one where most of its border is about equal and nearly all other pixels are lighter, or darker: of
    photographs few have.
    """
    grey = images.float().mean(1)
    border = torch.cat([grey[:, [0, -1], :].flatten(1), grey[:, :, [0, -1]].flatten(1)], 1)
    paper = border.median(1, keepdim=True).values
    difference = grey.flatten(1) - paper
    lighter, darker = difference > INK_DISTANCE, difference < -INK_DISTANCE
    ink = (lighter | darker).sum(1)
    plain = ((border - paper).abs() <= PAPER_WIDTH).float().mean(1) >= MIN_BACKGROUND
    found = plain & (ink >= MIN_INK * grey[0].numel()) & (ink > 0)
    return tuple(found & (side.sum(1) >= MIN_SIDE * ink) for side in (lighter, darker))  # type: ignore[return-value]


def background(images: Tensor) -> Background | None:
    """Return the background that most of the images uint8 [N, C, H, W] have, None where they do not agree."""
    dark, light = (float(found.float().mean()) for found in backgrounds(images))
    if max(dark, light) < MIN_AGREEMENT:
        return None
    return "dark" if dark > light else "light"


def background_of(data: Dataset) -> Background | None:
    """Return the background of at most 500 training images, evenly spaced; None for points."""
    if data.is_points or not len(data):
        return None
    return background(data.values[:: -(-len(data) // MAX_IMAGES)])


def inverted(data: Dataset, invert: bool) -> Dataset:
    """Return `data` with pixels p as 255 - p if `invert`, else unchanged. Raises `UsageError` for points."""
    if not invert:
        return data
    if data.is_points:
        message = f"'{data.name}' holds points, which are not inverted: leave invert out"
        raise UsageError(message, code="unsupported", field="invert")
    test = None if data.test_values is None else _inverted(data.test_values)
    return replace(data, values=_inverted(data.values), test_values=test)


def of_hash(data: Dataset, sha256: str) -> Dataset | None:
    """Return `data`, as read or inverted, whichever has the hash of its training set; None where neither has."""
    for candidate in (data, None if data.is_points else inverted(data, True)):
        if candidate is not None and candidate.sha256 == sha256:
            return candidate
    return None


def _inverted(values: Tensor) -> Tensor:
    if values.numel() < memory_map.MAP_THRESHOLD:
        return 255 - values

    def write(path: Path) -> None:
        array, start = memory_map.create_npy(path, tuple(values.shape)), 0
        for some in memory_map.split_chunks(values):
            array[start : start + len(some)] = (255 - some).numpy()
            start += len(some)
        array.flush()

    return memory_map.cached(f"{Dataset('', values).sha256[:24]}-inverted", write)


def opposite(images: Tensor, expected: Background | None) -> str | None:
    """Return how images uint8 [N, C, H, W] differ from those of an `expected` background; None where they do not."""
    found = background(images)
    if expected is None or found is None or found == expected:
        return None
    return "dark on light" if found == "light" else "light on dark"
