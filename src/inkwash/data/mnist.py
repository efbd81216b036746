"""MNIST, and every set in its form: IDX files in a folder, known by what is in them, not by their names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import idx, labels
from inkwash.data.compressed import read_bytes
from inkwash.data.dataset import Dataset
from inkwash.data.downloads import fetch, fetched, own
from inkwash.data.known_datasets import PUBLISHED
from inkwash.errors import InkwashError


def load(name: str) -> Dataset:
    """Return the published set of that name: from INKWASH_DATA if it is there, from the cache, or downloaded.

    Raises `InkwashError` when it is nowhere and cannot be fetched, and for damaged files.
    """
    return own(name, holds, read) or read(fetch(PUBLISHED[name].download(name)))


def local(name: str) -> Dataset | None:
    """Return the published set of that name if it can be had without the network, else None."""
    found = own(name, holds, read)
    folder = fetched(PUBLISHED[name].download(name))
    return found or (read(folder) if folder else None)


def holds(path: Path) -> bool:
    """Return whether `path` is a folder with any file of an IDX set, by its name."""
    return path.is_dir() and any(idx.find(path, name) for name in (*idx.TRAIN, *idx.TEST))


def read(folder: Path) -> Dataset:
    """Return the IDX set in `folder`, gzipped or not, under its published name or, if unknown, the folder's.

    The test files may be absent. Raises `InkwashError` for files that are missing, damaged or of two sets.
    """
    values, targets = _part(folder, idx.TRAIN)
    has_test = any(idx.find(folder, name) for name in idx.TEST)
    test_values, test_targets = _part(folder, idx.TEST) if has_test else (None, None)
    if test_values is not None and test_values.shape[1:] != values.shape[1:]:
        sizes = f"{list(test_values.shape[2:])} and {list(values.shape[2:])}"
        raise InkwashError(f"{folder}: test and training images differ in size, {sizes}: give both of one set")
    all_targets = targets if test_targets is None else torch.cat([targets, test_targets])
    name, classes, note, doubt = _identity(folder, all_targets)
    labels.within(targets, len(classes), _file(folder, idx.TRAIN.labels))
    if test_targets is not None:
        labels.within(test_targets, len(classes), _file(folder, idx.TEST.labels))
    return Dataset(
        name=name,
        values=values,
        labels=targets,
        classes=classes,
        test_values=test_values,
        test_labels=test_targets,
        note=note,
        doubt=doubt,
    )


def _identity(folder: Path, targets: Tensor) -> tuple[str, tuple[str, ...], str, str]:
    """Return name, classes, note and doubt of the set in `folder`, whose labels of both parts are `targets`."""
    images, labels_file = (_file(folder, name) for name in idx.TRAIN)
    image_digests, label_digests = _digests(images), _digests(labels_file)
    doubt = ""
    for name, published in PUBLISHED.items():
        known = [published.known_by(digests) for digests in (image_digests, label_digests)]
        if all(known):
            return name, published.classes, published.note, ""
        if any(known):
            own, other = (images.name, labels_file.name) if known[0] else (labels_file.name, images.name)
            doubt = (
                f"{own} is that of {name} and {other} is not: unless that is on purpose it is damaged, fetch it again"
            )
    name = folder.resolve().name
    return name, labels.class_names(targets), f"IDX files of {name}", doubt


def _part(folder: Path, part: idx.Part) -> tuple[Tensor, Tensor]:
    """Return images uint8 `[N, 1, H, W]` and labels int64 `[N]` of one part."""
    images = idx.read(_file(folder, part.images), idx.IMAGE_AXES)
    path = _file(folder, part.labels)
    targets = labels.checked(idx.read(path, idx.LABEL_AXES), len(images), path)
    # a copy, because the bytes of a file cannot be written to and torch warns
    return torch.from_numpy(images.copy()).unsqueeze(1), targets


def _file(folder: Path, name: str) -> Path:
    path = idx.find(folder, name)
    if path is None:
        raise InkwashError(f"{folder} has no {name} (nor {name}.gz): add the file, or choose another --data")
    return path


def _digests(path: Path) -> frozenset[str]:
    """Return the SHA-256 of the file as it is, and of what it unpacks to."""
    return frozenset(hashlib.sha256(raw).hexdigest() for raw in (path.read_bytes(), read_bytes(path)))
