"""Arrays of any layout and type of number as uint8 pixels `[N, C, H, W]`, or as points.

- Images are `[N, H, W]`, `[N, H, W, C]`, `[N, C, H, W]`, or flat `[N, H * W]` of square grey images.
- Pixels are 0 to 255 in any type of integer, or bool, or numbers of a declared range. Floats without one are refused.
- Colour images whose channels are all equal are grey, as in a folder of images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkwash.data import memory_map
from inkwash.data.reading import invalid_data
from inkwash.errors import UsageError
from inkwash.io.arguments import number, wrong_type

ValueRange = tuple[float, float]
"""The values of black and of white."""
CHANNELS = (1, 3)
MAX_OVERSHOOT = 0.5
"""Grey levels of 255 by which a value may be outside the declared range: more is another range."""
COMMON_RANGES: tuple[ValueRange, ...] = ((0, 1), (-1, 1), (0, 255), (0, 65535))
MIN_SIDE = 4
"""Pixels to a side of flat images: fewer values in a row are a table of numbers."""

Array = np.ndarray[Any, Any]


def require_range(value_range: ValueRange | None) -> None:
    """Raise `UsageError` unless the values of black and white are finite, and black is below white."""
    if value_range is None:
        return
    if not isinstance(value_range, tuple | list) or len(value_range) != 2:
        raise wrong_type("range", value_range, "the values of black and white, as in (0, 1)")
    value_range = number("range", value_range[0]), number("range", value_range[1])
    if not (all(map(math.isfinite, value_range)) and value_range[0] < value_range[1]):
        raise UsageError(
            f"the range is {value_range[0]:g} {value_range[1]:g}: give the values of black and white, as in 0 1",
            code="out-of-range",
            field="range",
        )


def to_values(array: Array, what: str, value_range: ValueRange | None = None, channels_first: bool = False) -> Tensor:
    """Return pixels uint8 `[N, C, H, W]`, or points float32 `[N, 2]` of floats `[N, 2]` without a range.

    `what` names the array in errors; `channels_first` decides where both `[N, C, H, W]` and `[N, H, W, C]` fit. Raises
    `InkwashError` for any other shape, for values that are not finite, and for values of unknown range.
    """
    if array.size == 0:
        raise invalid_data(f"{what} is empty ({_described(array)}): save uint8 [N, H, W] or [N, H, W, C]")
    if value_range is None and array.dtype.kind == "f" and array.ndim == 2 and array.shape[1] == 2:
        return _points(array, what)
    # The type first: it says more about an array that is something else.
    scale = _scale(array, what, value_range)
    arranged = _arranged(array, what, channels_first)
    # torch has no negative strides, as of images[::-1].
    stored = arranged if min(arranged.strides) >= 0 else arranged.copy()
    return memory_map.as_tensor(stored if scale is None else _scaled(arranged, scale))


def same_channels(parts: Sequence[Tensor]) -> list[Tensor]:
    """Return the parts of a data set, uint8 `[N, C, H, W]`, with one channel if all images are grey, else with three."""
    if all(len(part.shape) == 4 and _is_grey(part) for part in parts):
        return [part[:, :1] for part in parts]
    most = max(part.shape[1] for part in parts)
    return [part.expand(-1, most, -1, -1) if part.ndim == 4 and part.shape[1] == 1 else part for part in parts]


def _is_grey(pixels: Tensor) -> bool:
    return pixels.shape[1] == 1 or all(bool((some == some[:, :1]).all()) for some in memory_map.split_chunks(pixels))


def _points(array: Array, what: str) -> Tensor:
    if not np.isfinite(array).all():
        raise invalid_data(f"{what} has points that are not finite: drop the rows with NaN or infinity")
    if np.abs(array).max() > np.finfo(np.float32).max:
        raise invalid_data(f"{what} has points up to {np.abs(array).max():.3g}, beyond float32: scale them down")
    return torch.from_numpy(array.astype(np.float32))


def _scale(array: Array, what: str, value_range: ValueRange | None) -> ValueRange | None:
    """Return the values of black and white of `array`, None where it is used as stored."""
    if array.dtype == np.uint8 and value_range is None:
        return None
    if array.dtype.kind == "b":
        return 0, 1
    found = _described(array)
    if array.dtype.kind not in "fiu":
        raise invalid_data(f"{what} is {found}, not numbers: save pixels as uint8 from 0 to 255")
    low, high = _extremes(array)
    if not math.isfinite(low) or not math.isfinite(high):
        raise invalid_data(f"{what} is {found} and holds NaN or infinity: find where they come from")
    if value_range is not None:
        black, white = value_range
        slack = MAX_OVERSHOOT * (white - black) / 255
        if low < black - slack or high > white + slack:
            raise invalid_data(
                f"{what} goes from {low:.4g} to {high:.4g}, beyond --range {black:g} {white:g}: give the range of these "
                "values, or clip them",
                "range",
            )
        return value_range
    if array.dtype.kind in "iu" and low >= 0 and 1 < high <= 255:
        return 0, 255
    fits = next((each for each in COMMON_RANGES if each[0] <= low and high <= each[1]), None)
    hint = f"--range {fits[0]:g} {fits[1]:g}" if fits else "--range BLACK WHITE"
    raise invalid_data(
        f"{what} is {found}, from {low:.4g} to {high:.4g}, but pixels are uint8 from 0 to 255 (and points float [N, 2]): "
        f"which values are black and white is unknown; declare them, perhaps as {hint} (in Python data__range=…), or save "
        ".astype(numpy.uint8)",
        "range",
    )


def _arranged(array: Array, what: str, channels_first: bool) -> Array:
    """Return a view `[N, C, H, W]` of the images."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim == 4:
        first, last = (array.shape[axis] in CHANNELS for axis in (1, 3))
        if first and (channels_first or not last):
            return array
        if last:
            return array.transpose(0, 3, 1, 2)
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        # A square array is rather a single image.
        if side >= MIN_SIDE and side**2 == array.shape[1] != len(array):
            return array.reshape(len(array), 1, side, side)
    raise invalid_data(f"{what} is {_described(array)}: save [N, H, W], [N, H, W, 1 or 3] or flat squares [N, H * W]")


def _scaled(array: Array, value_range: ValueRange) -> Array:
    """Return pixels uint8 of numbers in `value_range`, rounded to the nearest."""
    black, white = value_range
    pixels = np.empty(array.shape, np.uint8)
    for k, some in _chunks(array):
        level = (some.astype(np.float64) - black) * (255 / (white - black))
        pixels[k : k + len(some)] = np.clip(np.rint(level), 0, 255)
    return pixels


def _extremes(array: Array) -> tuple[float, float]:
    """Return the lowest and the highest value, NaN if any value is."""
    edges = [(float(some.min()), float(some.max())) for _, some in _chunks(array)]
    lows, highs = zip(*edges, strict=True)
    return float(np.min(lows)), float(np.max(highs))


def _chunks(array: Array) -> Iterator[tuple[int, Array]]:
    rows = max(1, memory_map.CHUNK_BYTES // max(1, array[:1].nbytes))
    return ((k, array[k : k + rows]) for k in range(0, len(array), rows))


def _described(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}"
