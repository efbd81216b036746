"""Read archives of arrays (.npz) completely, so that the checksum of each member is verified."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Container
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from inkwash.hardware import memory

READ_ERRORS = (
    ValueError,
    OSError,
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TokenError,
    RuntimeError,  # Includes NotImplementedError: a flipped byte may select encryption or another compression.
    zipfile.BadZipFile,
    zlib.error,
)
"""Exceptions of numpy, zipfile and zlib for damaged files of arrays."""


def names(content: bytes) -> list[str]:
    """Return the names of the arrays in the bytes of an archive. Raises one of `READ_ERRORS` for a damaged archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [member.removesuffix(".npy") for member in archive.namelist()]


def read(content: bytes, wanted: Container[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """Return the arrays in the bytes of an archive, by name; those that are not `wanted` are empty.

    Raises one of `READ_ERRORS` for a damaged archive and for arrays of objects.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > memory.total_memory():
            raise ValueError(f"it unpacks to {unpacked:,} bytes, more than this machine's memory")
        for member in archive.namelist():
            name = member.removesuffix(".npy")
            # Unwanted members are opened too, which compares their names in the two headers.
            with archive.open(member) as file:
                found[name] = array(file.read()) if wanted is None or name in wanted else np.empty(0)
    return found


def array(content: bytes) -> NDArray[np.generic]:
    """Return the array in `content`. Raises one of `READ_ERRORS`, also for bytes after the array, as of a damaged shape."""
    file = io.BytesIO(content)
    found = np.lib.format.read_array(file, allow_pickle=False)
    if file.read(1):
        raise ValueError("it has more bytes than its shape needs")
    return found
