"""Points in the plane: scatter plots as images, and vector fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageColor

from inkwash.errors import UsageError
from inkwash.viz.style import BACKGROUND, COLOURS, figure, save, set_labels

Limits = tuple[float, float, float, float]


def scatter(
    points: ArrayLike,
    limits: Limits | None = None,
    size: int = 256,
    labels: ArrayLike | None = None,
    radius: float = 1.5,
    ink: float = 0.6,
) -> Image.Image:
    """Return `points`, float [N, 2], as anti-aliased dots on an RGB image `size` pixels wide, y upwards.

    `limits` is (left, right, bottom, top) in the units of the points, by default the square around them; points
    outside and non-finite ones are left out. `labels`, int [N], select colours; `radius` is in pixels. Each dot
    absorbs up to the fraction `ink` of the light, so that the order of overlapping dots does not matter
    (Beer-Lambert law). Raises `UsageError` for points of another shape, labels of another length or limits without area.
    """
    places = _checked(points)
    kinds = np.zeros(len(places), dtype=np.int64) if labels is None else np.asarray(labels, dtype=np.int64)
    if len(kinds) != len(places):
        raise UsageError(
            f"labels are {len(kinds)} for {len(places)} points: give one for each", code="invalid-data", field="labels"
        )
    return Image.fromarray(_splatted(places, limits or square_around(places), size, kinds, radius, ink))


def scatter_images(
    steps: Sequence[ArrayLike],
    limits: Limits | None = None,
    size: int = 256,
    labels: ArrayLike | None = None,
    radius: float = 1.5,
    ink: float = 0.6,
) -> NDArray[np.uint8]:
    """Return a scatter of each of T `steps`, float [N, 2], in the same limits, as uint8 [T, H, W, 3].

    `limits` is by default the square around the last step, where denoising ends; points outside are left out.
    Raises `UsageError` as `scatter` does and when there are no steps.
    """
    if not len(steps):
        raise UsageError("the list of steps is empty: give at least one", code="invalid-data", field="steps")
    window = limits or square_around(steps[-1])
    return np.stack([np.asarray(scatter(p, window, size, labels, radius, ink)) for p in steps])


def square_around(points: ArrayLike, margin: float = 0.15) -> Limits:
    """Return the limits (left, right, bottom, top) of a square around `points`, float [N, 2].

    `margin` is the fraction of its side that is added on each side. Non-finite points are ignored; the side is 2 when
    no point is finite or all are equal.
    """
    places = _checked(points)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return -1.0, 1.0, -1.0, 1.0
    low, high = places.min(axis=0), places.max(axis=0)
    x, y = (low + high) / 2
    half = float((high - low).max() / 2 * (1 + 2 * margin)) or 1.0
    return float(x) - half, float(x) + half, float(y) - half, float(y) + half


def vector_field(
    path: str | Path,
    function: Callable[[NDArray[np.float64]], ArrayLike],
    limits: Limits,
    points: ArrayLike | None = None,
    arrows: int = 24,
    title: str = "Vector field",
) -> None:
    """Plot the vectors of `function`, float [M, 2] to [M, 2], on a lattice of `arrows` by `arrows`, to `path`.

    `limits` is (left, right, bottom, top). The longest arrow spans one cell of the lattice, and the title contains its
    length; `points`, float [N, 2], are plotted below. Raises `UsageError` when the function returns another shape or
    no finite vector, or when the limits have no area.
    """
    left, right, bottom, top = _window(limits)
    across, up = np.linspace(left, right, arrows), np.linspace(bottom, top, arrows)
    feet = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    moves = np.asarray(function(feet), dtype=np.float64)
    if moves.shape != feet.shape:
        raise UsageError(
            f"the vector field returned {list(moves.shape)} for {list(feet.shape)}: return one vector for each point",
            code="invalid-data",
            field="function",
        )
    lengths = np.linalg.norm(moves, axis=1)
    sound = np.isfinite(lengths)
    if not sound.any():
        raise UsageError(
            f"the field has no finite vector for {Path(path).name}: choose limits where it is defined",
            code="invalid-data",
            field="function",
        )
    longest = float(lengths[sound].max()) or 1.0
    cell = max(right - left, top - bottom) / (arrows - 1)
    shown = moves[sound] / longest * cell

    fig, (ax,) = figure(width=5.6, height=5.6 * (top - bottom) / (right - left) + 0.5)
    if points is not None:
        ax.plot(*_checked(points).T, ".", color=COLOURS[1], markersize=2, alpha=0.5, zorder=1)
    ax.quiver(
        *feet[sound].T,
        *shown.T,
        angles="xy",
        scale_units="xy",
        scale=1,
        color=COLOURS[0],
        width=0.003,
        zorder=2,
    )
    ax.set_aspect("equal")
    ax.set_xlim(left - cell / 2, right + cell / 2)
    ax.set_ylim(bottom - cell / 2, top + cell / 2)
    set_labels(ax, f"{title} (longest arrow: {longest:.3g})")
    save(fig, path)


def _checked(points: ArrayLike) -> NDArray[np.float64]:
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise UsageError(f"points are {list(places.shape)}: give [N, 2]", code="invalid-data", field="points")
    return places


def _window(limits: Limits) -> Limits:
    left, right, bottom, top = limits
    if not (left < right and bottom < top):
        raise UsageError(
            f"limits are {limits}: give left < right and bottom < top", code="out-of-range", field="limits"
        )
    return limits


def _splatted(
    places: NDArray[np.float64],
    limits: Limits,
    size: int,
    kinds: NDArray[np.int64],
    radius: float,
    ink: float,
) -> NDArray[np.uint8]:
    left, right, bottom, top = _window(limits)
    per_unit = size / (right - left)
    height = max(1, round((top - bottom) * per_unit))
    columns, rows = (places[:, 0] - left) * per_unit, (top - places[:, 1]) * per_unit
    reach = int(np.ceil(radius)) + 1
    near = np.isfinite(columns) & np.isfinite(rows)
    near &= (np.abs(columns - size / 2) < size / 2 + reach) & (np.abs(rows - height / 2) < height / 2 + reach)
    columns, rows, kinds = columns[near], rows[near], kinds[near]

    # Every dot covers the same small patch of pixels around its own pixel.
    step = np.arange(-reach, reach + 1)
    across = np.floor(columns)[:, None, None] + step[None, None, :]
    down = np.floor(rows)[:, None, None] + step[None, :, None]
    distance = np.hypot(across + 0.5 - columns[:, None, None], down + 0.5 - rows[:, None, None])
    # Anti-aliasing: the depth falls to 0 over one pixel at the edge.
    depth = np.clip(radius + 0.5 - distance, 0, 1)
    inside = (across >= 0) & (across < size) & (down >= 0) & (down < height) & (depth > 0)
    pixel = (down * size + across)[inside].astype(np.int64)

    background = np.array(ImageColor.getrgb(BACKGROUND), dtype=np.float64)
    palette = np.array([ImageColor.getrgb(colour) for colour in COLOURS], dtype=np.float64)
    # One dot gives a mixture of the background and its own colour.
    absorbed = -np.log(1 - ink + ink * palette / background)
    strength = absorbed[kinds % len(COLOURS)]
    image = np.empty((height * size, 3))
    for channel in range(3):
        weight = (depth * strength[:, channel, None, None])[inside]
        image[:, channel] = background[channel] * np.exp(-np.bincount(pixel, weight, minlength=height * size))
    return np.asarray(np.rint(image), dtype=np.uint8).reshape(height, size, 3)
