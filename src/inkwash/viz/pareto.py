"""Speed against quality: each setting a mark, the ones that no other beats in both joined by a line (Pareto's front)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.viz.style import COLOURS, FAINT, INK, LOOK, PAPER, describe, figure, plain_ticks, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_SHAPES = "osD^vPX"
_REACHES = (5, 14, 26, 40, 56)
"""How far a name may stand from its mark, in points: the near ones first."""
_SIDES = ((1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True)
class Mark:
    """A setting: the `model` that gives its colour, its `name` in words, cost and value, and the ends of an interval."""

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
    """Draw `marks`, cost to the right and value upwards, lower both being better, to `path`.

    Marks on the front are filled and joined by steps: what can be had at each cost. `real` is a dashed line, what real
    images score. Both axes are logarithmic where all is above 0. Raises `UsageError` when there are no marks, or one
    that is not finite.
    """
    if not marks:
        raise UsageError(f"no setting to draw in {Path(path).name}: give at least one with a cost and a value")
    if not all(np.isfinite([mark.cost, mark.value]).all() for mark in marks):
        raise UsageError(f"a setting in {Path(path).name} has no finite cost and value: leave it out")

    page, (ax,) = figure(width=6.4, height=5.4)
    if all(mark.cost > 0 for mark in marks):
        ax.set_xscale("log")
    if all(mark.value > 0 for mark in marks) and (real is None or real > 0):
        ax.set_yscale("log", nonpositive="clip")
    ax.margins(x=0.12, y=0.14)

    front = sorted((mark.cost, mark.value) for mark in marks if mark.on_front)
    if front:
        ax.plot(*zip(*front, strict=True), drawstyle="steps-post", color=FAINT, zorder=1, label="best at each cost")
    if real is not None:
        ax.axhline(real, color=INK, linestyle="--", linewidth=1, zorder=1, label=f"real test set, {real:.3g}")
    for index, model in enumerate(dict.fromkeys(mark.model for mark in marks)):
        _model(ax, [mark for mark in marks if mark.model == model], index, model)
    if ax.get_yscale() == "log":
        # an interval that nearly reaches 0 would flatten all the rest
        lowest = min([mark.value for mark in marks] + ([] if real is None else [real]))
        ax.set_ylim(bottom=max(ax.get_ylim()[0], lowest / 3))
    plain_ticks(ax)
    describe(ax, title, f"{cost}, further left is faster", value)
    told = page.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=LOOK["size"], labelcolor=INK)
    for words in told.get_texts():
        words.set_parse_math(False)
    # names are placed among what is drawn already, at its final size
    page.draw_without_rendering()
    page.set_layout_engine("none")
    _name(ax, marks, real)
    save(page, path)


def _model(ax: Axes, marks: Sequence[Mark], index: int, name: str) -> None:
    colour, shape = COLOURS[index % len(COLOURS)], _SHAPES[index // len(COLOURS) % len(_SHAPES)]
    for mark in marks:
        if mark.low is not None and mark.high is not None:
            ax.plot([mark.cost] * 2, [mark.low, mark.high], color=colour, linewidth=1, alpha=0.7, zorder=2)
        fill = colour if mark.on_front else PAPER
        ax.plot(mark.cost, mark.value, shape, color=colour, markerfacecolor=fill, markersize=6, zorder=3)
    ax.plot([], [], shape, color=colour, markersize=6, label=name)


def _name(ax: Axes, marks: Sequence[Mark], real: float | None) -> None:
    """Write each name where it covers neither a mark nor another name, with a hair to its mark where it stands apart."""
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    dot = LOOK["dots"] / 72
    centres = ax.transData.transform([(mark.cost, mark.value) for mark in marks])
    taken = [Bbox.from_bounds(x - 4 * dot, y - 4 * dot, 8 * dot, 8 * dot) for x, y in centres]
    # lines are thin: a name would rather cross one than go far away
    level = [] if real is None else [[(edge, real) for edge in ax.get_xlim()]]
    taken += [Bbox(ax.transData.transform(ends)).padded(dot) for ends in [*_lines(marks), *level]]
    # the crowded ones choose first: they have the least room
    crowd = [int((np.hypot(*(centres - centre).T) < 60 * dot).sum()) for centre in centres]
    for place in sorted(range(len(marks)), key=lambda place: (-crowd[place], place)):
        foot = marks[place].cost, marks[place].value
        words = ax.annotate(
            marks[place].name,
            foot,
            (0, 0),
            textcoords="offset points",
            fontsize=LOOK["size"] - 2,
            color=INK,
            parse_math=False,
            path_effects=[withStroke(linewidth=2, foreground=PAPER)],
            zorder=4,
        )
        taken.append(_settled(words, taken, ax))
        if np.hypot(*words.get_position()) > _REACHES[1]:
            hair = {"arrowstyle": "-", "color": FAINT, "linewidth": LOOK["hair"], "shrinkA": 0, "shrinkB": 3}
            ax.annotate("", foot, words.get_position(), textcoords="offset points", arrowprops=hair, zorder=2)


def _lines(marks: Sequence[Mark]) -> Iterator[list[tuple[float, float]]]:
    """Yield both ends of each upright or level line: intervals, and the steps of the front."""
    for mark in marks:
        if mark.low is not None and mark.high is not None:
            yield [(mark.cost, max(mark.low, mark.value / 2)), (mark.cost, mark.high)]
    front = sorted((mark.cost, mark.value) for mark in marks if mark.on_front)
    for (cost, value), (dearer, better) in pairwise(front):
        yield [(cost, value), (dearer, value)]
        yield [(dearer, better), (dearer, value)]


def _settled(words: Annotation, taken: Sequence[Bbox], ax: Axes) -> Bbox:
    """Move `words` to the best place about its mark, near and free, and return what it covers there."""
    from matplotlib.transforms import Bbox

    room, (x, y) = ax.get_window_extent(), ax.transData.transform(words.xy)
    size, dot = np.add(words.get_window_extent().size, 2), LOOK["dots"] / 72

    def covered(place: tuple[float, tuple[int, int]]) -> Bbox:
        reach, (across, up) = place
        left, low = np.array([x, y]) + dot * _offset(reach, across, up) + size * (np.array([across, up]) - 1) / 2
        return Bbox.from_bounds(left, low, *size)

    def cost(place: tuple[float, tuple[int, int]]) -> float:
        box = covered(place)
        outside = box.width * box.height - _shared(box, room)
        # what is covered is in square pixels, and a third of a point away weighs as much as one
        return 4 * outside + sum(_shared(box, other) for other in taken) + 3 * place[0]

    reach, (across, up) = best = min(product(_REACHES, _SIDES), key=cost)
    words.set_position(tuple(_offset(reach, across, up)))
    words.set_horizontalalignment("left" if across > 0 else "right" if across else "center")
    words.set_verticalalignment("bottom" if up > 0 else "top" if up else "center")
    return covered(best)


def _offset(reach: float, across: int, up: int) -> NDArray[np.float64]:
    """Where words start, in points from their mark."""
    return np.array([across, up]) * (reach * 0.7 if across and up else reach)


def _shared(one: Bbox, other: Bbox) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)
