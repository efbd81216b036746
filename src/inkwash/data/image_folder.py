"""Read a folder of image files, one sub-folder per class, of any format, depth and palette, as uint8 pixels.

- Which files are of which class and part is in `image_layout`.
- All images have one channel if each of them is grey (equal channels), else three.
- A large number of images is decoded once, and mapped from the cache afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import image_file, image_layout, image_tree, memory_map, visible
from inkwash.data.dataset import Dataset
from inkwash.data.reader import Reader
from inkwash.data.reading import read_bytes
from inkwash.errors import UsageError
from inkwash.text.progress import StageProgressCallback

REMEDY = "replace it, or move it out of the folder"
"""What to do about an image that cannot be read."""
PROGRESS_EVERY = 100
"""Number of images between two reports of progress."""
VERSION = 3
"""Version of the decoding, part of the key in the cache."""


def matches(path: Path) -> bool:
    """Return whether `path` is a folder with an image in it or in a folder below."""
    return path.is_dir() and image_tree.contains_images(path)


def read(folder: Path, size: int | None = None, progress: StageProgressCallback | None = None) -> Dataset:
    """Return the images of `folder` as a data set of its name; with `size`, each resized to `size` by `size` pixels.

    `progress(what, fraction)` is called while many images are read. Raises `InkwashError` for an empty folder or class and
    for an image that cannot be read, `UsageError` for images of different sizes without `size` and for an ambiguous
    layout; each names the file.
    """
    layout = image_layout.find(folder)
    train, test = layout.train, layout.test
    files = (*train.files, *(test.files if test else ()))
    first = image_file.read(files[0], size, REMEDY)
    # Three channels are assumed until all images are known to be grey.
    if 3 * first[0].numel() * len(files) < memory_map.MAP_THRESHOLD:
        values = _stack([*_read(files, size, progress)])
    else:
        values = memory_map.cached(_key(folder, files, size), lambda path: _write(path, files, size, progress))
    count = len(train.files)
    shallow = image_file.common_white(files) == 255
    depth = "the 16-bit files hold 0 to 255, and are read as images of 8 bits" if shallow else ""
    animations = image_file.animations(files)
    frames = f"only the first frame is read of {visible.listed(animations, folder)}" if animations else ""
    return Dataset(
        name=folder.resolve().name,
        values=values[:count],
        labels=torch.tensor(train.labels) if train.classes else None,
        classes=train.classes,
        test_values=values[count:] if test else None,
        test_labels=torch.tensor(test.labels) if test and train.classes else None,
        note=f"images of {folder.resolve().name}{f'; the test part is {layout.test_name}' if test else ''}",
        warning="; ".join(each for each in (depth, frames, layout.warning) if each),
    )


def _read(files: tuple[Path, ...], size: int | None, progress: StageProgressCallback | None) -> Iterator[Tensor]:
    """Yield the images, uint8 `[C, H, W]`. Raises `UsageError` unless all have one height and width."""
    shape: tuple[int, ...] = ()
    background, white = image_file.common_background(files), image_file.common_white(files)
    for k, path in enumerate(files):
        image = image_file.read(path, size, REMEDY, background, white)
        shape = shape or image.shape[1:]
        if image.shape[1:] != shape:
            side = min(*shape, *image.shape[1:])
            raise UsageError(
                f"{files[0]} is {shape[1]}x{shape[0]} and {path} is {image.shape[2]}x{image.shape[1]}:"
                f" the images of a data set have one size; resize them to one, as train does with --size {side}",
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


READER = Reader("a folder of images", matches, lambda path, options: read(path, options.size, options.progress))
