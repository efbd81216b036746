"""The image files in a folder and its sub-folders, and the files of other kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image

from inkwash.data import reading, visible
from inkwash.errors import UsageError

NOT_IMAGES = frozenset(
    {
        "BUFR",
        "DCX",
        "EPS",
        "FITS",
        "FLI",
        "FTEX",
        "GBR",
        "GRIB",
        "HDF5",
        "IM",
        "IPTC",
        "MPEG",
        "PCD",
        "PIXAR",
        "WMF",
        "XPM",
    }
)
"""Formats of Pillow that need other programs, or whose suffixes are those of other kinds of files."""
MAX_DEPTH = 32
"""Folders within folders: more are a mistake."""


@dataclass
class ImageTree:
    """A folder: its images, other files and sub-folders, each sorted by name. Hidden and system files are left out."""

    path: Path
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    folders: dict[str, ImageTree] = field(default_factory=dict)

    def walk(self) -> Iterator[ImageTree]:
        """Yield this folder and all folders below it, parents first."""
        yield self
        for folder in self.folders.values():
            yield from folder.walk()

    def all_images(self) -> list[Path]:
        """Return the images of this folder and of all folders below it."""
        return [path for folder in self.walk() for path in folder.images]

    def all_others(self) -> list[Path]:
        """Return the files of other kinds of this folder and of all folders below it."""
        return [path for folder in self.walk() for path in folder.others]

    def has_images(self) -> bool:
        """Return whether there is an image in this folder or below."""
        return any(folder.images for folder in self.walk())

    def has_files(self) -> bool:
        """Return whether there is a file in this folder or below."""
        return any(folder.images or folder.others for folder in self.walk())


@cache
def suffixes() -> frozenset[str]:
    """Return the suffixes, such as ".png", of the images that the installed Pillow reads."""
    Image.init()
    return frozenset(
        suffix for suffix, kind in Image.EXTENSION.items() if kind in Image.OPEN and kind not in NOT_IMAGES
    )


def is_image_name(name: str) -> bool:
    """Return whether a file name has the suffix of an image."""
    return Path(name).suffix.lower() in suffixes()


def scan(folder: Path, depth: int = MAX_DEPTH, parents: tuple[str, ...] = ()) -> ImageTree:
    """Return the files below `folder`. Raises `UsageError` for folders nested too deeply, and a link to a folder around it."""
    real = os.path.realpath(folder)
    if depth == 0 or real in parents:
        fault = "is a link to a folder around it" if real in parents else f"is more than {MAX_DEPTH} folders deep"
        raise UsageError(f"{folder} {fault}: give the folder of the images", code="invalid-data", field="data")
    found = ImageTree(folder)
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path, shown = folder / entry.name, visible.is_visible(entry.name)
        if visible.is_folder(entry):
            if shown:
                found.folders[entry.name] = scan(path, depth - 1, (*parents, real))
        elif is_image_name(entry.name):
            # A link to nothing is read, which raises its error; a pipe would never end.
            if shown and (entry.is_symlink() or entry.is_file()):
                found.images.append(path)
            # "._NAME.png" is what macOS stores beside the image NAME.png.
            elif not entry.name.startswith("._"):
                found.others.append(path)
        elif shown and not visible.is_document(entry.name):
            if entry.is_symlink() and not path.exists():
                # It may be a class.
                raise reading.broken_link(path)
            found.others.append(path)
    return found


def contains_images(folder: Path, depth: int = MAX_DEPTH) -> bool:
    """Return whether there is a visible image in `folder` or below, without listing all of it."""
    with os.scandir(folder) as entries:
        seen = [(entry.name, visible.is_folder(entry)) for entry in entries if visible.is_visible(entry.name)]
    if any(not is_folder and is_image_name(name) for name, is_folder in seen):
        return True
    return depth > 0 and any(contains_images(folder / name, depth - 1) for name, is_folder in sorted(seen) if is_folder)
