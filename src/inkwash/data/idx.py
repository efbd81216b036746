"""The IDX format of MNIST: a magic number, the lengths of the axes, the bytes (LeCun et al., 1998)."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inkwash.data.reading import damaged_file, read_bytes
from inkwash.errors import InkwashError

UNSIGNED_BYTE = 8
IMAGE_AXES = 3
LABEL_AXES = 1


class FilePair(NamedTuple):
    """The file names of the training or test set, without `.gz`."""

    images: str
    labels: str


TRAIN = FilePair("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = FilePair("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def find(folder: Path, name: str) -> Path | None:
    """Return the file `name` in `folder`, gzipped or not, also spelled `….idx3-ubyte`; None if there is none."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / f"{spelling}.gz", folder / spelling):
            if path.is_file():
                return path
    return None


def parse(raw: bytes, axes: int, path: Path) -> np.ndarray:
    """Return the uint8 array of an unpacked IDX file: `[N, H, W]` for 3 axes, `[N]` for 1.

    Raises `InkwashError`, naming `path`, for a wrong magic number, a truncated file, or no content.
    """
    expected = bytes([0, 0, UNSIGNED_BYTE, axes])
    what = "images" if axes == IMAGE_AXES else "labels"
    if raw[:4] != expected:
        raise InkwashError(
            f"{path} starts with 0x{raw[:4].hex()}, not with 0x{expected.hex()}, the magic number"
            f" of IDX {what}: it is another kind of file; fetch it again",
            code="wrong-file",
        )
    header = 4 + 4 * axes
    if len(raw) < header:
        raise damaged_file(f"{path} is truncated inside its header of {header} bytes: fetch it again")
    shape = struct.unpack(f">{axes}I", raw[4:header])
    size = math.prod(shape)
    if len(raw) - header != size:
        fault = "is truncated" if len(raw) - header < size else "is too long"
        sizes = f"its header gives {size:,} bytes of {what}, it has {len(raw) - header:,}"
        raise damaged_file(f"{path} {fault}: {sizes}; fetch it again")
    if size == 0:
        raise damaged_file(f"{path} holds no {what}: fetch it again, or choose another --data")
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape)


def read(path: Path, axes: int) -> np.ndarray:
    """Return the array of an IDX file, gzipped or not; raises what `read_bytes` and `parse` raise."""
    return parse(read_bytes(path), axes, path)
