"""The figures of an experiment: scores over another score or over the variants, or series along a path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inkwash.evaluation.scores import Score
from inkwash.lab.results import PROPORTIONS, Result, Results, Series
from inkwash.text.printing import printable
from inkwash.viz.style import COLOURS, FONT_SIZE, FOREGROUND, THIN, figure, legend, plain_ticks, save, set_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SETTINGS = {"steps", "images", "epochs", "guidance"}
"""Scores that are settings: points over one of them are identified by their position and need no names."""


@dataclass(frozen=True)
class Plot:
    """A figure called `name`: a panel for each key in `y`, over the key `x`, or over the variants where `x` is "".

    A score gives each variant a point with its 95 % interval, and real images a dashed line; a series gives each
    variant a line. `log` names the logarithmic axes.
    """

    name: str
    title: str
    y: tuple[str, ...]
    x: str = ""
    log: Literal["", "x", "y", "xy"] = ""

    def draw(self, results: Results, path: Path) -> bool:
        """Write the figure to `path` and return True; return False where no variant has values for it."""
        panels = {key: [each for each in results.variants if self._has(each, key)] for key in self.y}
        panels = {key: variants for key, variants in panels.items() if variants}
        if not panels:
            return False
        settings = {each.value(self.x) for each in results.variants if self.x in each}
        x = "" if len(settings) == 1 and len(results.variants) > 1 else self.x
        page, axes = figure(columns=len(panels), width=1.6 + 4.4 * len(panels))
        for index, (ax, (key, variants)) in enumerate(zip(axes, panels.items(), strict=True)):
            if variants[0].values(key) is None:
                _draw_points(ax, variants, x, key)
            else:
                _draw_lines(ax, results, variants, x, key)
            for axis in self.log:
                # Categories have no logarithm, and a proportion may be 0.
                if x if axis == "x" else key.split(".")[0] not in PROPORTIONS:
                    ax.set(**{f"{axis}scale": "log"})
            plain_ticks(ax)
            set_labels(ax, "" if index else self.title, _label(results, x), _label(results, key))
        save(page, path)
        return True

    def _has(self, variant: Result, key: str) -> bool:
        if variant.values(key) is not None:
            return variant.values(self.x) is not None
        return key in variant and (not self.x or self.x in variant)


def _draw_lines(ax: Axes, results: Results, variants: list[Result], x: str, key: str) -> None:
    for variant in variants:
        xs, ys = variant.values(x), variant.values(key)
        assert xs is not None and ys is not None
        # The index among all variants, so that a variant has one colour in every panel.
        colour = COLOURS[results.variants.index(variant) % len(COLOURS)]
        ax.plot(xs, ys, color=colour, label=printable(variant.name))
    legend(ax)


def _draw_points(ax: Axes, variants: list[Result], x: str, key: str) -> None:
    xs = [each.value(x) for each in variants] if x else [float(k) for k in range(len(variants))]
    ys, margins = [each.value(key) for each in variants], [each.margin(key) for each in variants]
    # Distances are at least 0 and proportions at most 1.
    largest = 1.0 if key.split(".")[0] in PROPORTIONS else math.inf
    below = [min(margin, max(y, 0.0)) for y, margin in zip(ys, margins, strict=True)]
    above = [min(margin, max(largest - y, 0.0)) for y, margin in zip(ys, margins, strict=True)]
    style: dict[str, Any] = {"color": COLOURS[0], "markersize": 4, "linewidth": THIN, "capsize": 2}
    ax.errorbar(xs, ys, [below, above], fmt="o-" if x else "o", **style)
    real = next((each[key].real for each in variants if each[key].real is not None), None)
    if real is not None:
        ax.axhline(real, color=COLOURS[1], linestyle="--", linewidth=THIN, label="real test set")
        legend(ax)
    names = [printable(each.name) for each in variants]
    if not x:
        ax.set_xticks(xs, names, rotation=20, ha="right", parse_math=False)
        ax.set_xlim(-0.5, len(variants) - 0.5)
    elif x not in SETTINGS:
        for name, point in zip(names, zip(xs, ys, strict=True), strict=True):
            ax.annotate(name, point, (4, 4), textcoords="offset points", fontsize=FONT_SIZE - 2, color=FOREGROUND)


def _label(results: Results, key: str) -> str:
    for variant in results.variants:
        labelled: tuple[Score | Series, ...] = (*variant.scores, *variant.series)
        for each in labelled:
            if each.key == key:
                return each.words
    return key
