"""Values as HTML, for notebooks: a cell that ends in an object shows what its `_repr_html_` returns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from inkwash.text.printing import printable, shortened


def table(title: str, rows: Iterable[Sequence[object]], header: Sequence[str] = (), note: str = "") -> str:
    """Return a table with a `title`: the first cell of each of the `rows` is its name, None an empty cell.

    All texts are escaped, and those of cells cut after 200 characters; `note` is a paragraph below.
    """
    head = f"<thead><tr>{''.join(_cell('th', name) for name in header)}</tr></thead>" if header else ""
    body = "".join(
        f"<tr>{_cell('th', name)}{''.join(_cell('td', value) for value in values)}</tr>" for name, *values in rows
    )
    below = f"<p>{_text(note)}</p>" if note else ""
    return f"<table><caption>{_text(title)}</caption>{head}<tbody>{body}</tbody></table>{below}"


def _cell(tag: str, value: object) -> str:
    return f'<{tag} style="text-align: left">{"" if value is None else _text(shortened(str(value)))}</{tag}>'


def _text(text: str) -> str:
    return escape(printable(text))
