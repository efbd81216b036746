"""Bars: how each class fares, by the share that shows it and by its distance to real images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.text.printing import printable
from inkwash.viz.style import COLOURS, INK, LOOK, describe, figure, save

WIDTH = 6.4
"""Inches of a picture of one column: a page shows it at that size, and letters must not grow with it."""
_ROW = 0.24
"""Inches of a class."""


def by_class(
    path: str | Path,
    classes: Sequence[str],
    accuracy: Sequence[float],
    distance: Sequence[float],
) -> None:
    """Draw a bar for each of K `classes`, first at the top: the share drawn as asked, and FD, to `path`.

    `accuracy` in [0, 1] and `distance` have K numbers each; NaN is a class without one, and a column of them is left
    out. The worst bar of a column has another colour. Raises `UsageError` for lengths that differ or no number at all.
    """
    columns = {
        "Share drawn as asked": (np.asarray(accuracy, np.float64), "{:.1%}", min),
        "FD to real images": (np.asarray(distance, np.float64), "{:.3g}", max),
    }
    if any(len(values) != len(classes) for values, *_ in columns.values()):
        raise UsageError(f"{len(classes)} classes need as many accuracies and distances, NaN where there is none")
    columns = {title: column for title, column in columns.items() if np.isfinite(column[0]).any()}
    if not columns:
        raise UsageError(f"no class has a number to draw in {Path(path).name}: measure at least one")

    page, axes = figure(len(columns), max(WIDTH, 3.6 * len(columns)), 1.1 + _ROW * len(classes))
    for ax, (title, (values, form, worst)) in zip(axes, columns.items(), strict=True):
        place: NDArray[np.int64] = np.arange(len(classes))
        finite = np.isfinite(values)
        poorest = worst(values[finite])
        # a class as poor as all others stands out from nothing
        apart = finite & (values == poorest) & (values[finite].min() < values[finite].max())
        colours = [COLOURS[1] if other else COLOURS[0] for other in apart]
        ax.barh(place, np.where(finite, values, 0), height=0.62, color=colours)
        for row, value in zip(place, values, strict=True):
            words = form.format(value) if np.isfinite(value) else "none"
            ax.annotate(
                words,
                (value if np.isfinite(value) else 0, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                color=INK,
                fontsize=LOOK["size"] - 1,
            )
        ax.set_yticks(place, [printable(each) for each in classes], parse_math=False)
        ax.set_ylim(len(classes) - 0.4, -0.6)
        # room for the numbers at the ends of the bars
        ax.set_xlim(0, max(float(values[finite].max()) * 1.22, 1e-9))
        # the numbers stand beside the bars: an axis would say them again
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        describe(ax, title)
    save(page, path)
