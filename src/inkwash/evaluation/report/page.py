"""A page: one HTML file that needs nothing beside it, on a desk and on a phone, by day and by night.

It is built as a tree, so that no name, however it is spelt, can become markup.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element as Element

import numpy as np
from numpy.typing import NDArray

from inkwash.errors import UsageError
from inkwash.evaluation.report.style import STYLE
from inkwash.io.atomic import atomic
from inkwash.io.names import path_in

Content = str | Element | None

INDEX = "index.html"
GENERATOR = '<meta name="generator" content="inkwash report">'
"""What marks a page as one that may be written anew."""
_FILES = '<meta name="inkwash-files" content="'


def element(tag: str, *content: Content, **attributes: str) -> Element:
    """Return an element that holds `content` in turn; `class_` and `aria_label` are `class` and `aria-label`."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif part and len(made):
            made[-1].tail = (made[-1].tail or "") + part
        elif part:
            made.text = (made.text or "") + part
    return made


def section(title: str, *content: Content) -> Element:
    """Return a part of the page under a heading."""
    return element("section", element("h2", title), *content)


def listing(items: Sequence[Content], **attributes: str) -> Element:
    """Return a list."""
    return element("ul", *(element("li", item) for item in items), **attributes)


def definitions(spec: Mapping[str, str], **attributes: str) -> Element:
    """Return names with what they mean, or are."""
    pairs = (element("div", element("dt", name), element("dd", told)) for name, told in spec.items())
    return element("dl", *pairs, **attributes)


def table(caption: str, columns: Sequence[Content], rows: Sequence[Sequence[Content]]) -> Element:
    """Return a table that scrolls sideways where it is too wide; the first cell of a row is its heading."""
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest))
        for first, *rest in rows
    ]
    held = element(
        "table", element("caption", element("span", caption)), element("thead", head), element("tbody", *body)
    )
    return element("div", held, class_="scroll", role="region", aria_label=caption, tabindex="0")


def picture(image: bytes, alt: str, **attributes: str) -> Element:
    """Return a picture that is part of the page."""
    uri = f"data:image/png;base64,{base64.b64encode(image).decode('ascii')}"
    return element("img", src=uri, alt=alt, **attributes)


def plot(image: bytes, alt: str) -> Element:
    """Return a drawing in ink on paper, which turns to chalk by night."""
    return element("figure", picture(image, alt), class_="plot")


def plots(shown: Sequence[tuple[str, bytes]]) -> Element:
    """Return small drawings side by side, each over its name."""
    held = (element("div", plot(image, name), element("p", name, class_="small")) for name, image in shown)
    return element("div", *held, class_="plots")


class Tile(NamedTuple):
    """Pictures one below the other, each uint8 [H, W] or [H, W, 3] with its alternative text, and a caption."""

    pictures: Sequence[tuple[NDArray[np.uint8], str]]
    caption: str = ""


def tiles(shown: Sequence[Tile], across: int | None = None) -> Element:
    """Return small pictures with crisp pixels side by side: `across` of them, or as many as there is room for."""
    items = []
    for tile in shown:
        images = [picture(png(pixels), alt) for pixels, alt in tile.pictures]
        caption = element("figcaption", tile.caption) if tile.caption else None
        items.append(element("li", element("figure", *images, caption)))
    style = {"style": f"grid-template-columns:repeat({across},1fr)"} if across else {}
    return element("ul", *items, class_="tiles", **style)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return uint8 pixels [H, W] or [H, W, 3] as PNG."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, format="PNG", optimize=True)
    return held.getvalue()


def drawn(draw: Callable[[Path], object]) -> bytes:
    """Return the PNG that `draw` writes to the path it is given."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return path.read_bytes()


@dataclass
class Page:
    """A page with the files that lie beside it; nothing is written before `write`."""

    title: str
    lead: str
    content: list[Element] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def html(self) -> str:
        """Return the whole document."""
        body = element("main", element("h1", self.title), element("p", self.lead, class_="lead"), *self.content)
        text = ElementTree.tostring(body, encoding="unicode", method="html", short_empty_elements=False)
        title = ElementTree.tostring(element("title", self.title), encoding="unicode", method="html")
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{GENERATOR}\n'
            f'{_FILES}{" ".join(self.files)}">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"{title}\n<style>\n{STYLE}</style>\n</head>\n<body>\n{text}\n</body>\n</html>\n"
        )

    def write(self, folder: Path) -> Path:
        """Write the page and its files into `folder`, and take away those of the page that it replaces.

        Raises `UsageError` as `check_free` does, `InkwashError` when the folder cannot be written.
        """
        check_free(folder)
        earlier = _files_of(folder / INDEX)
        # the page comes first: whatever stops the rest, the folder is known as a report and may be written again
        _put(folder / INDEX, self.html().encode("utf-8", "replace"))
        for name, content in self.files.items():
            _put(path_in(folder, name), content)
        for name in earlier - set(self.files):
            path_in(folder, name).unlink(missing_ok=True)
        return folder / INDEX


def check_free(folder: Path) -> None:
    """Make sure that a report may be written into `folder`: it is new, empty, or holds a report.

    Raises `UsageError` for a file, another's folder, or a place that cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file and a report is a folder: choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not _is_report(folder / INDEX):
        raise UsageError(
            f"{folder} already holds something that is no report, and nothing is overwritten: choose another folder"
        )
    above = folder
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise UsageError(f"{folder} cannot be made: {above} is a file; choose another place")
    if not os.access(above, os.W_OK):
        raise UsageError(f"{folder} cannot be written: choose another place")


def _head(index: Path) -> str:
    """The first lines of a page, down to its style."""
    if not index.is_file():
        return ""
    with index.open(encoding="utf-8", errors="replace") as file:
        return file.read(2000).partition("<title>")[0]


def _is_report(index: Path) -> bool:
    return GENERATOR in _head(index)


def _files_of(index: Path) -> set[str]:
    """The files beside an earlier report; names alone, so that nothing beyond the folder can be meant."""
    names = _head(index).partition(_FILES)[2].partition('"')[0].split()
    return {name for name in names if name == Path(name).name and (index.parent / name).is_file()}


def _put(path: Path, content: bytes) -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(content)
