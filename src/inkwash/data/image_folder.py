"""Read a folder of image files, one sub-folder per class, of any format, depth and palette, as uint8 pixels.

- All images have one channel if each of them is grey (equal channels), else three.
- A sub-folder `train` and an optional `test` are the training and the test set, with the same classes.
- A large number of images is decoded once, and mapped from the cache afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import image_file, memory_map
from inkwash.data.dataset import Dataset
from inkwash.data.reader import Reader
from inkwash.data.reading import invalid_data, read_bytes
from inkwash.errors import InkwashError, UsageError
from inkwash.text.progress import StageProgressCallback

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm")

REMEDY = "replace it, or move it out of the folder"
"""What to do about an image that cannot be read."""
PROGRESS_EVERY = 100
"""Number of images between two reports of progress."""
VERSION = 1
"""Version of the decoding, part of the key in the cache."""


@dataclass(frozen=True)
class FileList:
    """The image files of one part, the names of the classes, and the class of each file; empty without classes."""

    files: tuple[Path, ...]
    classes: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()


def read(folder: Path, size: int | None = None, progress: StageProgressCallback | None = None) -> Dataset:
    """Return the images of `folder` as a data set of its name; with `size`, each resized to `size` by `size` pixels.

    `progress(what, fraction)` is called while many images are read. Raises `InkwashError` for an empty folder or class and
    for an image that cannot be read, `UsageError` for images of different sizes without `size` and for an ambiguous
    layout; each names the file.
    """
    train, test = _parts(folder)
    files = (*train.files, *(test.files if test else ()))
    first = image_file.read(files[0], size, REMEDY)
    # Three channels are assumed until all images are known to be grey.
    if 3 * first[0].numel() * len(files) < memory_map.MAP_THRESHOLD:
        values = _stack([*_read(files, size, progress)])
    else:
        values = memory_map.cached(_key(folder, files, size), lambda path: _write(path, files, size, progress))
    count = len(train.files)
    return Dataset(
        name=folder.resolve().name,
        values=values[:count],
        labels=torch.tensor(train.labels) if train.classes else None,
        classes=train.classes,
        test_values=values[count:] if test else None,
        test_labels=torch.tensor(test.labels) if test and train.classes else None,
        note=f"images of {folder.resolve().name}",
    )


def _parts(folder: Path) -> tuple[FileList, FileList | None]:
    """Return the listings of the training set and of the test set, None if there is none."""
    folders = {path.name: path for path in _visible(folder) if path.is_dir()}
    others = sorted(set(folders) - {"train", "test"})
    # A class may be called "train", among other vehicles: its folder then holds image files.
    if "train" not in folders or (others and _image_files(folders["train"])):
        return _listing(folder), None
    if others:
        raise UsageError(
            f"{folder} has '{others[0]}' beside 'train': only 'train' and 'test' are read; move it away",
            code="invalid-data",
        )
    train = _listing(folders["train"])
    return train, _listing(folders["test"], train.classes) if "test" in folders else None


def _listing(folder: Path, classes: tuple[str, ...] | None = None) -> FileList:
    """Return the files in `folder`; `classes` are those it may have, None if its sub-folders define them."""
    loose = _image_files(folder)
    folders = {path.name: path for path in _visible(folder) if path.is_dir()}
    if loose and folders:
        raise UsageError(
            f"{folder} has images ({loose[0].name}) beside sub-folders ({min(folders)}):"
            " put every image into the folder of its class, or all into one folder",
            code="invalid-data",
        )
    if not loose and not folders:
        raise InkwashError(
            f"{folder} has no images: put {', '.join(SUFFIXES)} files there, one sub-folder per class",
            code="missing-file",
        )
    # Names that are all numbers are sorted as numbers, so that "10" follows "9".
    numbered = all(name.isdecimal() for name in folders)
    names = tuple(sorted(folders, key=int if numbered else None))
    if classes is not None:
        strange = [name for name in names if name not in classes]
        if strange or bool(classes) != bool(names):
            fault = f"has a class '{strange[0]}'" if strange else "has no class folders"
            raise UsageError(
                f"{folder} {fault}, unlike 'train' beside it: both parts need the same classes", code="invalid-data"
            )
        names = tuple(name for name in classes if name in folders)
    files, labels = list(loose), []
    for name in names:
        inside = _image_files(folders[name])
        if not inside:
            raise invalid_data(f"{folders[name]} is a class without images: add some, or move the folder elsewhere")
        files += inside
        labels += [(classes or names).index(name)] * len(inside)
    return FileList(tuple(files), classes or names, tuple(labels))


def _visible(folder: Path) -> list[Path]:
    """Return the entries of `folder`, sorted, without hidden ones and those that macOS adds to archives."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _image_files(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _read(files: tuple[Path, ...], size: int | None, progress: StageProgressCallback | None) -> Iterator[Tensor]:
    """Yield the images, uint8 `[C, H, W]`. Raises `UsageError` unless all have one height and width."""
    shape: tuple[int, ...] = ()
    for k, path in enumerate(files):
        image = image_file.read(path, size, REMEDY)
        shape = shape or image.shape[1:]
        if image.shape[1:] != shape:
            side = min(*shape, *image.shape[1:])
            raise UsageError(
                f"{files[0]} is {shape[1]}x{shape[0]} and {path} is {image.shape[2]}x{image.shape[1]}:"
                f" the images of a data set have one size; resize them all with --size, such as --size {side}",
                code="mismatch",
                field="size",
            )
        yield image
        if progress is not None and k % PROGRESS_EVERY == 0:
            progress(f"reading {len(files):,} images", k / len(files))


def _stack(read: list[Tensor]) -> Tensor:
    """Return uint8 `[N, C, H, W]`, with C = 3 if any image has colour."""
    channels = max(len(image) for image in read)
    return torch.stack([image.expand(channels, *image.shape[1:]) for image in read])


def _write(path: Path, files: tuple[Path, ...], size: int | None, progress: StageProgressCallback | None) -> None:
    """Write the array that `_stack` would return as .npy, one image at a time."""
    for channels in (1, 3):
        read = _read(files, size, progress)
        first = next(read)
        array = memory_map.create_npy(path, (len(files), channels, *first.shape[1:]))
        for k, image in enumerate(chain([first], read)):
            if len(image) > channels:
                break  # A colour image among grey ones: start again with three channels.
            array[k] = image.numpy()
        else:
            array.flush()
            return


def _key(folder: Path, files: tuple[Path, ...], size: int | None) -> str:
    """Return a hash of everything that determines the pixels: size, names and contents, not modification times."""
    found = hashlib.sha256(repr((VERSION, size, len(files))).encode())
    for path in files:
        raw = read_bytes(path)
        found.update(repr((path.relative_to(folder).as_posix(), len(raw))).encode())
        found.update(raw)
    return found.hexdigest()[:24]


READER = Reader("a folder of images", Path.is_dir, lambda path, options: read(path, options.size, options.progress))
