"""Metadata of images: JSON in a PNG chunk, a GIF comment or the Exif data of a WebP."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from inkwash.errors import InkwashError, UsageError
from inkwash.io.atomic import atomic
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parse_json

CHUNK = "inkwash"
_DESCRIPTION = 0x010E
"""Exif's ImageDescription, the only text field of a WebP file."""


def save_png(image: Image.Image, path: str | Path, metadata: dict[str, Any]) -> None:
    """Write `image` atomically as PNG with `metadata` as JSON in a text chunk named "inkwash".

    Raises `UsageError` when the name does not end in .png or the metadata are not JSON (NaN and arrays are not), and
    `InkwashError` when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"image '{path.name}' is not a PNG file: end its name in .png", code="wrong-file", field="out")
    room = embedded("PNG", metadata)
    with atomic(path) as temporary:
        image.save(temporary, format="PNG", optimize=True, **room)


def png_bytes(image: Image.Image) -> bytes:
    """Return `image` as the content of a PNG file without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def embedded(format: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the options of Pillow's `save` that embed `metadata` in a file of `format`: PNG, GIF or WEBP.

    Raises `UsageError` when the metadata are not JSON.
    """
    try:
        # GIF and WebP have no checksum of their own.
        text = json.dumps(with_checksum(metadata), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"metadata are not JSON: {error}", code="invalid-value", field="metadata") from error
    if format == "PNG":
        chunks = PngInfo()
        chunks.add_text(CHUNK, text)
        return {"pnginfo": chunks}
    if format == "GIF":
        return {"comment": f"{CHUNK} {text}".encode("ascii")}
    exif = Image.Exif()
    exif[_DESCRIPTION] = f"{CHUNK} {text}"
    return {"exif": exif}


def read_metadata(path: str | Path) -> dict[str, Any] | None:
    """Return the metadata of the image at `path`, or None when it was not written by inkwash.

    Raises `UsageError` when there is no such file or it is not an image, `InkwashError` when the metadata are damaged.
    """
    with _opened(path) as image:
        text = _metadata_text(image)
    if text is None:
        return None
    try:
        return verified(parse_json(text))
    except ValueError:
        raise InkwashError(f"the metadata of {path} are damaged: sample the image again", code="damaged-file") from None


def read_pixels(path: str | Path) -> NDArray[np.uint8]:
    """Return the image at `path` as uint8, [H, W] when the file is grey, else [H, W, 3].

    Of a film it is the first frame; transparent pixels become white, and 16 bits become 8.
    Raises `UsageError` when there is no such file or it is not an image.
    """
    with _opened(path) as image:
        if image.mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)
        grey = image.mode in ("1", "L", "LA")
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return np.array(image.convert("L" if grey else "RGB"))


def _metadata_text(image: Image.Image) -> str | None:
    if image.format == "PNG":
        text = image.info.get(CHUNK)
        return text if isinstance(text, str) else None
    comment = image.info.get("comment", b"")
    for field in (
        comment.decode("utf-8", "replace") if isinstance(comment, bytes) else comment,
        image.getexif().get(_DESCRIPTION),
    ):
        if isinstance(field, str) and field.startswith(f"{CHUNK} "):
            return field.removeprefix(f"{CHUNK} ")
    return None


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            image.load()
            yield image
    except FileNotFoundError as error:
        raise UsageError(f"no image at {path}: check the name", code="missing-file") from error
    except Image.DecompressionBombError as error:
        raise UsageError(
            f"{path} has too many pixels to be opened safely: make it smaller first", code="too-large"
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # Pillow raises any of these for a damaged file.
        raise UsageError(
            f"{path} cannot be read as an image: give PNG, JPEG, GIF or WebP", code="wrong-file"
        ) from error
