"""Labels: one class for each image, counted from 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwash.errors import InkwashError

# a class without images means a small sample up to here, and a damaged file above
SMALL_CLASS_COUNT = 10


def checked(labels: np.ndarray, images: int, where: str | Path) -> Tensor:
    """Return `labels` (whole numbers `[N]`) as int64 `[N]`; `images` is how many there should be.

    Raises `InkwashError`, naming `where`, for another shape or count, for fractions, and for negative labels.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        found = f"{labels.dtype} {list(labels.shape)}"
        raise InkwashError(f"{where}: labels must be whole numbers [N], one an image, but are {found}")
    if len(labels) != images:
        raise InkwashError(f"{where}: {len(labels):,} labels for {images:,} images: give as many of each, of one set")
    if len(labels) and int(labels.min()) < 0:
        raise InkwashError(f"{where}: label {int(labels.min())} is out of range: classes are counted from 0")
    return torch.from_numpy(labels.astype(np.int64))


def within(labels: Tensor, classes: int, where: str | Path) -> Tensor:
    """Return `labels` if all are below `classes`; else raise `InkwashError` naming the first that is not."""
    wrong = (labels >= classes).nonzero()
    if len(wrong):
        at = int(wrong[0])
        raise InkwashError(
            f"{where}: label {int(labels[at])} of image {at} is out of range: there are {classes} classes,"
            f" 0 to {classes - 1}; the file is damaged or belongs to another set"
        )
    return labels


def class_names(labels: Tensor) -> tuple[str, ...]:
    """Return "0", "1", ... up to the highest believable of `labels` (int64 `[N]`, all parts together).

    More than ten classes are believed only without a gap, so that one damaged byte is found out of range
    and not a reason for 200 empty classes; 0 itself may be missing, because EMNIST counts letters from 1.
    """
    above = torch.unique(labels[labels > 0])
    unbroken = int((above == torch.arange(1, len(above) + 1)).sum())
    believable = above[(above <= unbroken) | (above < SMALL_CLASS_COUNT)]
    return tuple(str(index) for index in range(1 + max(believable.tolist(), default=0)))
