"""Labels from files and arrays in any form: the class of each image as an index, and the names of the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkwash.data.reading import invalid_data
from inkwash.errors import few_of

SMALL_CLASS_COUNT = 10
"""Up to so many classes, one without images is a small sample; above, it is evidence of a damaged file."""

Array = np.ndarray[Any, Any]


def label_tensor(labels: Array, num_images: int, where: str | Path) -> Tensor:
    """Return `labels` (integers `[N]`, also stored as floats) as int64 `[N]`; `num_images` is the expected length.

    Raises `InkwashError`, naming `where`, for another shape or count, for fractions, and for negative labels.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "biuf":
        unknown = next((k for k, label in enumerate(labels) if label is None), None) if labels.ndim == 1 else None
        fault = (
            f"labels are {labels.dtype} {list(labels.shape)}" if unknown is None else f"image {unknown} has no label"
        )
        raise invalid_data(f"{where}: {fault}: give one integer or text for each image", "labels")
    if labels.dtype.kind == "f" and not (whole := labels == np.floor(labels)).all():
        index = int(np.flatnonzero(~whole)[0])
        raise invalid_data(
            f"{where}: label {labels[index]:g} of image {index} is not an integer: classes are counted from 0; give integers, "
            "or text as the names of classes",
            "labels",
        )
    if len(labels) != num_images:
        raise invalid_data(
            f"{where}: {len(labels):,} labels for {num_images:,} images: give one label per image", "labels"
        )
    if len(labels) and int(labels.min()) < 0:
        raise invalid_data(f"{where}: label {int(labels.min())} is out of range: classes are counted from 0", "labels")
    if len(labels) and labels.max() > np.iinfo(np.int64).max:
        raise invalid_data(f"{where}: label {labels.max():g} is out of range", "labels")
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


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return names of classes in order: those that are all numbers as numbers, "10" after "9"."""
    found = list(names)
    return sorted(found, key=int if all(name.isdecimal() for name in found) else None)


def class_indices(
    parts: Mapping[str, tuple[Array, int]], names: tuple[str, ...] = ()
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the labels int64 `[N]` of each part, and the names of the classes, which all parts share.

    `parts` has the labels and the number of images of a part by the name of the labels in messages: integers `[N]` or
    `[N, 1]`, one-hot `[N, K]`, or text `[N]`. `names` are those of integers. Raises `InkwashError` for anything else.
    """
    flat = {where: _flat(labels, count, where) for where, (labels, count) in parts.items()}
    texts = {where: labels for where, labels in flat.items() if labels.dtype.kind == "U"}
    if texts and len(texts) < len(flat):
        other = next(where for where in flat if where not in texts)
        raise invalid_data(f"{other} are numbers, {next(iter(texts))} are text: give both in one form", "labels")
    if texts:
        found = set(np.concatenate([*texts.values()]).tolist())
        table = names or tuple(sorted_names(found))
        index = {name: k for k, name in enumerate(table)}
        for where, labels in texts.items():
            if unknown := sorted(set(labels.tolist()) - index.keys()):
                raise invalid_data(f"{where}: '{unknown[0]}' is none of the classes {few_of(table)}", "labels")
        flat = {where: np.array([index[name] for name in labels.tolist()]) for where, labels in texts.items()}
    tensors = {where: label_tensor(labels, parts[where][1], where) for where, labels in flat.items()}
    if not texts:
        # One-hot labels have a column for each class, with or without images.
        columns = max((labels.shape[1] for labels, _ in parts.values() if _is_one_hot(labels)), default=0)
        table = names or max(class_names(torch.cat([*tensors.values()])), tuple(map(str, range(columns))), key=len)
    return {where: check_label_range(labels, len(table), where) for where, labels in tensors.items()}, table


def _flat(labels: Array, count: int, where: str) -> Array:
    """Return the labels `[N]` as numbers or text."""
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels.flat):
        labels = labels.astype(np.str_)
    if labels.ndim > 1 and labels.size == max(labels.shape) == count:
        labels = labels.reshape(-1)
    if _is_one_hot(labels):
        return labels.argmax(axis=1)
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        raise invalid_data(
            f"{where}: labels {list(labels.shape)} are not one-hot, with a single 1 in each row: give one label per image",
            "labels",
        )
    if labels.dtype.kind == "U" and (labels.ndim != 1 or len(labels) != count):
        raise invalid_data(
            f"{where}: text {list(labels.shape)} for {count:,} images: give one label per image", "labels"
        )
    return labels


def _is_one_hot(labels: Array) -> bool:
    """Return whether `labels` are `[N, K]` with K > 1 columns, and a single 1 among zeros in each row."""
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "biuf":
        return False
    ones = labels == 1
    return bool((ones.sum(axis=1) == 1).all() and (ones | (labels == 0)).all())
