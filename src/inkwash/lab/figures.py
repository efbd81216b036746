"""The figures of an experiment: its scores over another number or over the arms, or a series along each arm's path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inkwash.lab.results import SHARES, Results
from inkwash.text.printing import printable
from inkwash.viz.style import COLOURS, FONT_SIZE, FOREGROUND, THIN, describe, figure, legend, plain_ticks, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARMS = "arm"
SETTINGS = {"steps", "images", "epochs", "guidance"}
"""Scores that are what an arm was set to: where they are the axis, its points need no names."""


@dataclass(frozen=True)
class Plot:
    """A figure called `name`: one panel for each key in `y`, over the key `x`, or over the arms themselves.

    Keys are those of scores, which give a point an arm with its interval and the real images' value as a dashed line,
    or of series, which give a line an arm. `log` names the axes that are logarithmic.
    """

    name: str
    title: str
    y: tuple[str, ...]
    x: str = ARMS
    log: Literal["", "x", "y", "xy"] = ""

    def draw(self, results: Results, path: Path) -> bool:
        """Write the figure to `path` and return True; False, and no file, where no arm has what it shows."""
        keys = [key for key in self.y if any(self._has(results, key, place) for place in range(len(results.arms)))]
        if not keys:
            return False
        axis_key = self._axis(results)
        page, panels = figure(columns=len(keys), width=1.6 + 4.4 * len(keys))
        for place, (ax, key) in enumerate(zip(panels, keys, strict=True)):
            shown = [arm for arm in range(len(results.arms)) if self._has(results, key, arm)]
            lines = results.arms[shown[0]].line(key) is not None
            (self._lines if lines else self._points)(ax, results, axis_key, key, shown)
            # on the categories of arms there is nothing to take a logarithm of
            for axis in self.log if axis_key != ARMS else self.log.replace("x", ""):
                if axis == "y" and key.split(".")[0] in SHARES:
                    continue  # a share can be 0
                ax.set(**{f"{axis}scale": "log"})
            plain_ticks(ax)
            x = "" if axis_key == ARMS else self._words(results, axis_key)
            describe(ax, self.title if place == 0 else "", x, self._words(results, key))
        save(page, path)
        return True

    def _axis(self, results: Results) -> str:
        """Return the key to the right: `x`, but the arms where they all have one and the same of it."""
        held = {arm.value(self.x) for arm in results.arms if self.x in arm}
        return ARMS if len(held) == 1 and len(results.arms) > 1 else self.x

    def _has(self, results: Results, key: str, place: int) -> bool:
        arm = results.arms[place]
        if arm.line(key) is not None:
            return arm.line(self.x) is not None
        return key in arm and (self.x == ARMS or self.x in arm)

    def _lines(self, ax: Axes, results: Results, axis_key: str, key: str, shown: list[int]) -> None:
        for place in shown:
            arm = results.arms[place]
            x, y = arm.line(axis_key), arm.line(key)
            assert x is not None and y is not None
            ax.plot(x, y, color=COLOURS[place % len(COLOURS)], label=printable(arm.name))
        legend(ax)

    def _points(self, ax: Axes, results: Results, axis_key: str, key: str, shown: list[int]) -> None:
        arms = [results.arms[place] for place in shown]
        over_arms = axis_key == ARMS
        xs = [float(k) for k in range(len(arms))] if over_arms else [arm.value(axis_key) for arm in arms]
        ys, errors = [arm.value(key) for arm in arms], [arm.uncertainty(key) for arm in arms]
        joined = "o" if over_arms else "o-"
        # no distance is below 0 and no share above 1, whatever half an interval says
        most = 1.0 if key.split(".")[0] in SHARES else math.inf
        below = [min(error, max(y, 0.0)) for y, error in zip(ys, errors, strict=True)]
        above = [min(error, max(most - y, 0.0)) for y, error in zip(ys, errors, strict=True)]
        ax.errorbar(xs, ys, [below, above], fmt=joined, color=COLOURS[0], markersize=4, linewidth=THIN, capsize=2)
        real = next((arm[key].real for arm in arms if arm[key].real is not None), None)
        if real is not None:
            ax.axhline(real, color=COLOURS[1], linestyle="--", linewidth=THIN, label="real test set")
            legend(ax)
        if over_arms:
            ax.set_xticks(xs, [printable(arm.name) for arm in arms], rotation=20, ha="right", parse_math=False)
            ax.set_xlim(-0.5, len(arms) - 0.5)
            return
        if axis_key in SETTINGS:
            return
        for x, y, arm in zip(xs, ys, arms, strict=True):
            ax.annotate(
                printable(arm.name),
                (x, y),
                (4, 4),
                textcoords="offset points",
                fontsize=FONT_SIZE - 2,
                color=FOREGROUND,
            )

    @staticmethod
    def _words(results: Results, key: str) -> str:
        for arm in results.arms:
            words = {each.key: each.words for each in arm.scores} | {each.key: each.words for each in arm.series}
            if key in words:
                return words[key]
        return key
