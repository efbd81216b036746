"""Read an image file of any format, depth and palette as uint8 pixels, grey or colour.

- An image with equal channels is grey.
- Transparency is composited on black, the background of MNIST, or on white where the ink is as dark as black.
- 16-bit images are divided by 257 and rounded, those that hold 0 to 255 are not.
- EXIF rotation is applied; of animations the first frame is read, and a data folder has a warning that names them.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from inkwash.data.pixels import resize
from inkwash.data.reading import damaged_file, invalid_data, read_bytes
from inkwash.errors import InkwashError, first_line

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


ANIMATED = frozenset({".gif", ".webp", ".png", ".apng", ".avif", ".tif", ".tiff"})
"""Suffixes of formats that may have several frames."""
DARK_INK = 64
"""Mean grey level of opaque pixels below which they would not be seen on black."""
DEEP_WHITE = 65_535
"""The largest value of 16-bit images."""
MAX_EXAMPLES = 50
"""Files of a folder that decide on the background of all."""


def read(
    path: Path,
    size: int | None = None,
    remedy: str = "give another file",
    background: int | None = None,
    white: int | None = None,
) -> Tensor:
    """Return the image at `path`, uint8 `[C, H, W]`: C = 1 if it is grey, else 3; with `size`, resized to that square.

    `background` is the grey level behind transparency, by default that on which the ink of this image is seen, and `white` that
    of 16-bit images, by default 255 where they hold no more, else 65,535.
    Raises `InkwashError` for a file that is missing, damaged or not an image; `remedy` is the end of its message.
    """
    return decode(read_bytes(path), path, size, remedy, background, white)


def decode(
    raw: bytes,
    where: str | Path,
    size: int | None = None,
    remedy: str = "leave it out",
    background: int | None = None,
    white: int | None = None,
) -> Tensor:
    """Return the image in the bytes of a file as `read` does; `where` names it in errors."""
    try:
        with _strict_warnings(), Image.open(io.BytesIO(raw)) as picture:
            pixels = picture_array(picture, where, background, white)
    except READ_ERRORS as error:
        cause = "unknown format" if isinstance(error, UnidentifiedImageError) else first_line(error)
        raise damaged_file(f"{where} cannot be read as an image ({cause}): {remedy}") from error
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    image = torch.from_numpy(np.array(pixels if pixels.ndim == 3 else pixels[..., None])).permute(2, 0, 1)
    return image if size is None else resize(image[None], size)[0]


def common_background(paths: Sequence[Path]) -> int:
    """Return the grey level behind transparency on which the ink of these images is seen: 255 if it is dark, else 0.

    At most 50 of the files are examined, and those that cannot be read are ignored: the images of a folder get one
    background.
    """
    opacity = brightness = 0.0
    for path in paths[:: -(-len(paths) // MAX_EXAMPLES) or 1]:
        with suppress(*READ_ERRORS, InkwashError), _strict_warnings(), Image.open(path) as picture:
            if picture.has_transparency_data:
                weight, grey = _ink(picture)
                opacity, brightness = opacity + weight, brightness + weight * grey
    return 255 if opacity and brightness / opacity < DARK_INK else 0


def animations(paths: Sequence[Path]) -> list[Path]:
    """Return the files with several frames, of which only the first is read; those that cannot be read are ignored."""
    found = []
    for path in paths:
        if path.suffix.lower() in ANIMATED:
            with suppress(*READ_ERRORS, InkwashError), _strict_warnings(), Image.open(path) as picture:
                if getattr(picture, "is_animated", False):
                    found.append(path)
    return found


def common_white(paths: Sequence[Path]) -> int:
    """Return the white of the 16-bit images among these: 255 if the brightest of at most 50 files is 2 to 255, else 65,535."""
    brightest = 0
    for path in paths[:: -(-len(paths) // MAX_EXAMPLES) or 1]:
        with suppress(*READ_ERRORS, InkwashError), _strict_warnings(), Image.open(path) as picture:
            if not picture.mode.startswith("I"):
                return DEEP_WHITE
            brightest = max(brightest, int(np.asarray(picture).max()))
    return 255 if 1 < brightest <= 255 else DEEP_WHITE


def _ink(picture: Image.Image) -> tuple[float, float]:
    """Return the sum of the opacity of all pixels, in pixels, and their mean grey level weighted by it."""
    grey, alpha = (np.asarray(part, dtype=np.float64) for part in picture.convert("RGBA").convert("LA").split())
    weight = float(alpha.sum()) / 255
    return weight, float((grey * alpha).sum()) / 255 / weight if weight else 0.0


@contextmanager
def _strict_warnings() -> Iterator[None]:
    """Turn the warning of Pillow that parts of a TIFF cannot be read into an error, and ignore its other warnings."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.filterwarnings("error", category=UserWarning, module=r"PIL\.TiffImagePlugin")
        yield


def picture_array(
    picture: Image.Image, where: str | Path, background: int | None = None, white: int | None = None
) -> np.ndarray:
    """Return uint8 `[H, W]` or `[H, W, 3]` for a Pillow image of any mode but floating point; `where` names it in errors."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "F":
        raise invalid_data(f"{where} has floating-point pixels of unknown range: save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64)
        if deep.min() < 0 or deep.max() > DEEP_WHITE:
            raise invalid_data(f"{where} has pixels from {deep.min()} to {deep.max()}: save it with 8 or 16 bits")
        white = white or (255 if 1 < deep.max() <= 255 else DEEP_WHITE)
        if deep.max() > white:
            raise invalid_data(
                f"{where} has pixels up to {deep.max()}, but the other 16-bit files hold 0 to 255: save all with 8 bits"
            )
        return np.round(deep / (white / 255)).astype(np.uint8)
    if picture.has_transparency_data:
        if background is None:
            weight, grey = _ink(picture)
            background = 255 if weight and grey < DARK_INK else 0
        behind = Image.new("RGBA", picture.size, (background, background, background, 255))
        return np.asarray(Image.alpha_composite(behind, picture.convert("RGBA")).convert("RGB"))
    return np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
