"""Folders of arrays: images and labels of each part in their own files, or one file of images for each class.

`kmnist-train-imgs.npz` and `kmnist-train-labels.npz`, `x_train.npy` and `y_train.npy`; or `cat.npy` and `dog.npy`, as those
of QuickDraw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inkwash.data import array_file, array_names, array_set, image_tree, visible
from inkwash.data.array_file import SUFFIXES
from inkwash.data.array_names import ParsedName, Role
from inkwash.data.array_set import Source
from inkwash.data.dataset import Dataset
from inkwash.data.label_checks import sorted_names
from inkwash.data.mnist_variants import PUBLISHED
from inkwash.data.reader import Reader, ReadOptions
from inkwash.data.reading import invalid_data

Array = np.ndarray[Any, Any]
CLASS_PREFIX = "full_numpy_bitmap_"
"""Beginning of the names of QuickDraw's files, before that of the class."""


def matches(path: Path) -> bool:
    """Return whether `path` is a folder with arrays that belong together, and no images."""
    files = _files(path) if path.is_dir() else []
    return bool(_by_role(files) or _classes(files)) and not image_tree.contains_images(path)


def read(path: Path, options: ReadOptions) -> Dataset:
    """Return the data set of the arrays in the folder `path`.

    Raises `UsageError` for a folder with several data sets, and `InkwashError` as `array_file.read` does.
    """
    files = _files(path)
    by_role, used = _by_role(files), files
    if by_role:
        used = [*by_role.values()]
        roles = {role: _only(file) for role, file in by_role.items()}
    else:
        by_name = {_class_name(file): file for file in files}
        files = [by_name[name] for name in sorted_names(by_name)]
        roles = _by_class(files)
    others = [each for each in visible.entries(path) if each.is_file() and each not in used]
    warning = visible.unread([each for each in others if not visible.is_document(each.name)], path)
    names = {role: file.name for role, file in by_role.items()}
    classes = () if by_role else tuple(_class_name(file) for file in files)
    return _dataset(roles, path, path.resolve().name, names, classes, options, warning)


def read_file(path: Path, options: ReadOptions) -> Dataset:
    """Return the data set of a file of arrays, with the labels and the test part in files of the same name beside it."""
    own = array_names.parse(path.stem)
    if own is None or own.role != Role("train", "images") or "samples" in path.stem.lower():
        return array_file.read(path, options.value_range)
    parsed = {file: array_names.parse(file.stem) for file in _files(path.parent)}
    same = [file for file, each in parsed.items() if each and each.others == own.others and each.role != own.role]
    by_role = _by_role([path, *same])
    if Role("train", "labels") not in by_role or len(array_file.members(path)) > 1:
        return array_file.read(path, options.value_range)
    roles = {role: _only(file) for role, file in by_role.items()}
    names = {role: file.name for role, file in by_role.items()}
    return _dataset(roles, path.parent, "-".join(own.others) or path.stem, names, (), options)


def _dataset(
    roles: Mapping[Role, Array],
    folder: Path,
    name: str,
    names: Mapping[Role, str],
    classes: tuple[str, ...],
    options: ReadOptions,
    warning: str = "",
) -> Dataset:
    """Return the data set of arrays in the files called `names`, those of KMNIST with the names of its classes."""
    prefix = "-".join(_others(Path(next(iter(names.values())))) or ()) if names else ""
    if not classes and prefix in PUBLISHED:
        classes = PUBLISHED[prefix].classes
    source = Source(name, str(folder), classes, options.value_range, note=f"arrays of {folder.name}", warning=warning)
    return array_set.from_roles(roles, source, names)


def _files(folder: Path) -> list[Path]:
    return [path for path in visible.entries(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _others(file: Path) -> tuple[str, ...] | None:
    parsed = array_names.parse(file.stem)
    return parsed.others if parsed else None


def _by_role(files: Sequence[Path]) -> dict[Role, Path]:
    """Return the files of images and labels by their roles; nothing where no file holds labels or a test part."""
    parsed: dict[Path, ParsedName | None] = {file: array_names.parse(file.stem) for file in files}
    known = {each.role for each in parsed.values() if each is not None}
    if Role("train", "images") not in known or (len(known) < 2 or (None in parsed.values() and not _has_labels(known))):
        return {}
    by_name = {file.stem: file for file in files}
    return {role: by_name[name] for role, name in array_names.roles(by_name, str(files[0].parent)).items()}


def _has_labels(roles: set[Role]) -> bool:
    return any(role.kind == "labels" for role in roles)


def _classes(files: Sequence[Path]) -> bool:
    """Return whether the files are one array for each class."""
    return len(files) > 1 and all(file.suffix.lower() == ".npy" for file in files)


def _class_name(file: Path) -> str:
    return file.stem.removeprefix(CLASS_PREFIX)


def _by_class(files: Sequence[Path]) -> dict[Role, Array]:
    images = [_only(file) for file in files]
    for file, array in zip(files, images, strict=True):
        if array.shape[1:] != images[0].shape[1:] or array.dtype != images[0].dtype:
            raise invalid_data(
                f"{file} is {array.dtype} {list(array.shape)}, {files[0].name} is {images[0].dtype} {list(images[0].shape)}: "
                "the images of all classes have one type and size",
                "images",
            )
    labels = np.repeat(np.arange(len(files)), [len(array) for array in images])
    return {Role("train", "images"): np.concatenate(images), Role("train", "labels"): labels}


def _only(file: Path) -> Array:
    """Return the one array of a file."""
    members = array_file.members(file)
    if len(members) != 1:
        raise invalid_data(f"{file} has {len(members)} arrays ({', '.join(members)}): give a file with one", "data")
    return next(iter(members.values()))


FILE_READER = Reader("arrays, NAME.npy or NAME.npz", array_file.matches, read_file, True)
FOLDER_READER = Reader("a folder of arrays, one file for each class, or for images and labels", matches, read, True)
