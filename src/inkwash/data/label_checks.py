"""Checks of labels read from files: the index of the class of each image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwash.data.reading import invalid_data

SMALL_CLASS_COUNT = 10
"""Up to so many classes, one without images is a small sample; above, it is evidence of a damaged file."""


def label_tensor(labels: np.ndarray, num_images: int, where: str | Path) -> Tensor:
    """Return `labels` (integers `[N]`) as int64 `[N]`; `num_images` is the expected length.

    Raises `InkwashError`, naming `where`, for another shape or count, for fractions, and for negative labels.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} {list(labels.shape)}"
        raise invalid_data(f"{where}: labels must be integers [N], one per image, but are {found}", "labels")
    if len(labels) != num_images:
        raise invalid_data(
            f"{where}: {len(labels):,} labels for {num_images:,} images: give one label per image", "labels"
        )
    if len(labels) and int(labels.min()) < 0:
        raise invalid_data(f"{where}: label {int(labels.min())} is out of range: classes are counted from 0", "labels")
    return torch.from_numpy(labels.astype(np.int64))


def check_label_range(labels: Tensor, classes: int, where: str | Path) -> Tensor:
    """Return `labels` if all are below `classes`; else raise `InkwashError` naming the first that is not."""
    invalid = (labels >= classes).nonzero()
    if len(invalid):
        index = int(invalid[0])
        raise invalid_data(
            f"{where}: label {int(labels[index])} of image {index} is out of range: there are {classes} classes,"
            f" 0 to {classes - 1}; the file is damaged or belongs to another data set",
            "labels",
        )
    return labels


def class_names(labels: Tensor) -> tuple[str, ...]:
    """Return "0", "1", ... up to the highest plausible of `labels` (int64 `[N]`, training and test set together).

    More than ten classes are accepted only without a gap, so that one damaged byte is reported as out of range instead of
    creating 200 empty classes; 0 may be missing, because EMNIST counts letters from 1.
    """
    above = torch.unique(labels[labels > 0])
    unbroken = int((above == torch.arange(1, len(above) + 1)).sum())
    plausible = above[(above <= unbroken) | (above < SMALL_CLASS_COUNT)]
    return tuple(str(index) for index in range(1 + max(plausible.tolist(), default=0)))
