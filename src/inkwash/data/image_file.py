"""Read an image file of any format, depth and palette as uint8 pixels, grey or colour.

- An image with equal channels is grey.
- Transparency is composited on black (0), which is also the background of MNIST.
- 16-bit images are divided by 257 and rounded; EXIF rotation is applied; of animations the first frame is read.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from inkwash.data.pixels import resize
from inkwash.data.reading import damaged_file, invalid_data, read_bytes
from inkwash.errors import first_line

# The error reports a damaged file in one line; the log of Pillow would repeat it.
logging.getLogger("PIL").addHandler(logging.NullHandler())

READ_ERRORS = (
    UserWarning,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    SyntaxError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)
"""The exceptions of Pillow for files that are damaged, of unknown format, or too large to be an image."""


def read(path: Path, size: int | None = None, remedy: str = "give another file") -> Tensor:
    """Return the image at `path`, uint8 `[C, H, W]`: C = 1 if it is grey, else 3; with `size`, resized to that square.

    Raises `InkwashError` for a file that is missing, damaged or not an image; `remedy` is the end of its message.
    """
    try:
        with _strict_warnings(), Image.open(io.BytesIO(read_bytes(path))) as picture:
            pixels = _pixels(ImageOps.exif_transpose(picture), path)
    except READ_ERRORS as error:
        cause = "unknown format" if isinstance(error, UnidentifiedImageError) else first_line(error)
        raise damaged_file(f"{path} cannot be read as an image ({cause}): {remedy}") from error
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    image = torch.from_numpy(np.array(pixels if pixels.ndim == 3 else pixels[..., None])).permute(2, 0, 1)
    return image if size is None else resize(image[None], size)[0]


@contextmanager
def _strict_warnings() -> Iterator[None]:
    """Turn the warning of Pillow that parts of a TIFF cannot be read into an error, and ignore its other warnings."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.filterwarnings("error", category=UserWarning, module=r"PIL\.TiffImagePlugin")
        yield


def _pixels(picture: Image.Image, path: Path) -> np.ndarray:
    """Return uint8 `[H, W]` or `[H, W, 3]` for a Pillow image of any mode but floating point."""
    if picture.mode == "F":
        raise invalid_data(f"{path} has floating-point pixels of unknown range: save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise invalid_data(f"{path} has pixels from {deep.min()} to {deep.max()}: save it with 8 or 16 bits")
        return np.round(deep / 257).astype(np.uint8)
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        return np.asarray(Image.alpha_composite(black, picture.convert("RGBA")).convert("RGB"))
    return np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
