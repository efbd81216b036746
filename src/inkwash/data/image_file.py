"""One picture file of any format, depth and palette as uint8 pixels, grey or colour.

- Grey is what has equal channels.
- Transparency is composited on black, 0, which is also MNIST's background.
- 16-bit pictures are divided by 257 and rounded; EXIF rotation is applied; animations give one frame.
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

from inkwash.data.compressed import read_bytes
from inkwash.data.pixels import resize
from inkwash.errors import InkwashError, reason

# what Pillow logs of a damaged file is said by the error, in one line
logging.getLogger("PIL").addHandler(logging.NullHandler())

# what Pillow raises for files that are damaged, of unknown format, or too large to be a picture
UNREADABLE = (
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


def read(path: Path, size: int | None = None) -> Tensor:
    """Return the picture at `path`, uint8 `[C, H, W]`: C = 1 if it is grey, else 3; with `size` as that many pixels square.

    Raises `InkwashError` for a file that is missing, damaged or no picture.
    """
    try:
        with _doubted(), Image.open(io.BytesIO(read_bytes(path))) as picture:
            pixels = _pixels(ImageOps.exif_transpose(picture), path)
    except UNREADABLE as error:
        cause = "unknown format" if isinstance(error, UnidentifiedImageError) else reason(error)
        raise InkwashError(f"{path} cannot be read as a picture ({cause}): replace or remove it") from error
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    image = torch.from_numpy(np.array(pixels if pixels.ndim == 3 else pixels[..., None])).permute(2, 0, 1)
    return image if size is None else resize(image[None], size)[0]


@contextmanager
def _doubted() -> Iterator[None]:
    """Make errors of what Pillow only warns of, that parts of a TIFF cannot be read; its other warnings are of form."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.filterwarnings("error", category=UserWarning, module=r"PIL\.TiffImagePlugin")
        yield


def _pixels(picture: Image.Image, path: Path) -> np.ndarray:
    """Return uint8 `[H, W]` or `[H, W, 3]` for a Pillow picture of any mode but floating point."""
    if picture.mode == "F":
        raise InkwashError(f"{path} has floating-point pixels, whose range is a guess: save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        if deep.min() < 0 or deep.max() > 65535:
            raise InkwashError(f"{path} has pixels from {deep.min()} to {deep.max()}: save it with 8 or 16 bits")
        return np.round(deep / 257).astype(np.uint8)
    if picture.has_transparency_data:
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        return np.asarray(Image.alpha_composite(black, picture.convert("RGBA")).convert("RGB"))
    return np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
