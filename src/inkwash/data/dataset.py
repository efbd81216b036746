"""A data set in memory or mapped from its file, with the properties that training and evaluation need."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import memory_map
from inkwash.data.dataset_checks import require_valid
from inkwash.data.pixels import encode, resize
from inkwash.errors import UsageError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images or points with their classes, an optional test part, and where they come from.

    `values` is uint8 `[N, C, H, W]` (pixels, 0 to 255) or float32 `[N, D]` (points). `labels` is int64 `[N]`,
    indices into `classes`, or None. `test_values` and `test_labels` have the same form, or are None. `note`
    is origin and licence. `symmetries` names the flips under which the data are closed: "horizontal" for photographs, none
    for digits. `warning` is a sentence about its files, "" if they are as published. Raises `UsageError` for tensors of
    another form, labels out of range, and points that are not finite.
    """

    name: str
    values: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    test_values: Tensor | None = None
    test_labels: Tensor | None = None
    note: str = ""
    symmetries: tuple[str, ...] = ()
    warning: str = ""

    def __post_init__(self) -> None:
        """Refuse tensors of another form; see `dataset_checks`."""
        require_valid(self.values, self.labels, self.classes, self.test_values, self.test_labels)

    def __len__(self) -> int:
        """Return the number of training examples."""
        return len(self.values)

    def __repr__(self) -> str:
        """Return one line: name, counts and shape, never the tensors."""
        tests = 0 if self.test_values is None else len(self.test_values)
        return f"Dataset({self.name!r}, {len(self)} + {tests} of {self.shape}, {len(self.classes)} classes)"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: `(C, H, W)`, or `(D,)` for points."""
        return tuple(self.values.shape[1:])

    @property
    def is_points(self) -> bool:
        """Whether the values are points, which are used as stored, rather than pixels."""
        return self.values.dtype != torch.uint8

    @cached_property
    def data_std(self) -> float:
        """The standard deviation of all encoded training values; EDM's sigma_data (Karras et al., 2022)."""
        if self.is_points:
            return float(self.values.double().std(correction=0))
        # A histogram of the 256 values gives the exact result without a float copy of the images.
        counts = sum(torch.bincount(some.flatten(), minlength=256) for some in memory_map.split_chunks(self.values))
        fraction = torch.as_tensor(counts).double() / self.values.numel()
        level = encode(torch.arange(256, dtype=torch.uint8)).double()
        mean = (fraction * level).sum()
        return float((fraction * (level - mean) ** 2).sum().sqrt())

    @cached_property
    def proportions(self) -> list[float]:
        """The fraction of each class in the training set, with sum 1; [] without labels."""
        if self.labels is None:
            return []
        counts = torch.bincount(self.labels, minlength=len(self.classes)).double()
        return (counts / counts.sum()).tolist()

    @cached_property
    def sha256(self) -> str:
        """The SHA-256, in hex, of the training set: shape, value bytes and label bytes (little-endian)."""
        return _digest(self.values, self.labels)

    @cached_property
    def test_sha256(self) -> str:
        """The same of the test set, "" if there is none."""
        return "" if self.test_values is None else _digest(self.test_values, self.test_labels)

    def encoded(self, indices: Tensor | None = None) -> Tensor:
        """Return training examples as float32: images `[N, C, H, W]` in [-1, 1], points `[N, D]` as stored.

        `indices` is int64 `[B]`; None selects all examples.
        """
        chosen = self.values if indices is None else self.values[indices]
        return chosen if self.is_points else encode(chosen)

    def subset(self, indices: Tensor | slice) -> Dataset:
        """Return the training examples at `indices`, int64 [N] or a slice, as a data set without a test part."""
        labels = None if self.labels is None else self.labels[indices]
        return Dataset(self.name, self.values[indices], labels, self.classes)

    def resized(self, size: int | None) -> Dataset:
        """Return the data set with images of `size` by `size` pixels, unchanged when `size` is None.

        Raises `UsageError` for points, and for a size below 1 pixel.
        """
        if size is None:
            return self
        if self.is_points:
            raise UsageError(
                f"'{self.name}' holds points without a size: leave --size out", code="unsupported", field="size"
            )
        test = None if self.test_values is None else _resized(self.test_values, size)
        return replace(self, values=_resized(self.values, size), test_values=test)


def _resized(values: Tensor, size: int) -> Tensor:
    count, channels = values.shape[:2]
    shape = (count, channels, size, size)
    if values.shape == shape or math.prod(shape) < memory_map.MAP_THRESHOLD:
        return resize(values, size)

    def write(path: Path) -> None:
        array, start = memory_map.create_npy(path, shape), 0
        for some in memory_map.split_chunks(values):
            array[start : start + len(some)] = resize(some, size).numpy()
            start += len(some)
        array.flush()

    return memory_map.cached(f"{Dataset('', values).sha256[:24]}-{size}", write)


def _digest(values: Tensor, labels: Tensor | None) -> str:
    digest = hashlib.sha256(repr(tuple(values.shape)).encode())
    for some in memory_map.split_chunks(values):
        digest.update(some.contiguous().numpy().data)
    if labels is not None:
        digest.update(labels.contiguous().numpy().data)
    return digest.hexdigest()
