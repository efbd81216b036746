"""MNIST and the data sets of its format: IDX files in a folder, identified by their contents."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import idx
from inkwash.data.dataset import Dataset
from inkwash.data.downloads import cached_download, fetch, from_inkwash_data
from inkwash.data.label_checks import check_label_range, class_names, label_tensor
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.data.reader import Reader
from inkwash.data.reading import read_bytes
from inkwash.errors import InkwashError


def load(name: str) -> Dataset:
    """Return the published data set `name`: from INKWASH_DATA, from the cache, or downloaded.

    Raises `InkwashError` when it cannot be found or downloaded, and for damaged files.
    """
    return from_inkwash_data(name, matches, read) or read(fetch(PUBLISHED[name].download(name)))


def load_offline(name: str) -> Dataset | None:
    """Return the published data set `name` if its files are on this machine, else None."""
    folder = cached_download(PUBLISHED[name].download(name))
    return from_inkwash_data(name, matches, read) or (read(folder) if folder else None)


def matches(path: Path) -> bool:
    """Return whether `path` is a folder with a file that has a name of MNIST's."""
    return path.is_dir() and any(idx.find(path, name) for name in (*idx.TRAIN, *idx.TEST))


def read(folder: Path) -> Dataset:
    """Return the data set in `folder`, gzipped or not; its name is the published one, else that of the folder.

    The test files may be absent. Raises `InkwashError` for files that are missing, damaged or inconsistent.
    """
    values, targets = _part(folder, idx.TRAIN)
    has_test = any(idx.find(folder, name) for name in idx.TEST)
    test_values, test_targets = _part(folder, idx.TEST) if has_test else (None, None)
    if test_values is not None and test_values.shape[1:] != values.shape[1:]:
        sizes = f"{list(test_values.shape[2:])} and {list(values.shape[2:])}"
        raise InkwashError(
            f"{folder}: test and training images differ in size, {sizes}: give both of one data set", code="mismatch"
        )
    all_targets = targets if test_targets is None else torch.cat([targets, test_targets])
    name, classes, note, warning = _identity(folder, all_targets)
    check_label_range(targets, len(classes), _file(folder, idx.TRAIN.labels))
    if test_targets is not None:
        check_label_range(test_targets, len(classes), _file(folder, idx.TEST.labels))
    return Dataset(
        name=name,
        values=values,
        labels=targets,
        classes=classes,
        test_values=test_values,
        test_labels=test_targets,
        note=note,
        warning=warning,
    )


def _identity(folder: Path, targets: Tensor) -> tuple[str, tuple[str, ...], str, str]:
    """Return name, classes, note and warning of the data set in `folder` with the labels `targets`."""
    images, labels_file = (_file(folder, name) for name in idx.TRAIN)
    image_digests, label_digests = _digests(images), _digests(labels_file)
    warning = ""
    for name, published in PUBLISHED.items():
        known = [published.matches(digests) for digests in (image_digests, label_digests)]
        if all(known):
            return name, published.classes, published.note, ""
        if any(known):
            intact, changed = (images.name, labels_file.name) if known[0] else (labels_file.name, images.name)
            warning = (
                f"{intact} is the published file of {name}, {changed} is not: download it again, or ignore this for "
                "modified data"
            )
    name = folder.resolve().name
    return name, class_names(targets), f"IDX files of {name}", warning


def _part(folder: Path, part: idx.FilePair) -> tuple[Tensor, Tensor]:
    """Return images uint8 `[N, 1, H, W]` and labels int64 `[N]` of one part."""
    images = idx.read(_file(folder, part.images), idx.IMAGE_AXES)
    path = _file(folder, part.labels)
    targets = label_tensor(idx.read(path, idx.LABEL_AXES), len(images), path)
    # Copy the pixels, because torch warns about read-only memory.
    return torch.from_numpy(images.copy()).unsqueeze(1), targets


def _file(folder: Path, name: str) -> Path:
    path = idx.find(folder, name)
    if path is None:
        raise InkwashError(
            f"{folder} has no {name} (nor {name}.gz): add it, or choose another --data",
            code="missing-file",
            field="data",
        )
    return path


def _digests(path: Path) -> frozenset[str]:
    """Return the SHA-256 of the file as stored, and decompressed."""
    return frozenset(hashlib.sha256(raw).hexdigest() for raw in (path.read_bytes(), read_bytes(path)))


READER = Reader("IDX files", matches, lambda path, options: read(path))
