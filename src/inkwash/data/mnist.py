"""MNIST and the data sets of its format: IDX files in a folder, identified by their contents."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import array_file, idx, idx_files, visible
from inkwash.data.dataset import Dataset
from inkwash.data.downloads import cached_download, fetch
from inkwash.data.idx_families import IdxFamily, family
from inkwash.data.idx_files import IdxFiles, Role
from inkwash.data.label_checks import class_names, label_tensor
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.data.reader import Reader
from inkwash.data.reading import read_bytes
from inkwash.errors import InkwashError

matches = idx_files.matches


def load(name: str) -> Dataset:
    """Return the published data set `name` from the cache, or downloaded.

    Raises `InkwashError` when it cannot be downloaded, and for damaged files.
    """
    return read(fetch(PUBLISHED[name].download(name)))


def load_offline(name: str) -> Dataset | None:
    """Return the published data set `name` if its files are in the cache, else None."""
    folder = cached_download(PUBLISHED[name].download(name))
    return read(folder) if folder else None


def find(path: Path, name: str) -> Dataset | None:
    """Return the published data set `name` if its IDX files are in the folder `path`, or its arrays are that file.

    None if they are not. Keras' mnist.npz is MNIST: the same images in the same order.
    """
    if array_file.matches(path):
        published, found = PUBLISHED[name], array_file.read(path)
        if found.sha256 != published.dataset_sha256:
            return None
        return replace(found, name=name, classes=published.classes, note=published.note)
    if not path.is_dir() or not matches(path):
        return None
    for files in idx_files.groups(path):
        # The published sets have no prefix, and EMNIST takes long to read.
        if not files.prefix and (found := _read(files)).name == name:
            return found
    return None


def read(path: Path) -> Dataset:
    """Return the data set of the IDX files in the folder `path`, or that which the IDX file `path` belongs to.

    Its name is the published one, else the prefix of the file names, else the name of the folder. The test files may be
    absent. EMNIST is turned upright. Raises `InkwashError` for files that are missing, damaged or inconsistent.
    """
    return _read(idx_files.of(path))


def _read(files: IdxFiles) -> Dataset:
    values, targets = _part(files, train=True)
    test_values, test_targets = _part(files, train=False) if files.has_test else (None, None)
    if test_values is not None and test_values.shape[1:] != values.shape[1:]:
        sizes = f"{list(test_values.shape[2:])} and {list(values.shape[2:])}"
        raise InkwashError(
            f"{files.folder}: test and training images differ in size, {sizes}: give both of one data set",
            code="mismatch",
        )
    found, name, warning = _identity(files, targets if test_targets is None else torch.cat([targets, test_targets]))
    targets = found.class_indices(targets, files.file(Role(train=True, images=False)))
    if test_targets is not None:
        test_targets = found.class_indices(test_targets, files.file(Role(train=False, images=False)))
    if found.transposed:
        values, test_values = values.mT, None if test_values is None else test_values.mT
    return Dataset(
        name=name,
        values=values,
        labels=targets,
        classes=found.classes,
        test_values=test_values,
        test_labels=test_targets,
        note=found.note,
        warning="; ".join(each for each in (found.warning, warning, _unread(files)) if each),
    )


def _identity(files: IdxFiles, targets: Tensor) -> tuple[IdxFamily, str, str]:
    """Return the family, the name and a warning about the data set of `files` with the labels `targets`."""
    images, labels_file = (files.file(Role(train=True, images=images)) for images in (True, False))
    image_digests, label_digests = _digests(images), _digests(labels_file)
    warning = ""
    for name, published in PUBLISHED.items():
        known = [published.matches(digests) for digests in (image_digests, label_digests)]
        if all(known):
            return IdxFamily(published.classes, published.note), name, ""
        if any(known):
            intact, changed = (images.name, labels_file.name) if known[0] else (labels_file.name, images.name)
            warning = (
                f"{intact} is the published file of {name}, {changed} is not: download it again, or ignore this for "
                "modified data"
            )
    name = files.prefix or files.folder.resolve().name
    found = family(files.prefix) or IdxFamily(class_names(targets), f"IDX files of {name}")
    return found, name, warning


def _part(files: IdxFiles, train: bool) -> tuple[Tensor, Tensor]:
    """Return images uint8 `[N, 1, H, W]` and labels int64 `[N]` of one part."""
    images = idx.read_images(files.file(Role(train, images=True)))
    path = files.file(Role(train, images=False))
    targets = label_tensor(idx.read_labels(path), len(images), path)
    # Copy the pixels, because torch warns about read-only memory.
    return torch.from_numpy(images.copy()).unsqueeze(1), targets


def _unread(files: IdxFiles) -> str:
    """Return the sentence about other files beside those of the data set, except for other IDX files."""
    folders = {path.parent for path in files.files.values()}
    others = [path for folder in sorted(folders) for path in visible.entries(folder) if path.is_file()]
    return visible.unread(
        [path for path in others if not (idx_files.is_idx_name(path.name) or visible.is_document(path.name))],
        files.folder,
    )


def _digests(path: Path) -> frozenset[str]:
    """Return the SHA-256 of the file as stored, and decompressed."""
    return frozenset(hashlib.sha256(raw).hexdigest() for raw in (path.read_bytes(), read_bytes(path)))


READER = Reader("IDX files", matches, lambda path, options: read(path))
