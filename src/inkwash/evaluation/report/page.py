"""Rendering of templates to one self-contained HTML file, and writing of report folders."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.evaluation.scores import format_score
from inkwash.io import png_metadata
from inkwash.io.atomic import atomic, require_creatable
from inkwash.io.names import path_in
from inkwash.viz.style import BACKGROUND, COLOURS, FOREGROUND, MUTED

if TYPE_CHECKING:
    from PIL import Image

INDEX = "index.html"
GENERATOR = '<meta name="generator" content="inkwash report">'
"""Marks a page as a report, which may be overwritten by another."""
FILES = '<meta name="inkwash-files" content="'
"""Starts the list of files beside the page, which are removed when it is overwritten."""
COLOUR_NAMES = {
    "paper": BACKGROUND,
    "ink": FOREGROUND,
    "muted": MUTED,
    "good": COLOURS[2],
    "fair": COLOURS[3],
    "poor": COLOURS[1],
}
"""Custom properties of the stylesheet, so that pages and plots share their colours."""


class Tile(NamedTuple):
    """Images one below the other, each uint8 [H, W] or [H, W, 3] with its alternative text, and a caption."""

    images: list[tuple[NDArray[np.uint8], str]]
    caption: str = ""


@dataclass
class Report:
    """A template with its variables, and the files beside the page by name; nothing is written before `write`."""

    template: str
    variables: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)

    def html(self) -> str:
        """Return the page."""
        # Import here, because most evaluations write no report.
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader(__package__, "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.globals["format_score"] = format_score
        environment.filters |= {"data_uri": data_uri, "png": png}
        return environment.get_template(f"templates/{self.template}").render(
            self.variables, generator=GENERATOR, files_start=FILES, files=self.files, colours=COLOUR_NAMES
        )

    def add_image(self, name: str, image: Image.Image, metadata: dict[str, str]) -> None:
        """Add a PNG file with its metadata."""
        self.add_plot(name, lambda path: png_metadata.save_png(image, path, metadata))

    def add_plot(self, name: str, draw: Callable[[Path], object]) -> None:
        """Add the PNG file that `draw` writes to the path it is given."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "image.png"
            draw(path)
            self.files[name] = path.read_bytes()

    def write(self, folder: Path) -> list[Path]:
        """Write the page and its files into `folder`, remove those of the report it replaces, and return all paths.

        Raises `UsageError` as `require_report_folder` does, `InkwashError` where the folder cannot be written.
        """
        require_report_folder(folder)
        index = folder / INDEX
        previous = _files_of(index)
        # The page is first, so that after an interruption the folder counts as a report and may be overwritten.
        paths = [index, *(path_in(folder, name) for name in self.files)]
        for path, content in zip(paths, (self.html().encode("utf-8", "replace"), *self.files.values()), strict=True):
            with atomic(path) as temporary:
                temporary.write_bytes(content)
        for name in previous - set(self.files):
            path_in(folder, name).unlink(missing_ok=True)
        return paths


def data_uri(image: bytes) -> str:
    """Return a PNG file as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return uint8 pixels [H, W] or [H, W, 3] as a PNG file."""
    from PIL import Image

    return png_metadata.png_bytes(Image.fromarray(pixels))


def require_report_folder(folder: Path) -> None:
    """Raise `UsageError` unless `folder` is new, empty or a report, and writable."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder: choose another", code="wrong-file", field="report")
    if folder.is_dir() and any(folder.iterdir()) and GENERATOR not in _head(folder / INDEX):
        raise UsageError(
            f"{folder} holds other files than a report, and nothing is overwritten: choose another folder",
            code="exists",
            field="report",
        )
    require_creatable(folder / INDEX, "report")


def _head(index: Path) -> str:
    """Return the start of a page up to its title."""
    if not index.is_file():
        return ""
    with index.open(encoding="utf-8", errors="replace") as file:
        return file.read(2000).partition("<title>")[0]


def _files_of(index: Path) -> set[str]:
    """Return the files beside an existing report, without any name that is a path."""
    names = _head(index).partition(FILES)[2].partition('"')[0].split()
    return {name for name in names if name == Path(name).name and (index.parent / name).is_file()}
