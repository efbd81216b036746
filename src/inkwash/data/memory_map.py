"""Pixels that are decoded once, stored in the cache and mapped from there, so that they may be larger than memory."""

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

MAP_THRESHOLD = 1 << 30
"""Bytes from which pixels are mapped from the cache instead of being held in memory."""
CHUNK_BYTES = 1 << 22
"""Bytes read at a time when all values are read."""


def cached(key: str, make: Callable[[Path], object]) -> Tensor:
    """Return the uint8 values stored in the cache under `key`, mapped; `make(path)` writes them as .npy if needed.

    A file that does not match its SHA-256 is written again. Raises `InkwashError` when it cannot be written.
    """
    path = cache.folder() / "mapped" / f"{key}.npy"
    checksum = path.with_suffix(".sha256")
    if not (path.is_file() and checksum.is_file() and checksum.read_text(encoding="utf-8") == _sha256(path)):
        checksum.unlink(missing_ok=True)
        with atomic(path) as temporary:
            make(temporary)
        write_text(checksum, _sha256(path))
    return open_mapped(path)


def create_npy(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """Return a new .npy file of uint8 at `path`, mapped for writing. Raises `InkwashError` when the disk is too full."""
    require_space(path.parent, math.prod(shape))
    return np.lib.format.open_memmap(path, "w+", np.uint8, shape)


def open_mapped(path: Path) -> Tensor:
    """Return the array of a .npy file, mapped read-only: bytes are read from the disk on access."""
    return as_tensor(np.load(path, mmap_mode="r", allow_pickle=False))


def as_tensor(array: np.ndarray) -> Tensor:
    """Return a tensor that shares the memory of a read-only `array`."""
    with warnings.catch_warnings():
        # torch has no read-only tensors; this one is never written to.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)


def split_chunks(values: Tensor) -> tuple[Tensor, ...]:
    """Return `values` [N, ...] split into chunks of about CHUNK_BYTES bytes."""
    return values.split(max(1, CHUNK_BYTES // max(1, values[:1].nbytes)))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
