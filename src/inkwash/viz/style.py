"""The style of all figures: colours, sizes, fonts and axes."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkwash.errors import UsageError
from inkwash.io.atomic import atomic
from inkwash.io.png_metadata import CHUNK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import ImageFont

# Neutral greys, so that a grid of grey images is stored as a grey image.
BACKGROUND = "#fafafa"
FOREGROUND = "#262626"
MUTED = "#a8a8a8"
# In the order in which lines use them; they differ in lightness too, for readers who see no hue.
COLOURS = (
    "#16324f",
    "#c0562f",
    "#4f9d8f",
    "#d9a441",
    "#7d5ba6",
    "#8c96a3",
    "#a33b5c",
    "#5f7f2a",
    "#3f7cbf",
    "#6b4a3a",
)

FONT_SIZE, TITLE_SIZE = 9, 11
LABEL_CHARACTERS = 46
"""Characters of a vertical axis label that fit the height of a figure."""
THIN = 0.7
"""The width of thin lines in points."""
DPI = 150
FIGURE_FORMATS = (".png", ".svg", ".pdf")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's built-in font at `size` pixels, which is the same on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def figure(columns: int = 1, width: float = 6.4, height: float = 4.0) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of `width` by `height` inches with `columns` axes side by side.

    The figure is made without pyplot, so that no global state changes and no window opens.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), dpi=DPI, facecolor=BACKGROUND, layout="constrained")
    axes = [fig.add_subplot(1, columns, column + 1) for column in range(columns)]
    for ax in axes:
        ax.set_facecolor(BACKGROUND)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(MUTED)
        ax.tick_params(which="both", colors=FOREGROUND, labelsize=FONT_SIZE, color=MUTED)
        ax.grid(True, which="major", color=FOREGROUND, alpha=0.07, linewidth=THIN)
        ax.set_axisbelow(True)
    return fig, axes


def set_labels(ax: Axes, title: str, x: str = "", y: str = "") -> None:
    """Set the title of `ax`, flush left, and the labels of its axes, the vertical one wrapped."""
    ax.set_title(title, fontsize=TITLE_SIZE, color=FOREGROUND, loc="left", pad=10)
    ax.set_xlabel(x, fontsize=FONT_SIZE, color=FOREGROUND)
    ax.set_ylabel(textwrap.fill(y, LABEL_CHARACTERS), fontsize=FONT_SIZE, color=FOREGROUND)


def legend(ax: Axes, **place: Any) -> None:
    """Add a legend without a frame to `ax`; `place` is passed to matplotlib's `legend`."""
    ax.legend(frameon=False, fontsize=FONT_SIZE, labelcolor=FOREGROUND, **place)


def save(fig: Figure, path: str | Path) -> None:
    """Write a figure atomically to `path` in the format of its suffix, .png, .svg or .pdf.

    The same figure gives the same bytes, except for element ids of an SVG. Raises `UsageError` for another suffix and
    `InkwashError` when the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in FIGURE_FORMATS:
        raise UsageError(
            f"figure '{path.name}' has no known format: end its name in {', '.join(FIGURE_FORMATS)}",
            code="wrong-file",
            field="path",
        )
    # A date would make equal figures differ; the chunk marks a PNG as written by inkwash, which may overwrite it.
    undated = {".png": {"Software": None, CHUNK: "{}"}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with atomic(path) as temporary:
        fig.savefig(temporary, format=kind[1:], metadata=undated[kind])


def plain_ticks(ax: Axes) -> None:
    """Label logarithmic axes by plain numbers, 0.05 instead of 5 × 10⁻²; a narrow range has ticks at 2 and 5 as well."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() != "log":
            continue
        subs = (1.0, 2.0, 5.0) if high < 1000 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axis.set_minor_formatter(NullFormatter())
