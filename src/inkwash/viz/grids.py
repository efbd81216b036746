"""Grids of images, and strips of denoising steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from inkwash.errors import UsageError
from inkwash.viz.style import BACKGROUND, FOREGROUND, font

PixelArray = NDArray[np.uint8]


def grid(
    images: PixelArray,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 2,
    background: str = BACKGROUND,
    labels: Sequence[str] | None = None,
) -> Image.Image:
    """Return a grid of `images`, uint8 [N, H, W] or [N, H, W, C] with C 1 or 3, row by row.

    `columns` is near the square root of N unless given; `scale` enlarges every pixel to a square of `scale` by `scale`
    pixels; `gap` is the space around each image in pixels; `background` any colour of Pillow; `labels` are captions,
    one per row. Grey images on a grey background give mode "L", others "RGB".
    Raises `UsageError` for an empty array, another shape or type, or a wrong number of captions.
    """
    tiles = enlarged(images, scale)
    if columns is not None and columns < 1:
        raise UsageError(f"columns is {columns}: it must be at least 1", code="out-of-range", field="columns")
    columns = min(len(tiles), columns or math.ceil(math.sqrt(len(tiles))))
    rows = math.ceil(len(tiles) / columns)
    cells = {(index // columns, index % columns): tile for index, tile in enumerate(tiles)}
    return _laid_out(cells, rows, columns, gap, background, labels, None)


def strip(
    steps: Sequence[PixelArray],
    header: Sequence[str] | None = None,
    scale: int = 1,
    gap: int = 2,
    background: str = BACKGROUND,
    labels: Sequence[str] | None = None,
) -> Image.Image:
    """Return T `steps` of denoising, each uint8 [N, H, W] or [N, H, W, C], as N rows with the steps from left to right.

    `header` is one caption per step, for example its noise level; where captions would overlap, only some are shown,
    evenly spaced. `labels` are captions, one per row; the other arguments are those of `grid`.
    Raises `UsageError` when there are no steps, when they differ in shape, or for a wrong number of captions.
    """
    shapes = {np.shape(step) for step in steps}
    if len(shapes) != 1:
        raise UsageError(
            f"a strip needs steps of one shape, not {sorted(shapes) or 'none'}", code="invalid-data", field="steps"
        )
    tiles = [enlarged(step, scale) for step in steps]
    cells = {(row, column): tile for column, rows in enumerate(tiles) for row, tile in enumerate(rows)}
    return _laid_out(cells, len(tiles[0]), len(tiles), gap, background, labels, header)


def enlarged(images: PixelArray, scale: int) -> PixelArray:
    """Return uint8 images [N, H, W] or [N, H, W, C] as [N, H·scale, W·scale, C], by repeating pixels.

    Raises `UsageError` when the array is empty, is not uint8 images of 1 or 3 channels, or `scale` is below 1.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
        raise UsageError(
            f"images are {images.dtype} {list(images.shape)}: give uint8 [N, H, W] or [N, H, W, 1 or 3]",
            code="invalid-data",
            field="images",
        )
    if not images.size:
        raise UsageError("the array of images is empty: give at least one", code="invalid-data", field="images")
    if scale < 1:
        raise UsageError(f"scale is {scale}: it must be at least 1", code="out-of-range", field="scale")
    return images.repeat(scale, axis=1).repeat(scale, axis=2)


def blank(width: int, height: int, background: str, grey: bool) -> Image.Image:
    """Return an image filled with `background`, of mode "L" when `grey` and the colour is a grey, else "RGB".

    Raises `UsageError` for a name that is no colour of Pillow.
    """
    try:
        red, green, blue = ImageColor.getcolor(background, "RGB")  # type: ignore[misc]
    except ValueError as error:
        raise UsageError(
            f"unknown colour '{background}': give a name, 'white', or a code, #fafafa",
            code="unknown-name",
            field="background",
        ) from error
    if grey and red == green == blue:
        return Image.new("L", (width, height), red)
    return Image.new("RGB", (width, height), (red, green, blue))


def evenly_spaced(total: int, count: int) -> list[int]:
    """Return at most `count` of the indices 0 to `total` - 1, evenly spaced, with both ends."""
    count = min(total, count)
    return [round(index * (total - 1) / max(1, count - 1)) for index in range(count)]


def text_colour(background: str) -> str:
    """Return the colour of captions on `background`: dark on a light one, light on a dark one."""
    lightness = ImageColor.getcolor(background, "L")
    return FOREGROUND if isinstance(lightness, int) and lightness > 127 else BACKGROUND


def _laid_out(
    cells: dict[tuple[int, int], PixelArray],
    rows: int,
    columns: int,
    gap: int,
    background: str,
    labels: Sequence[str] | None,
    header: Sequence[str] | None,
) -> Image.Image:
    for field, captions, wanted in (("labels", labels, rows), ("header", header, columns)):
        if captions is not None and len(captions) != wanted:
            raise UsageError(
                f"{field} has {len(captions)} captions for {wanted}: give one each", code="invalid-data", field=field
            )
    height, width, channels = next(iter(cells.values())).shape
    letters = font(min(16, max(10, height // 4)))
    left = math.ceil(max(letters.getlength(text) for text in labels)) + 6 if labels else 0
    top = math.ceil(letters.getbbox("Ag")[3]) + 4 if header else 0

    # Half of a caption may extend beyond the first and the last column.
    out = max(0, math.ceil((max(letters.getlength(text) for text in header) - width) / 2) + 2 - gap) if header else 0
    left = max(left, out)

    def corner(row: int, column: int) -> tuple[int, int]:
        return left + gap + column * (width + gap), top + gap + row * (height + gap)

    # The corner after the last cell is the size of the image.
    right, bottom = corner(rows, columns)
    image = blank(right + out, bottom, background, grey=channels == 1)
    for place, tile in cells.items():
        image.paste(Image.fromarray(tile[..., 0] if channels == 1 else tile), corner(*place))

    pen, colour = ImageDraw.Draw(image), text_colour(background)
    for row, text in enumerate(labels or ()):
        pen.text((left - 2, corner(row, 0)[1] + height / 2), text, colour, letters, "rm")
    if header:
        apart = math.ceil((max(letters.getlength(text) for text in header) + 4) / (width + gap))
        for column in range(columns - 1, -1, -apart):
            pen.text((corner(0, column)[0] + width / 2, top - 2), header[column], colour, letters, "md")
    return image
