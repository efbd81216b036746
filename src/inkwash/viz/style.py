"""The one look of every picture: ink on light paper, readable in grey, nothing that carries no fact."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkwash.errors import UsageError
from inkwash.io.atomic import atomic
from inkwash.io.png_metadata import CHUNK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import ImageFont

# paper and ink are neutral greys, so that a sheet of grey pictures stays a grey file
PAPER = "#fafafa"
INK = "#262626"
FAINT = "#a8a8a8"
# in the order in which lines take them: their lightness differs as well as their hue
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

LOOK: dict[str, Any] = {"size": 9, "title": 11, "hair": 0.7, "dots": 150}
FIGURE_FORMATS = (".png", ".svg", ".pdf")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font at `size` pixels, the one font of captions on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def figure(columns: int = 1, width: float = 6.4, height: float = 4.0) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of `width` by `height` inches with `columns` calm axes side by side.

    The figure is made without pyplot, so that no global state and no window is touched.
    """
    from matplotlib.figure import Figure

    page = Figure(figsize=(width, height), dpi=LOOK["dots"], facecolor=PAPER, layout="constrained")
    axes = [page.add_subplot(1, columns, column + 1) for column in range(columns)]
    for ax in axes:
        ax.set_facecolor(PAPER)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(FAINT)
        ax.tick_params(which="both", colors=INK, labelsize=LOOK["size"], color=FAINT)
        ax.grid(True, which="major", color=INK, alpha=0.07, linewidth=LOOK["hair"])
        ax.set_axisbelow(True)
    return page, axes


def describe(ax: Axes, title: str, x: str = "", y: str = "") -> None:
    """Give `ax` its title, flush left, and the names of its axes with their units."""
    ax.set_title(title, fontsize=LOOK["title"], color=INK, loc="left", pad=10)
    ax.set_xlabel(x, fontsize=LOOK["size"], color=INK)
    ax.set_ylabel(y, fontsize=LOOK["size"], color=INK)


def legend(ax: Axes, **place: Any) -> None:
    """Add a frameless legend of the named lines to `ax`; `place` goes to matplotlib's `legend`."""
    ax.legend(frameon=False, fontsize=LOOK["size"], labelcolor=INK, **place)


def save(page: Figure, path: str | Path) -> None:
    """Write a figure to `path` by its suffix, .png, .svg or .pdf, whole or not at all.

    The same figure gives the same bytes (an SVG other names of its parts). Raises `UsageError` for another
    suffix and `InkwashError` when the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in FIGURE_FORMATS:
        raise UsageError(f"cannot draw a figure as '{path.name}': end it in {', '.join(FIGURE_FORMATS)}")
    # a date would make two runs of one experiment differ; the chunk marks a PNG as inkwash's own
    undated = {".png": {"Software": None, CHUNK: "{}"}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with atomic(path) as temporary:
        page.savefig(temporary, format=kind[1:], metadata=undated[kind])


def plain_ticks(ax: Axes) -> None:
    """Write numbers on logarithmic axes in full, 0.05 and not 5 × 10⁻²; in a narrow range also between powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() != "log":
            continue
        subs = (1.0, 2.0, 5.0) if high < 1000 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
        axis.set_minor_formatter(NullFormatter())
