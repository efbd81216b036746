"""Films of denoising, the noisy image on the left and its prediction on the right, and of interpolations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageDraw

from inkwash.errors import UsageError
from inkwash.io.atomic import atomic
from inkwash.io.png_metadata import embedded
from inkwash.viz.grids import PixelArray, blank, evenly_spaced, grid, text_colour
from inkwash.viz.style import BACKGROUND, font

MAX_FRAMES = 60
_SHORTEST, _LONGEST = 0.02, 0.5
"""Seconds of a frame: browsers slow a GIF down below 0.02."""
FILM_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "quality": 100, "method": 4}),
    ".gif": ("GIF", {"optimize": False}),
}
"""For each suffix the name of the format in Pillow and its lossless options."""
T = TypeVar("T")


def film(
    frames: Iterable[tuple[PixelArray, PixelArray]],
    path: str | Path,
    scale: int | None = None,
    seconds: float = 4.0,
    columns: int | None = None,
    hold: float = 1.5,
    background: str = BACKGROUND,
    captions: tuple[str, str] = ("noisy image", "predicted image"),
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write `frames`, pairs (noisy, predicted) of uint8 images, as a film to `path`.

    Each of a pair is [N, H, W] or [N, H, W, C]. The suffix selects animated PNG (.png), lossless WebP (.webp) or GIF
    (.gif, colours rounded to 256, greys exact). At most 60 frames are shown, evenly chosen with both ends; together
    they last `seconds` (each at most half a second), then the last one stays for `hold` seconds. A line along the
    bottom shows the progress. `scale` makes small images about 84 pixels tall unless given; `columns` and `background`
    are those of `grid`; `metadata` is embedded in the file.
    Raises `UsageError` for another suffix, without a frame, or for a frame without images; then no file is written.
    """
    path = Path(path)
    _require_format(path)

    def side_by_side(pair: tuple[PixelArray, PixelArray]) -> Image.Image:
        noisy, clean = (
            grid(images, columns, scale or _default_scale(images), background=background) for images in pair
        )
        return _side_by_side(noisy, clean, captions, background)

    shown = thinned(frames, MAX_FRAMES, side_by_side)
    if not shown:
        raise UsageError(
            f"film {path.name} has no frame: sample with at least one step", code="invalid-data", field="frames"
        )
    for index, image in enumerate(shown):
        _draw_progress(image, (index + 1) / len(shown), background)
    each = _duration(seconds / len(shown))
    _write(shown, [each] * (len(shown) - 1) + [max(each, 10 * round(100 * hold))], path, metadata)


def looped_film(
    images: PixelArray,
    path: str | Path,
    scale: int | None = None,
    seconds: float = 4.0,
    background: str = BACKGROUND,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write `images` uint8 [N, H, W] or [N, H, W, C], one after the other and back again, as a film to `path`.

    They last `seconds` in each direction; the other arguments are those of `film`.
    Raises `UsageError` for another suffix, or without an image.
    """
    path = Path(path)
    _require_format(path)
    if not len(images):
        raise UsageError(f"film {path.name} has no image: sample at least one", code="invalid-data", field="images")
    forwards = [grid(each[None], 1, scale or _default_scale(images), gap=0, background=background) for each in images]
    loop = forwards + forwards[-2:0:-1]
    _write(loop, [_duration(seconds / len(forwards))] * len(loop), path, metadata)


def _require_format(path: Path) -> None:
    if path.suffix.lower() not in FILM_FORMATS:
        raise UsageError(
            f"film '{path.name}' has no known format: end its name in {', '.join(FILM_FORMATS)}",
            code="wrong-file",
            field="path",
        )


def _duration(seconds: float) -> int:
    """Return the duration of a frame in milliseconds, rounded to hundredths of a second and limited."""
    return 10 * round(100 * min(_LONGEST, max(_SHORTEST, seconds)))


def _write(images: list[Image.Image], durations: list[int], path: Path, metadata: dict[str, Any] | None) -> None:
    format, options = FILM_FORMATS[path.suffix.lower()]
    if metadata is not None:
        options = options | embedded(format, metadata)
    with atomic(path) as temporary:
        images[0].save(
            temporary,
            format=format,
            save_all=True,
            append_images=images[1:],
            duration=durations,
            loop=0,
            **options,
        )


def thinned(items: Iterable[T], limit: int, keep: Callable[[T], Any]) -> list[Any]:
    """Return `keep(item)` of at most `limit` of the `items`, evenly spaced, with both ends.

    The length of `items` is not needed, and at most 4·`limit` are in memory: when these are full, every other one is
    dropped, so that gaps differ by at most a factor of two.
    """
    stride, held = 1, []
    last: tuple[int, T] | None = None
    for index, item in enumerate(items):
        last = index, item
        if index % stride == 0:
            held.append(keep(item))
        if len(held) == 4 * limit:
            held, stride = held[::2], 2 * stride
    if last is not None and last[0] % stride:
        held.append(keep(last[1]))
    return [held[index] for index in evenly_spaced(len(held), limit)]


def _default_scale(images: PixelArray) -> int:
    """Return the enlargement that makes small images about 84 pixels tall, as 3 for 28 pixels."""
    return max(1, 84 // np.shape(images)[1]) if np.ndim(images) > 1 else 1


def _side_by_side(left: Image.Image, right: Image.Image, captions: tuple[str, str], background: str) -> Image.Image:
    """Return two images side by side under their captions, with space below for the line of progress."""
    letters = font(12)
    top, bottom, gutter = 20, 6, 10
    width = max(left.width, right.width, *(math.ceil(letters.getlength(text)) + 4 for text in captions))
    canvas = blank(2 * width + gutter, top + max(left.height, right.height) + bottom, background, left.mode == "L")
    pen, colour = ImageDraw.Draw(canvas), text_colour(background)
    for offset, image, caption in ((0, left, captions[0]), (width + gutter, right, captions[1])):
        canvas.paste(image, (offset + (width - image.width) // 2, top))
        pen.text((offset + width / 2, top - 4), caption, colour, letters, "ms")
    return canvas


def _draw_progress(image: Image.Image, fraction: float, background: str) -> None:
    end = 1 + fraction * (image.width - 3)
    ImageDraw.Draw(image).line((1, image.height - 3, end, image.height - 3), text_colour(background), 1)
