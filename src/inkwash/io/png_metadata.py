"""Pictures that carry their facts: what drew one is written inside it, so that it can be drawn again."""

from __future__ import annotations

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
from inkwash.io.limits import parsed_json

CHUNK = "inkwash"
_DESCRIPTION = 0x010E  # Exif's ImageDescription, the only plain text that a WebP file has room for


def save_png(image: Image.Image, path: str | Path, metadata: dict[str, Any]) -> None:
    """Write `image` as PNG with `spec` as JSON in a text chunk named "inkwash", whole or not at all.

    Raises `UsageError` when the name does not end in .png or the facts are not plain JSON (no NaN, no
    arrays), and `InkwashError` when the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"cannot keep the facts of a picture in '{path.name}': end its name in .png")
    room = embedded("PNG", metadata)
    with atomic(path) as temporary:
        image.save(temporary, format="PNG", optimize=True, **room)


def embedded(format: str, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the options with which Pillow's `save` writes `spec` into a file of `format`: PNG, GIF, WEBP.

    Raises `UsageError` when the facts are not plain JSON.
    """
    try:
        # only PNG has sums of its own
        text = json.dumps(with_checksum(metadata), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the facts of a picture must be plain JSON: {error}") from error
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
    """Return the facts inside the picture at `path`, or None when inkwash did not write it.

    Raises `UsageError` when there is no such file or it is not a picture, `InkwashError` when the facts are
    damaged.
    """
    with _opened(path) as image:
        text = _facts_text(image)
    if text is None:
        return None
    try:
        return verified(parsed_json(text))
    except ValueError:
        raise InkwashError(f"the facts inside {path} are damaged: draw the picture again") from None


def read_pixels(path: str | Path) -> NDArray[np.uint8]:
    """Return the picture at `path` as uint8, [H, W] when the file is grey, else [H, W, 3].

    Of a film it is the first frame; what is transparent becomes white and 16 bits become 8. Raises
    `UsageError` when there is no such file or it is not a picture.
    """
    with _opened(path) as image:
        if image.mode.startswith("I;16"):
            return (np.asarray(image) >> 8).astype(np.uint8)
        grey = image.mode in ("1", "L", "LA")
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return np.array(image.convert("L" if grey else "RGB"))


def _facts_text(image: Image.Image) -> str | None:
    if image.format == "PNG":
        text = image.info.get(CHUNK)
        return text if isinstance(text, str) else None
    comment = image.info.get("comment", b"")
    for remark in (
        comment.decode("utf-8", "replace") if isinstance(comment, bytes) else comment,
        image.getexif().get(_DESCRIPTION),
    ):
        if isinstance(remark, str) and remark.startswith(f"{CHUNK} "):
            return remark.removeprefix(f"{CHUNK} ")
    return None


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            image.load()
            yield image
    except FileNotFoundError as error:
        raise UsageError(f"no picture at {path}: check the name") from error
    except Image.DecompressionBombError as error:
        raise UsageError(f"{path} is too large a picture to open safely: make it smaller first") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # Pillow tells of a broken file by any of these
        raise UsageError(f"{path} is no picture that can be read: give PNG, JPEG, GIF or WebP") from error
