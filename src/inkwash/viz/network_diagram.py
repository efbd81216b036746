"""Diagram of a network: stages from left to right, smaller feature maps lower, which shows the U of a U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkwash.errors import UsageError
from inkwash.viz.style import COLOURS, FONT_SIZE, FOREGROUND, MUTED, THIN, TITLE_SIZE, figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from inkwash.nets.summary import Stage


@dataclass(frozen=True)
class Box:
    """The box of a stage: centre and size in columns and rows; `row` is None without a feature map."""

    stage: Stage
    x: float
    y: float
    width: float
    height: float
    row: int | None


def draw_network(path: str | Path, stages: Sequence[Stage], title: str) -> None:
    """Plot `stages`, in the order in which they run, as a diagram with `title` to `path`.

    Boxes are lower for smaller feature maps, wider for more channels and darker for more operations. A dashed line
    connects the last stage of a resolution in the encoder to the first one in the decoder. Stages without a feature
    map are above the others; a network without feature maps is one row. Raises `UsageError` when there are no stages.
    """
    if not stages:
        raise UsageError(
            f"no stage for {Path(path).name}: the network has no named parts", code="invalid-data", field="stages"
        )
    boxes = arrange(stages)
    columns = max(len(boxes), 4)  # The title needs at least four columns.
    lowest, highest = min(box.y for box in boxes), max(box.y for box in boxes)
    fig, (ax,) = figure(width=1.15 * columns + 0.4, height=1.5 * (highest - lowest + 1) + 0.7)
    ax.set_axis_off()
    ax.set_xlim(-0.6, columns - 0.4)
    ax.set_ylim(lowest - 0.62, highest + 0.45)

    busiest = max(box.stage.flops for box in boxes) or 1
    for box in boxes:
        _draw(ax, box, box.stage.flops / busiest)
    on_path = [box for box in boxes if box.row is not None]
    for one, following in pairwise(on_path):
        _arrow(ax, one, following)
    for down, up in skip_connections(on_path):
        ends = [down.x + down.width / 2, up.x - up.width / 2]
        # Above the arrows, which start at half the height of a box.
        height = min(down.height, up.height) / 4
        ax.plot(ends, [down.y + height] * 2, linestyle=(0, (4, 3)), color=MUTED, linewidth=THIN)

    total, work = sum(box.stage.parameters for box in boxes), sum(box.stage.flops for box in boxes)
    ax.set_title(title, fontsize=TITLE_SIZE, color=FOREGROUND, loc="left", pad=24)
    words = f"{total:,} parameters, {_short(work)}FLOP for one example; darker stages do more of them"
    place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, 8), "textcoords": "offset points"}
    ax.annotate(words, (0, 1), fontsize=FONT_SIZE, color=FOREGROUND, **place)
    save(fig, path)


def arrange(stages: Sequence[Stage]) -> list[Box]:
    """Return a box for every stage, columns in running order, rows 0, -1, … by decreasing feature map.

    A stage without a feature map is above row 0, or in it when no stage has one.
    """
    sizes = sorted({_resolution(stage) for stage in stages if _resolution(stage)}, reverse=True)
    widest = max([stage.shape[0] for stage in stages if stage.shape] or [1])
    boxes = []
    for column, stage in enumerate(stages):
        size = _resolution(stage)
        row = -sizes.index(size) if size else None
        y = float(row) if row is not None else 0.8 * bool(sizes)
        height = 0.16 + 0.34 * (size / sizes[0]) ** 0.5 if size else 0.2
        width = 0.12 + 0.5 * ((stage.shape[0] if stage.shape else 0) / widest) ** 0.5
        boxes.append(Box(stage, float(column), y, width, height, row))
    return boxes


def skip_connections(boxes: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Return the pairs (last in the encoder, first in the decoder) of boxes of each resolution.

    The decoder starts after the first box of the lowest row; that row has no pair.
    """
    if not boxes:
        return []
    bottom = min(box.row or 0 for box in boxes)
    turn = next(index for index, box in enumerate(boxes) if (box.row or 0) == bottom)
    last_down = {box.row: box for box in boxes[:turn]}
    first_up: dict[int | None, Box] = {}
    for box in boxes[turn:]:
        first_up.setdefault(box.row, box)
    return [(last_down[row], box) for row, box in first_up.items() if row in last_down]


def _resolution(stage: Stage) -> int:
    """Return the larger side of a stage's feature map, 0 for another output."""
    return max(stage.shape[1:]) if len(stage.shape) == 3 else 0


def _draw(ax: Axes, box: Box, work: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (box.x - box.width / 2, box.y - box.height / 2)
    shade = (*_rgb(COLOURS[0]), 0.06 + 0.79 * work)
    frame: dict[str, Any] = {"facecolor": shade, "edgecolor": COLOURS[0], "linewidth": THIN}
    ax.add_patch(FancyBboxPatch(corner, box.width, box.height, boxstyle="round,pad=0,rounding_size=0.03", **frame))
    stage = box.stage
    shape = "×".join(map(str, stage.shape)) or "not run"
    caption = f"{shape}\n{_short(stage.parameters).strip()} param." if stage.parameters else shape
    under = box.y - box.height / 2 - 0.05
    ax.text(box.x, box.y + box.height / 2 + 0.04, stage.name, ha="center", va="bottom", fontsize=8, color=FOREGROUND)
    ax.text(
        box.x, under, f"{stage.kind}\n{caption}", ha="center", va="top", fontsize=7, color=FOREGROUND, linespacing=1.3
    )


def _arrow(ax: Axes, one: Box, following: Box) -> None:
    """Draw the line to the next box, with its corner between the columns, so that it crosses no caption."""
    start, end, half = one.x + one.width / 2, following.x - following.width / 2, (one.x + following.x) / 2
    heights = [one.y, one.y, following.y, following.y]
    ax.plot([start, half, half, end], heights, color=FOREGROUND, linewidth=THIN)
    tip = {"arrowstyle": "-|>", "color": FOREGROUND, "linewidth": 0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    ax.annotate("", (end, following.y), (half, following.y), arrowprops=tip)


def _short(count: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{float(f'{count / size:.3g}'):g} {unit}"
    return f"{count} "


def _rgb(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
