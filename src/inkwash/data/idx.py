"""The IDX format of MNIST: a magic number, the lengths of the axes, the values (LeCun et al., 1998)."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from inkwash.data.reading import damaged_file, read_bytes
from inkwash.errors import InkwashError

IMAGE_AXES = 3
LABEL_AXES = 1
UNSIGNED_BYTE = 8
LABEL_TYPES: dict[int, np.dtype] = {
    UNSIGNED_BYTE: np.dtype("u1"),
    9: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
}
"""By the third byte of the magic number: the types of integers."""


class FilePair(NamedTuple):
    """The file names of the training or test set, without `.gz`."""

    images: str
    labels: str


TRAIN = FilePair("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = FilePair("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def parse_images(raw: bytes, path: Path) -> np.ndarray:
    """Return uint8 `[N, H, W]` of the bytes of an IDX file.

    Raises `InkwashError`, naming `path`, for a wrong magic number, a truncated file, or no content.
    """
    return _parse(raw, IMAGE_AXES, UNSIGNED_BYTE, path)


def parse_labels(raw: bytes, path: Path) -> np.ndarray:
    """Return integers `[N]` of the bytes of an IDX file: of the table `[N, M]` of QMNIST, the class in its first column.

    Raises `InkwashError`, naming `path`, for a wrong magic number, a truncated file, or no content.
    """
    code, axes = raw[2:4] if len(raw) > 3 else (UNSIGNED_BYTE, LABEL_AXES)
    if code not in LABEL_TYPES or axes not in (LABEL_AXES, 2):
        code, axes = UNSIGNED_BYTE, LABEL_AXES
    found = _parse(raw, axes, code, path)
    return found if axes == LABEL_AXES else found[:, 0]


def _parse(raw: bytes, axes: int, code: int, path: Path) -> np.ndarray:
    expected, dtype = bytes([0, 0, code, axes]), LABEL_TYPES[code]
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
    size = math.prod(shape) * dtype.itemsize
    if len(raw) - header != size:
        fault = "is truncated" if len(raw) - header < size else "is too long"
        sizes = f"its header gives {size:,} bytes of {what}, it has {len(raw) - header:,}"
        raise damaged_file(f"{path} {fault}: {sizes}; fetch it again")
    if size == 0:
        raise damaged_file(f"{path} holds no {what}: fetch it again, or choose another --data")
    return np.frombuffer(raw, dtype=dtype, offset=header).reshape(shape)


def read_images(path: Path) -> np.ndarray:
    """Return the images of an IDX file, compressed or not; raises what `read_bytes` and `parse_images` raise."""
    return parse_images(read_bytes(path), path)


def read_labels(path: Path) -> np.ndarray:
    """Return the labels of an IDX file, compressed or not; raises what `read_bytes` and `parse_labels` raise."""
    return parse_labels(read_bytes(path), path)
