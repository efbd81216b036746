"""Pictures laid out on a sheet of paper: a grid of samples, and strips of denoising from noise to picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from inkwash.errors import UsageError
from inkwash.viz.style import INK, PAPER, font

Pixels = NDArray[np.uint8]


def grid(
    pictures: Pixels,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 2,
    background: str = PAPER,
    labels: Sequence[str] | None = None,
) -> Image.Image:
    """Return `pictures`, uint8 [N, H, W] or [N, H, W, C] with C 1 or 3, row by row on one sheet.

    `columns` is near the square root of N unless given; `scale` enlarges every pixel to a crisp square of
    `scale` by `scale`; `gap` is the paper around each picture in pixels of the sheet; `background` any colour
    that Pillow knows; `labels` are captions, one a row. Grey pictures on grey paper give a grey ("L") sheet,
    others "RGB". Raises `UsageError` for an empty array, another shape or type, or a wrong number of
    captions.
    """
    tiles = enlarged(pictures, scale)
    if columns is not None and columns < 1:
        raise UsageError(f"a grid of {columns} columns has no place for a picture: give a whole number from 1")
    columns = min(len(tiles), columns or math.ceil(math.sqrt(len(tiles))))
    rows = math.ceil(len(tiles) / columns)
    cells = {(index // columns, index % columns): tile for index, tile in enumerate(tiles)}
    return _sheet(cells, rows, columns, gap, background, labels, None)


def strip(
    steps: Sequence[Pixels],
    header: Sequence[str] | None = None,
    scale: int = 1,
    gap: int = 2,
    background: str = PAPER,
    labels: Sequence[str] | None = None,
) -> Image.Image:
    """Return T `steps` of denoising, each uint8 [N, H, W] or [N, H, W, C], as N rows with time to the right.

    `header` is one caption a step, for example its noise level; where captions would touch, evenly spaced
    ones are drawn and the others left out. `labels` are captions, one a row; the rest is as for `grid`.
    Raises `UsageError` when there are no steps, when they differ in shape, or for a wrong number of captions.
    """
    shapes = {np.shape(step) for step in steps}
    if len(shapes) != 1:
        raise UsageError(f"a strip needs steps of one shape, not {sorted(shapes) or 'none'}")
    moments = [enlarged(step, scale) for step in steps]
    cells = {(row, time): tile for time, tiles in enumerate(moments) for row, tile in enumerate(tiles)}
    return _sheet(cells, len(moments[0]), len(moments), gap, background, labels, header)


def enlarged(pictures: Pixels, scale: int) -> Pixels:
    """Return uint8 pictures [N, H, W] or [N, H, W, C] as [N, H·scale, W·scale, C], each pixel a crisp square.

    Raises `UsageError` when the array is empty, is not uint8 pictures of 1 or 3 channels, or `scale` is below
    1.
    """
    pictures = np.asarray(pictures)
    if pictures.ndim == 3:
        pictures = pictures[..., None]
    if pictures.ndim != 4 or pictures.shape[-1] not in (1, 3) or pictures.dtype != np.uint8:
        raise UsageError(
            f"pictures are uint8 [N, H, W] or [N, H, W, 1 or 3], not {pictures.dtype} {list(pictures.shape)}"
        )
    if not pictures.size:
        raise UsageError("there are no pictures to lay out: ask for at least one")
    if scale < 1:
        raise UsageError(f"scale {scale} would leave nothing of a picture: give a whole number from 1")
    return pictures.repeat(scale, axis=1).repeat(scale, axis=2)


def paper(width: int, height: int, background: str, grey: bool) -> Image.Image:
    """Return an empty sheet in `background`, "L" when `grey` and the colour is a grey, else "RGB".

    Raises `UsageError` for a colour that Pillow does not know.
    """
    try:
        red, green, blue = ImageColor.getcolor(background, "RGB")  # type: ignore[misc]
    except ValueError as error:
        raise UsageError(f"unknown colour '{background}': give a name, 'white', or a code, #fafafa") from error
    if grey and red == green == blue:
        return Image.new("L", (width, height), red)
    return Image.new("RGB", (width, height), (red, green, blue))


def ink_for(sheet: Image.Image, background: str) -> str:
    """Return the caption colour that can be read on `background`: ink on light paper, paper on dark."""
    lightness = ImageColor.getcolor(background, "L")
    return INK if isinstance(lightness, int) and lightness > 127 else PAPER


def _sheet(
    cells: dict[tuple[int, int], Pixels],
    rows: int,
    columns: int,
    gap: int,
    background: str,
    labels: Sequence[str] | None,
    header: Sequence[str] | None,
) -> Image.Image:
    for captions, wanted, what in ((labels, rows, "rows"), (header, columns, "columns")):
        if captions is not None and len(captions) != wanted:
            raise UsageError(f"{len(captions)} captions for {wanted} {what}: give one each")
    height, width, channels = next(iter(cells.values())).shape
    letters = font(min(16, max(10, height // 4)))
    left = math.ceil(max(letters.getlength(text) for text in labels)) + 6 if labels else 0
    top = math.ceil(letters.getbbox("Ag")[3]) + 4 if header else 0

    # half of a caption may stand out at either end of the line
    out = max(0, math.ceil((max(letters.getlength(text) for text in header) - width) / 2) + 2 - gap) if header else 0
    left = max(left, out)

    def corner(row: int, column: int) -> tuple[int, int]:
        return left + gap + column * (width + gap), top + gap + row * (height + gap)

    # the corner past the last cell is the size of the sheet
    right, bottom = corner(rows, columns)
    sheet = paper(right + out, bottom, background, grey=channels == 1)
    for place, tile in cells.items():
        sheet.paste(Image.fromarray(tile[..., 0] if channels == 1 else tile), corner(*place))

    pen, colour = ImageDraw.Draw(sheet), ink_for(sheet, background)
    for row, text in enumerate(labels or ()):
        pen.text((left - 2, corner(row, 0)[1] + height / 2), text, colour, letters, "rm")
    if header:
        apart = math.ceil((max(letters.getlength(text) for text in header) + 4) / (width + gap))
        for column in range(columns - 1, -1, -apart):
            pen.text((corner(0, column)[0] + width / 2, top - 2), header[column], colour, letters, "md")
    return sheet
