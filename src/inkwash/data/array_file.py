"""Arrays in `.npy` and `.npz` files: uint8 images, or float points in the plane. Nothing is unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwash.data import memory_map
from inkwash.data.dataset import Dataset
from inkwash.data.label_checks import check_label_range, class_names, label_tensor
from inkwash.data.reader import Reader
from inkwash.data.reading import damaged_file, invalid_data, read_bytes
from inkwash.errors import InkwashError, first_line
from inkwash.io import npz

SUFFIXES = (".npy", ".npz")
ARRAY, ARCHIVE = b"\x93NUMPY", b"PK"
"""The first bytes of a `.npy` and of a `.npz` file."""
SAVE_AGAIN = "save it again with numpy.save or numpy.savez"
MEMBERS = ("images", "points", "labels", "test_images", "test_labels")


def matches(path: Path) -> bool:
    """Return whether `path` is an existing file with one of SUFFIXES."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def read(path: Path) -> Dataset:
    """Return the data set of a `.npy` (one array) or a `.npz` (`images`, and optionally the other `MEMBERS`).

    Images are uint8 `[N, H, W]` or `[N, H, W, C]` with C = 1 or 3, points are float `[N, 2]`, labels integers
    `[N]` from 0. Raises `InkwashError` for anything else: pickled, damaged or missing content.
    """
    members = dict(_members(path))
    # `inkwash sample` writes points under the name "points", and -1 for no label.
    if "points" in members and "images" not in members:
        members["images"] = members.pop("points")
    if "labels" in members and members["labels"].size and (members["labels"] == -1).all():
        del members["labels"]
    if "images" not in members:
        names = ", ".join(sorted(members)) or "nothing"
        raise invalid_data(
            f"{path} has no array 'images' (it holds {names}): use numpy.savez(file, images=..., labels=...)", "images"
        )
    values = _values(members["images"], f"{path}: images")
    test_values = _values(members["test_images"], f"{path}: test_images") if "test_images" in members else None
    if test_values is not None and test_values.shape[1:] != values.shape[1:]:
        found = f"{list(test_values.shape[1:])}, but images are {list(values.shape[1:])}"
        raise invalid_data(
            f"{path}: test_images are {found} (channels first): both parts need one shape", "test_images"
        )
    train_labels = _labels(members, "labels", values, path)
    test_labels = _labels(members, "test_labels", test_values, path)
    if test_labels is not None and train_labels is None:
        raise invalid_data(f"{path} has test_labels but no labels: add them, or leave test_labels out", "labels")
    given = {"labels": train_labels, "test_labels": test_labels}
    parts = {name: part for name, part in given.items() if part is not None}
    classes = class_names(torch.cat([*parts.values()])) if parts else ()
    for name, part in parts.items():
        check_label_range(part, len(classes), f"{path}: {name}")
    return Dataset(
        name=path.stem,
        values=values,
        labels=train_labels,
        classes=classes,
        test_values=test_values,
        test_labels=test_labels,
        note=f"arrays of {path.name}",
    )


def _labels(members: Mapping[str, np.ndarray], name: str, values: Tensor | None, path: Path) -> Tensor | None:
    """Return the labels called `name` of `values`, int64 `[N]`, None if the file has none."""
    if name not in members:
        return None
    if values is None:
        raise invalid_data(f"{path} has {name} but no test_images: add them, or leave {name} out", "test_images")
    return label_tensor(members[name], len(values), f"{path}: {name}")


def _members(path: Path) -> Mapping[str, np.ndarray]:
    """Return the arrays of the file by name, a lone array as `images`."""
    try:
        if _is_npy(path):
            # Mapped: such a file can be larger than memory.
            return {"images": np.load(path, mmap_mode="r", allow_pickle=False)}
        content = read_bytes(path)
        if content.startswith(ARRAY):
            return {"images": npz.array(content)}
        if not content.startswith(ARCHIVE):
            raise ValueError("it is neither an array nor an archive of them, perhaps a pickle")
        # Other members are listed in errors, but not unpacked.
        return npz.read(content, MEMBERS)
    except npz.READ_ERRORS as error:
        # Only the message of numpy shows that an array holds Python objects.
        if "pickle" in str(error) or "Python objects" in str(error):
            raise InkwashError(
                f"{path} is not a file of plain numbers (pickled objects are never opened): {SAVE_AGAIN}",
                code="wrong-file",
            ) from error
        raise damaged_file(f"{path} is damaged ({first_line(error)}): {SAVE_AGAIN}") from error


def _is_npy(path: Path) -> bool:
    """Return whether the first bytes of `path` are those of an array, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(ARRAY)) == ARRAY
    except OSError:
        return False


def _values(array: np.ndarray, what: str) -> Tensor:
    """Return pixels uint8 `[N, C, H, W]` or points float32 `[N, 2]`; `what` names the array in errors."""
    found = f"{array.dtype} {list(array.shape)}"
    if array.size == 0:
        raise invalid_data(f"{what} is empty ({found}): save uint8 [N, H, W] or [N, H, W, C]")
    if array.dtype.kind == "f" and array.ndim == 2 and array.shape[1] == 2:
        if not np.isfinite(array).all():
            raise invalid_data(f"{what} has points that are not finite: drop the rows with NaN or infinity")
        if np.abs(array).max() > np.finfo(np.float32).max:
            raise invalid_data(f"{what} has points up to {np.abs(array).max():.3g}, beyond float32: scale them down")
        return torch.from_numpy(array.astype(np.float32))
    if array.dtype != np.uint8:
        span = f", from {array.min():.4g} to {array.max():.4g}" if array.dtype.kind in "fiu" else ""
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise invalid_data(f"{what} is {found} and holds NaN or infinity: find where they come from")
        if array.dtype.kind in "iu" and array.min() >= 0 and 1 < array.max() <= 255:
            raise invalid_data(f"{what} is {found}{span}: these are pixels of another type, save .astype(numpy.uint8)")
        raise invalid_data(
            f"{what} is {found}{span}, but pixels are uint8 from 0 to 255 (and points float [N, 2]):"
            " the value range of this dtype is unknown; scale to 0..255, round, and save .astype(numpy.uint8)"
        )
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        first = array.ndim == 4 and array.shape[1] in (1, 3)
        remedy = "channels come last, save .transpose(0, 2, 3, 1)" if first else "save [N, H, W] or [N, H, W, 1 or 3]"
        raise invalid_data(f"{what} is {found}: {remedy}")
    return memory_map.as_tensor(array.transpose(0, 3, 1, 2))


READER = Reader("arrays, NAME.npy or NAME.npz", matches, lambda path, options: read(path))
