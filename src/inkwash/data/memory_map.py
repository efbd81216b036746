"""Pixels that are made once, kept in the cache and mapped from there: such a set can be larger than memory."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkwash.io import cache
from inkwash.io.atomic import atomic, require_space, write_text

LARGE = 1 << 30
"""Bytes of pixels from which on they are kept so, and not in memory."""
AT_ONCE = 1 << 22
"""Bytes that are looked at together where all are."""


def kept(key: str, make: Callable[[Path], object]) -> Tensor:
    """Return the uint8 values that the cache keeps under `key`, mapped; `make(path)` writes them as .npy where it has none.

    A file that is not what was written, by its SHA-256, is made anew. Raises `InkwashError` when it cannot be written.
    """
    path = cache.folder() / "mapped" / f"{key}.npy"
    seal = path.with_suffix(".sha256")
    if not (path.is_file() and seal.is_file() and seal.read_text(encoding="utf-8") == _sha256(path)):
        seal.unlink(missing_ok=True)
        with atomic(path) as temporary:
            make(temporary)
        write_text(seal, _sha256(path))
    return opened(path)


def array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """Return a new .npy file of uint8 at `path`, to be filled. Raises `InkwashError` where the disk has no room for it."""
    require_space(path.parent, math.prod(shape))
    return np.lib.format.open_memmap(path, "w+", np.uint8, shape)


def opened(path: Path) -> Tensor:
    """Return the array of a .npy file, mapped: its bytes are read when they are asked for, and nobody writes to them."""
    return tensor(np.load(path, mmap_mode="r", allow_pickle=False))


def tensor(array: np.ndarray) -> Tensor:
    """Return an array that may be read only as a tensor of the same memory."""
    with warnings.catch_warnings():
        # torch cannot mark a tensor as read-only, and nobody writes to this one
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)


def parts(values: Tensor) -> tuple[Tensor, ...]:
    """Return `values` [N, ...] in parts of few examples, one after the other."""
    return values.split(max(1, AT_ONCE // max(1, values[:1].nbytes)))


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while some := file.read(AT_ONCE):
            found.update(some)
    return found.hexdigest()
