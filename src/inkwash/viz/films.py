"""Films of denoising, from noise to picture: the noisy image on the left, its prediction on the right."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageDraw

from inkwash.errors import UsageError, unknown_name
from inkwash.io.atomic import atomic
from inkwash.io.png_metadata import embedded
from inkwash.viz.grids import Pixels, grid, ink_for, paper
from inkwash.viz.style import PAPER, font

FRAMES = 60
_SHORTEST, _LONGEST = 0.02, 0.5  # seconds; browsers slow a GIF down below 0.02

# suffix -> Pillow's name of the format and the options that keep every pixel
FILM_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "quality": 100, "method": 4}),
    ".gif": ("GIF", {"optimize": False}),
}
T = TypeVar("T")


def film(
    frames: Iterable[tuple[Pixels, Pixels]],
    path: str | Path,
    scale: int | None = None,
    seconds: float = 4.0,
    columns: int | None = None,
    hold: float = 1.5,
    background: str = PAPER,
    captions: tuple[str, str] = ("noisy image", "predicted image"),
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write `frames`, pairs (noisy, predicted) of uint8 pictures, as a film to `path`.

    Each of a pair is [N, H, W] or [N, H, W, C]. The suffix chooses animated PNG (.png), lossless WebP (.webp)
    or GIF (.gif, colours rounded to 256, greys exact). Of more than 60 frames 60 are shown, evenly chosen,
    ends kept; together they last `seconds` (one at most half a second), then the last is held for `hold`
    seconds. A line along the bottom shows how far denoising has come. `scale` makes small pictures some 84
    pixels tall unless given; `columns` and `background` are those of `grid`; `spec` go into the file, for
    `read_facts`. Raises `UsageError` for another suffix, when there is no frame or a frame holds no
    pictures; no file is left behind when `frames` fails half-way.
    """
    path = Path(path)
    _require_format(path)

    def sheet(pair: tuple[Pixels, Pixels]) -> Image.Image:
        noisy, clean = (
            grid(pictures, columns, scale or _readable(pictures), background=background) for pictures in pair
        )
        return _side_by_side(noisy, clean, captions, background)

    sheets = evenly(frames, FRAMES, sheet)
    if not sheets:
        raise UsageError(f"no frame for the film {path.name}: sample with at least one step")
    for index, page in enumerate(sheets):
        _progress(page, (index + 1) / len(sheets), background)
    each = _lasting(seconds / len(sheets))
    _write(sheets, [each] * (len(sheets) - 1) + [max(each, 10 * round(100 * hold))], path, metadata)


def there_and_back(
    pictures: Pixels,
    path: str | Path,
    scale: int | None = None,
    seconds: float = 4.0,
    background: str = PAPER,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write `pictures` [N, H, W] or [N, H, W, C], one after the other, there and back, as a film to `path`.

    They last `seconds` one way; the rest is as in `film`. Raises `UsageError` for another suffix, or without a picture.
    """
    path = Path(path)
    _require_format(path)
    if not len(pictures):
        raise UsageError(f"no picture for the film {path.name}: draw at least one")
    sheets = [
        grid(picture[None], 1, scale or _readable(pictures), gap=0, background=background) for picture in pictures
    ]
    loop = sheets + sheets[-2:0:-1]
    _write(loop, [_lasting(seconds / len(sheets))] * len(loop), path, metadata)


def _require_format(path: Path) -> None:
    if path.suffix.lower() not in FILM_FORMATS:
        raise unknown_name("film format", path.suffix or path.name, FILM_FORMATS)


def _lasting(seconds: float) -> int:
    """Return how long one frame is shown, in whole hundredths of a second, as milliseconds."""
    return 10 * round(100 * min(_LONGEST, max(_SHORTEST, seconds)))


def _write(sheets: list[Image.Image], durations: list[int], path: Path, metadata: dict[str, Any] | None) -> None:
    format, options = FILM_FORMATS[path.suffix.lower()]
    if metadata is not None:
        options = options | embedded(format, metadata)
    with atomic(path) as temporary:
        sheets[0].save(
            temporary,
            format=format,
            save_all=True,
            append_images=sheets[1:],
            duration=durations,
            loop=0,
            **options,
        )


def evenly(items: Iterable[T], limit: int, keep: Callable[[T], Any]) -> list[Any]:
    """Return `keep(item)` of at most `limit` of the `items`, spread evenly, the ends among them.

    The length of `items` need not be known and no more than 4·`limit` are held: when they are full, every
    other one goes, so that neighbours are at most twice as far apart in one place as in another.
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
    count = min(limit, len(held))
    return [held[round(index * (len(held) - 1) / max(1, count - 1))] for index in range(count)]


def _readable(pictures: Pixels) -> int:
    """Return the enlargement that makes small pictures some 84 pixels tall, 28 pixels three times."""
    return max(1, 84 // np.shape(pictures)[1]) if np.ndim(pictures) > 1 else 1


def _side_by_side(left: Image.Image, right: Image.Image, captions: tuple[str, str], background: str) -> Image.Image:
    """Return the two sheets side by side under their captions, with room below for the progress."""
    letters = font(12)
    top, bottom, gutter = 20, 6, 10
    width = max(left.width, right.width, *(math.ceil(letters.getlength(text)) + 4 for text in captions))
    page = paper(2 * width + gutter, top + max(left.height, right.height) + bottom, background, left.mode == "L")
    pen, colour = ImageDraw.Draw(page), ink_for(page, background)
    for offset, sheet, caption in ((0, left, captions[0]), (width + gutter, right, captions[1])):
        page.paste(sheet, (offset + (width - sheet.width) // 2, top))
        pen.text((offset + width / 2, top - 4), caption, colour, letters, "ms")
    return page


def _progress(page: Image.Image, share: float, background: str) -> None:
    end = 1 + share * (page.width - 3)
    ImageDraw.Draw(page).line((1, page.height - 3, end, page.height - 3), ink_for(page, background), 1)
