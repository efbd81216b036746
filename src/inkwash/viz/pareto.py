"""Speed against quality: a mark for each setting, and the Pareto front of those that no other dominates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.viz.style import (
    BACKGROUND,
    COLOURS,
    DPI,
    FONT_SIZE,
    FOREGROUND,
    MUTED,
    THIN,
    figure,
    plain_ticks,
    save,
    set_labels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_SHAPES = "osD^vPX"
_REACHES = (5, 14, 26, 40, 56)
"""Distances of a name from its mark, in points, by increasing cost."""
_SIDES = ((1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True)
class Mark:
    """A setting: its `model`, which selects the colour, its `name`, cost and value, and the interval of the value."""

    model: str
    name: str
    cost: float
    value: float
    low: float | None = None
    high: float | None = None
    on_front: bool = False


def speed_quality(
    path: str | Path,
    marks: Sequence[Mark],
    real: float | None = None,
    cost: str = "seconds for 64 images",
    value: str = "FD, lower is better",
    title: str = "Speed against quality",
) -> None:
    """Plot `marks`, cost to the right and value upwards, lower being better for both, to `path`.

    Marks on the front are filled and connected by steps. `real` is a dashed line, the value of real images. An axis is
    logarithmic when all its values are positive. Raises `UsageError` without marks, or for one that is not finite.
    """
    if not marks:
        raise UsageError(
            f"no setting is given for {Path(path).name}: give at least one with a cost and a value",
            code="invalid-data",
            field="marks",
        )
    if not all(np.isfinite([mark.cost, mark.value]).all() for mark in marks):
        raise UsageError(
            f"a setting for {Path(path).name} has a cost or value that is not finite: leave it out",
            code="invalid-data",
            field="marks",
        )

    fig, (ax,) = figure(width=6.4, height=5.4)
    if all(mark.cost > 0 for mark in marks):
        ax.set_xscale("log")
    if all(mark.value > 0 for mark in marks) and (real is None or real > 0):
        ax.set_yscale("log", nonpositive="clip")
    ax.margins(x=0.12, y=0.14)

    front = sorted((mark.cost, mark.value) for mark in marks if mark.on_front)
    if front:
        ax.plot(*zip(*front, strict=True), drawstyle="steps-post", color=MUTED, zorder=1, label="best at each cost")
    if real is not None:
        ax.axhline(real, color=FOREGROUND, linestyle="--", linewidth=1, zorder=1, label=f"real test set, {real:.3g}")
    for index, model in enumerate(dict.fromkeys(mark.model for mark in marks)):
        _model(ax, [mark for mark in marks if mark.model == model], index, model)
    if ax.get_yscale() == "log":
        # An interval that nearly reaches 0 would flatten all other marks.
        lowest = min([mark.value for mark in marks] + ([] if real is None else [real]))
        ax.set_ylim(bottom=max(ax.get_ylim()[0], lowest / 3))
    plain_ticks(ax)
    set_labels(ax, title, f"{cost}, further left is faster", value)
    legend = fig.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=FONT_SIZE, labelcolor=FOREGROUND)
    for text in legend.get_texts():
        text.set_parse_math(False)
    # The layout is computed and fixed before names are placed next to the marks.
    fig.draw_without_rendering()
    fig.set_layout_engine("none")
    _place_names(ax, marks, real)
    save(fig, path)


def _model(ax: Axes, marks: Sequence[Mark], index: int, name: str) -> None:
    colour, shape = COLOURS[index % len(COLOURS)], _SHAPES[index // len(COLOURS) % len(_SHAPES)]
    for mark in marks:
        if mark.low is not None and mark.high is not None:
            ax.plot([mark.cost] * 2, [mark.low, mark.high], color=colour, linewidth=1, alpha=0.7, zorder=2)
        fill = colour if mark.on_front else BACKGROUND
        ax.plot(mark.cost, mark.value, shape, color=colour, markerfacecolor=fill, markersize=6, zorder=3)
    ax.plot([], [], shape, color=colour, markersize=6, label=name)


def _place_names(ax: Axes, marks: Sequence[Mark], real: float | None) -> None:
    """Place each name where it covers neither a mark nor another name, with a thin line to its mark when it is far away."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    dot = DPI / 72
    centres = ax.transData.transform([(mark.cost, mark.value) for mark in marks])
    taken = [Bbox.from_bounds(x - 4 * dot, y - 4 * dot, 8 * dot, 8 * dot) for x, y in centres]
    # Lines are thin, so that crossing one costs less than a large distance.
    level = [] if real is None else [[(edge, real) for edge in ax.get_xlim()]]
    taken += [Bbox(ax.transData.transform(ends)).padded(dot) for ends in [*_lines(marks), *level]]
    # Marks with many neighbours are named first, because they have the least space.
    neighbours = [int((np.hypot(*(centres - centre).T) < 60 * dot).sum()) for centre in centres]
    for place in sorted(range(len(marks)), key=lambda place: (-neighbours[place], place)):
        foot = marks[place].cost, marks[place].value
        words = ax.annotate(
            marks[place].name,
            foot,
            (0, 0),
            textcoords="offset points",
            fontsize=FONT_SIZE - 2,
            color=FOREGROUND,
            parse_math=False,
            path_effects=[withStroke(linewidth=2, foreground=BACKGROUND)],
            zorder=4,
        )
        taken.append(_best_position(words, taken, ax))
        if np.hypot(*words.get_position()) > _REACHES[1]:
            hair = {"arrowstyle": "-", "color": MUTED, "linewidth": THIN, "shrinkA": 0, "shrinkB": 3}
            ax.annotate("", foot, words.get_position(), textcoords="offset points", arrowprops=hair, zorder=2)


def _lines(marks: Sequence[Mark]) -> Iterator[list[tuple[float, float]]]:
    """Yield both ends of each vertical or horizontal line: intervals, and the steps of the front."""
    for mark in marks:
        if mark.low is not None and mark.high is not None:
            yield [(mark.cost, max(mark.low, mark.value / 2)), (mark.cost, mark.high)]
    front = sorted((mark.cost, mark.value) for mark in marks if mark.on_front)
    for (cost, value), (dearer, better) in pairwise(front):
        yield [(cost, value), (dearer, value)]
        yield [(dearer, better), (dearer, value)]


def _best_position(words: Annotation, taken: Sequence[Bbox], ax: Axes) -> Bbox:
    """Move `words` to the best place around its mark, near and free, and return the box that it covers."""
    from matplotlib.transforms import Bbox

    room, (x, y) = ax.get_window_extent(), ax.transData.transform(words.xy)
    size, dot = np.add(words.get_window_extent().size, 2), DPI / 72

    def covered(place: tuple[float, tuple[int, int]]) -> Bbox:
        reach, (across, up) = place
        left, low = np.array([x, y]) + dot * _offset(reach, across, up) + size * (np.array([across, up]) - 1) / 2
        return Bbox.from_bounds(left, low, *size)

    def cost(place: tuple[float, tuple[int, int]]) -> float:
        box = covered(place)
        outside = box.width * box.height - _shared(box, room)
        # The covered area is in square pixels; a third of a point of distance counts as one of them.
        return 4 * outside + sum(_shared(box, other) for other in taken) + 3 * place[0]

    reach, (across, up) = best = min(product(_REACHES, _SIDES), key=cost)
    words.set_position(tuple(_offset(reach, across, up)))
    words.set_horizontalalignment("left" if across > 0 else "right" if across else "center")
    words.set_verticalalignment("bottom" if up > 0 else "top" if up else "center")
    return covered(best)


def _offset(reach: float, across: int, up: int) -> NDArray[np.float64]:
    """Return the offset of a name from its mark in points."""
    return np.array([across, up]) * (reach * 0.7 if across and up else reach)


def _shared(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
