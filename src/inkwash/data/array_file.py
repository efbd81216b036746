"""Arrays in `.npy` and `.npz` files: images, or float points in the plane. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from inkwash.data import array_names, array_set, unread_forms
from inkwash.data.array_pixels import ValueRange
from inkwash.data.array_set import Source
from inkwash.data.dataset import Dataset
from inkwash.data.reading import damaged_file, read_bytes
from inkwash.errors import InkwashError, first_line
from inkwash.io import npz

SUFFIXES = (".npy", ".npz")
ARRAY, ARCHIVE, PICKLE = b"\x93NUMPY", b"PK", b"\x80"
"""The first bytes of a `.npy` file, of a `.npz` file, and of a pickle of another name."""
SAVE_AGAIN = "save it again with numpy.save or numpy.savez"


def matches(path: Path) -> bool:
    """Return whether `path` is an existing file with one of SUFFIXES."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def read(path: Path, value_range: ValueRange | None = None) -> Dataset:
    """Return the data set of a `.npy` (one array) or a `.npz` (arrays by name, as `array_names.parse` reads them).

    The forms of images and labels are those of `array_pixels` and `label_checks`; numbers of another range than 0 to 255 need
    a `value_range`. Raises `InkwashError` for anything else: pickled, damaged or missing content.
    """
    source = Source(path.stem, str(path), value_range=value_range, note=f"arrays of {path.name}")
    return array_set.from_named(members(path), source)


def members(path: Path) -> Mapping[str, np.ndarray]:
    """Return the arrays of the file by name, the array of a `.npy` as `images`; those of unknown names are empty."""
    try:
        if _is_npy(path):
            # Mapped: such a file can be larger than memory.
            return {"images": np.load(path, mmap_mode="r", allow_pickle=False)}
        content = read_bytes(path)
        if content.startswith(ARRAY):
            return {"images": npz.array(content)}
        if content.startswith(PICKLE):
            raise _pickled(path)
        if not content.startswith(ARCHIVE):
            raise InkwashError(f"{path} is neither an array nor an archive of them: {SAVE_AGAIN}", code="wrong-file")
        names = npz.names(content)
        if any(name.endswith("data.pkl") for name in names):
            raise _pickled(path)
        # Other members are listed in errors, but not unpacked.
        return npz.read(content, array_names.roles(names, str(path)).values())
    except npz.READ_ERRORS as error:
        # Only the message of numpy shows that an array holds Python objects.
        if "pickle" in str(error) or "Python objects" in str(error):
            raise _pickled(path) from error
        raise damaged_file(f"{path} is damaged ({first_line(error)}): {SAVE_AGAIN}") from error


def _pickled(path: Path) -> InkwashError:
    return InkwashError(
        f"{path} holds {unread_forms.OBJECTS.name}, a pickle, which is not opened: "
        f"{unread_forms.remedy(unread_forms.OBJECTS)}",
        code="wrong-file",
    )


def _is_npy(path: Path) -> bool:
    """Return whether the first bytes of `path` are those of an array, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(ARRAY)) == ARRAY
    except OSError:
        return False
