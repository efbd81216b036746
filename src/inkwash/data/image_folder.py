"""A folder of pictures, one sub-folder a class: any format, depth and palette becomes uint8 grey or colour.

- Grey or colour is decided for the set: one channel if every picture is grey (equal channels are grey).
- Where there is a sub-folder `train`, it and an optional `test` are the two parts, of the same classes.
- Many pictures are decoded once, and mapped from the cache from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import image_file, memory_map
from inkwash.data.compressed import read_bytes
from inkwash.data.dataset import Dataset
from inkwash.errors import InkwashError, UsageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".pnm")

TOLD = 100
"""Every so many pictures it is said how far their reading is."""
VERSION = 1
"""Of how pictures become pixels: another one is another key in the cache."""

Progress = Callable[[str, float], object]


@dataclass(frozen=True)
class Listing:
    """The picture files of one part, the class names, and the class of each file; no names, no classes."""

    files: tuple[Path, ...]
    classes: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()


def read(folder: Path, size: int | None = None, progress: Progress | None = None) -> Dataset:
    """Return the pictures of `folder` as a set of its name; with `size`, each as `size` by `size` pixels.

    `progress(what, share)` hears how far it is, where that takes time. Raises `InkwashError` for an empty folder or class
    and for a picture that cannot be read, `UsageError` for pictures of different sizes without `size` and for a layout
    that is ambiguous; each names the file.
    """
    train, test = _parts(folder)
    files = (*train.files, *(test.files if test else ()))
    first = image_file.read(files[0], size)
    # of colour until all are known to be grey
    if 3 * first[0].numel() * len(files) < memory_map.LARGE:
        values = _stack([*_read(files, size, progress)])
    else:
        values = memory_map.kept(_key(folder, files, size), lambda path: _write(path, files, size, progress))
    count = len(train.files)
    return Dataset(
        name=folder.resolve().name,
        values=values[:count],
        labels=torch.tensor(train.labels) if train.classes else None,
        classes=train.classes,
        test_values=values[count:] if test else None,
        test_labels=torch.tensor(test.labels) if test and train.classes else None,
        note=f"pictures of {folder.resolve().name}",
    )


def _parts(folder: Path) -> tuple[Listing, Listing | None]:
    """Return the listings of the training part and, if there is one, of the test part."""
    folders = {path.name: path for path in _visible(folder) if path.is_dir()}
    others = sorted(set(folders) - {"train", "test"})
    # a class may be called "train", among other vehicles: then its pictures lie right in it
    if "train" not in folders or (others and _pictures(folders["train"])):
        return _listing(folder), None
    if others:
        raise UsageError(f"{folder} has '{others[0]}' beside 'train': only 'train' and 'test' are read; move it away")
    train = _listing(folders["train"])
    return train, _listing(folders["test"], train.classes) if "test" in folders else None


def _listing(folder: Path, classes: tuple[str, ...] | None = None) -> Listing:
    """Return what lies in `folder`; `classes` are those it may have, or None where it sets them itself."""
    loose = _pictures(folder)
    folders = {path.name: path for path in _visible(folder) if path.is_dir()}
    if loose and folders:
        raise UsageError(
            f"{folder} has pictures ({loose[0].name}) beside sub-folders ({min(folders)}):"
            " put every picture into the folder of its class, or all into one folder"
        )
    if not loose and not folders:
        raise InkwashError(f"{folder} has no pictures: put {', '.join(SUFFIXES)} files there, one sub-folder a class")
    # "10" comes after "9" when all names are numbers
    numbered = all(name.isdecimal() for name in folders)
    names = tuple(sorted(folders, key=int if numbered else None))
    if classes is not None:
        strange = [name for name in names if name not in classes]
        if strange or bool(classes) != bool(names):
            fault = f"has a class '{strange[0]}'" if strange else "has no class folders"
            raise UsageError(f"{folder} {fault}, unlike 'train' beside it: both parts need the same classes")
        names = tuple(name for name in classes if name in folders)
    files, labels = list(loose), []
    for name in names:
        inside = _pictures(folders[name])
        if not inside:
            raise InkwashError(f"{folders[name]} is a class without pictures: add some, or remove the folder")
        files += inside
        labels += [(classes or names).index(name)] * len(inside)
    return Listing(tuple(files), classes or names, tuple(labels))


def _visible(folder: Path) -> list[Path]:
    """Return the entries of `folder`, sorted, without hidden ones and what macOS adds to archives."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX")))


def _pictures(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]


def _read(files: tuple[Path, ...], size: int | None, progress: Progress | None) -> Iterator[Tensor]:
    """Yield the pictures, uint8 `[C, H, W]`, of one height and width."""
    shape: tuple[int, ...] = ()
    for k, path in enumerate(files):
        picture = image_file.read(path, size)
        shape = shape or picture.shape[1:]
        if picture.shape[1:] != shape:
            side = min(*shape, *picture.shape[1:])
            raise UsageError(
                f"{files[0]} is {shape[1]}x{shape[0]} and {path} is {picture.shape[2]}x{picture.shape[1]}:"
                f" the images of a set have one size; resize them all with --size, such as --size {side}"
            )
        yield picture
        if progress is not None and k % TOLD == 0:
            progress(f"reading {len(files):,} pictures", k / len(files))


def _stack(read: list[Tensor]) -> Tensor:
    """Return uint8 `[N, C, H, W]`, with C = 3 if any picture has colour."""
    channels = max(len(picture) for picture in read)
    return torch.stack([picture.expand(channels, *picture.shape[1:]) for picture in read])


def _write(path: Path, files: tuple[Path, ...], size: int | None, progress: Progress | None) -> None:
    """Write what `_stack` returns as .npy, a picture at a time."""
    for channels in (1, 3):
        read = _read(files, size, progress)
        first = next(read)
        array = memory_map.array(path, (len(files), channels, *first.shape[1:]))
        for k, picture in enumerate(chain([first], read)):
            if len(picture) > channels:
                break  # colour among grey: begun anew with three channels
            array[k] = picture.numpy()
        else:
            array.flush()
            return


def _key(folder: Path, files: tuple[Path, ...], size: int | None) -> str:
    """Return a hash of what decides the pixels: size, names and contents, and not when they were written."""
    found = hashlib.sha256(repr((VERSION, size, len(files))).encode())
    for path in files:
        raw = read_bytes(path)
        found.update(repr((path.relative_to(folder).as_posix(), len(raw))).encode())
        found.update(raw)
    return found.hexdigest()[:24]
