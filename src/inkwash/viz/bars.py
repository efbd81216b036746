"""Bar charts of the quality of each class: accuracy and Fréchet distance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.text.printing import printable
from inkwash.viz.style import COLOURS, FONT_SIZE, FOREGROUND, figure, save, set_labels

WIDTH = 6.4
"""Inches of a figure of one column: a page shows it at this size, so that the font size stays the same."""
_ROW = 0.24
"""Inches of the bar of a class."""


def class_bars(
    path: str | Path,
    classes: Sequence[str],
    accuracy: Sequence[float],
    distance: Sequence[float],
) -> None:
    """Plot a bar for each of K `classes`, the first at the top, to `path`: class accuracy, and FD.

    `accuracy` in [0, 1] and `distance` have K numbers each; NaN is a class without one, and a column of NaN is left
    out. The worst bar of a column has another colour. Raises `UsageError` for different lengths or no number at all.
    """
    columns = {
        "Images of the requested class": (np.asarray(accuracy, np.float64), "{:.1%}", min),
        "FD to real images": (np.asarray(distance, np.float64), "{:.3g}", max),
    }
    if any(len(values) != len(classes) for values, *_ in columns.values()):
        raise UsageError(
            f"{len(classes)} classes have another number of accuracies or distances: give one each, NaN for none",
            code="invalid-data",
            field="classes",
        )
    columns = {title: column for title, column in columns.items() if np.isfinite(column[0]).any()}
    if not columns:
        raise UsageError(
            f"no class has a number for {Path(path).name}: measure at least one", code="invalid-data", field="accuracy"
        )

    fig, axes = figure(len(columns), max(WIDTH, 3.6 * len(columns)), 1.1 + _ROW * len(classes))
    for ax, (title, (values, form, worst)) in zip(axes, columns.items(), strict=True):
        place: NDArray[np.int64] = np.arange(len(classes))
        finite = np.isfinite(values)
        poorest = worst(values[finite])
        # Equal bars are not marked as the worst.
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
                color=FOREGROUND,
                fontsize=FONT_SIZE - 1,
            )
        ax.set_yticks(place, [printable(each) for each in classes], parse_math=False)
        ax.set_ylim(len(classes) - 0.4, -0.6)
        # Space for the numbers at the ends of the bars.
        ax.set_xlim(0, max(float(values[finite].max()) * 1.22, 1e-9))
        # The axis has no ticks, because the numbers are beside the bars.
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        set_labels(ax, title)
    save(fig, path)
