"""Archives of arrays (.npz), read whole: all bytes of an array pass their checksum before any of them is believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Container
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from inkwash.hardware import memory

DAMAGES = (
    ValueError,
    OSError,
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    SyntaxError,
    TokenError,
    RuntimeError,  # NotImplementedError among them: a flipped byte may ask for encryption or another compression
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged file of arrays raises, by numpy, zipfile and zlib."""


def read(content: bytes, wanted: Container[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """Return the arrays in the bytes of an archive, by name; where some are `wanted`, the others are empty.

    Raises one of `DAMAGES` for what is no whole archive of plain numbers.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > memory.machine():
            raise ValueError(f"it unpacks to {unpacked:,} bytes, more than this machine's memory")
        for member in archive.namelist():
            name = member.removesuffix(".npy")
            # opened also where it is not wanted: a name is checked against its twin beside the content
            with archive.open(member) as file:
                found[name] = array(file.read()) if wanted is None or name in wanted else np.empty(0)
    return found


def array(content: bytes) -> NDArray[np.generic]:
    """Return the array that `content` is as a whole: a damaged shape would leave some of it. Raises one of `DAMAGES`."""
    file = io.BytesIO(content)
    found = np.lib.format.read_array(file, allow_pickle=False)
    if file.read(1):
        raise ValueError("it holds more than its shape says")
    return found
