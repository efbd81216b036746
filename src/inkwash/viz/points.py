"""Points in the plane: soft dots of ink, and the arrows along which a denoiser would move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageColor

from inkwash.errors import UsageError
from inkwash.viz.style import COLOURS, PAPER, describe, figure, save

Limits = tuple[float, float, float, float]


def scatter(
    points: ArrayLike,
    limits: Limits | None = None,
    size: int = 256,
    labels: ArrayLike | None = None,
    radius: float = 1.5,
    ink: float = 0.6,
) -> Image.Image:
    """Return `points`, float [N, 2], as soft dots of ink on an RGB sheet `size` pixels wide, y upwards.

    `limits` is (left, right, bottom, top) in the units of the points, by default the square around them;
    points outside and non-finite ones are left out. `labels`, int [N], choose colours; `radius` is in pixels.
    Dots lie over each other like washes: light passes all of them, each absorbing up to the share `ink`, so
    that their order does not matter (Beer-Lambert). Raises `UsageError` for points of another shape, labels
    of another length or limits without area.
    """
    places = _checked(points)
    kinds = np.zeros(len(places), dtype=np.int64) if labels is None else np.asarray(labels, dtype=np.int64)
    if len(kinds) != len(places):
        raise UsageError(f"{len(kinds)} labels for {len(places)} points: give one each")
    return Image.fromarray(_splatted(places, limits or square_around(places), size, kinds, radius, ink))


def scatter_pictures(
    steps: Sequence[ArrayLike],
    limits: Limits | None = None,
    size: int = 256,
    labels: ArrayLike | None = None,
    radius: float = 1.5,
    ink: float = 0.6,
) -> NDArray[np.uint8]:
    """Return T `steps`, each float [N, 2], drawn by `scatter` in one window, as uint8 [T, H, W, 3].

    The window is `limits`, by default the square around the last step, where denoising ends; noise beyond it
    is outside the picture. Raises `UsageError` as `scatter` does and when there are no steps.
    """
    if not len(steps):
        raise UsageError("there are no points to draw: give at least one step")
    window = limits or square_around(steps[-1])
    return np.stack([np.asarray(scatter(p, window, size, labels, radius, ink)) for p in steps])


def square_around(points: ArrayLike, margin: float = 0.15) -> Limits:
    """Return the limits (left, right, bottom, top) of a square around `points`, float [N, 2].

    `margin` is the share of its side that is added on each side. Non-finite points are ignored; without any
    finite point, or with all in one place, the side is 2.
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
    title: str = "Where the field moves a point",
) -> None:
    """Draw the arrows of `function`, float [M, 2] to [M, 2], over a lattice of `arrows` a side, to `path`.

    `limits` is (left, right, bottom, top). The longest arrow spans one cell of the lattice and the title says
    how long it is in truth; `points`, float [N, 2], lie beneath. Raises `UsageError` when the function gives
    another shape or no finite arrow, or when the limits have no area.
    """
    left, right, bottom, top = _window(limits)
    across, up = np.linspace(left, right, arrows), np.linspace(bottom, top, arrows)
    feet = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    moves = np.asarray(function(feet), dtype=np.float64)
    if moves.shape != feet.shape:
        raise UsageError(f"a vector field gives {list(feet.shape)} for as many points, not {list(moves.shape)}")
    lengths = np.linalg.norm(moves, axis=1)
    sound = np.isfinite(lengths)
    if not sound.any():
        raise UsageError(f"no finite arrow to draw in {Path(path).name}: choose limits where the field is defined")
    longest = float(lengths[sound].max()) or 1.0
    cell = max(right - left, top - bottom) / (arrows - 1)
    shown = moves[sound] / longest * cell

    page, (ax,) = figure(width=5.6, height=5.6 * (top - bottom) / (right - left) + 0.5)
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
    describe(ax, f"{title} (longest arrow: {longest:.3g})")
    save(page, path)


def _checked(points: ArrayLike) -> NDArray[np.float64]:
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise UsageError(f"points in the plane are [N, 2], not {list(places.shape)}")
    return places


def _window(limits: Limits) -> Limits:
    left, right, bottom, top = limits
    if not (left < right and bottom < top):
        raise UsageError(f"limits {limits} have no area: give left < right, bottom < top")
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

    # every dot touches the same small patch of pixels about its own pixel
    step = np.arange(-reach, reach + 1)
    across = np.floor(columns)[:, None, None] + step[None, None, :]
    down = np.floor(rows)[:, None, None] + step[None, :, None]
    distance = np.hypot(across + 0.5 - columns[:, None, None], down + 0.5 - rows[:, None, None])
    # one pixel of slope at the rim is the anti-aliasing
    depth = np.clip(radius + 0.5 - distance, 0, 1)
    inside = (across >= 0) & (across < size) & (down >= 0) & (down < height) & (depth > 0)
    pixel = (down * size + across)[inside].astype(np.int64)

    paper = np.array(ImageColor.getrgb(PAPER), dtype=np.float64)
    palette = np.array([ImageColor.getrgb(colour) for colour in COLOURS], dtype=np.float64)
    # light through one dot is a mixture of the paper's colour and the dot's own
    absorbed = -np.log(1 - ink + ink * palette / paper)
    strength = absorbed[kinds % len(COLOURS)]
    picture = np.empty((height * size, 3))
    for channel in range(3):
        weight = (depth * strength[:, channel, None, None])[inside]
        picture[:, channel] = paper[channel] * np.exp(-np.bincount(pixel, weight, minlength=height * size))
    return np.asarray(np.rint(picture), dtype=np.uint8).reshape(height, size, 3)
