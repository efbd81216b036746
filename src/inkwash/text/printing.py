"""Print text from outside with terminal control sequences escaped."""

from __future__ import annotations

import builtins
from typing import Any


def printable(text: str) -> str:
    r"""Return `text` with every character that a terminal may act on written as its escape, as in "\x1b".

    These are the characters that `str.isprintable` rejects (control, bidirectional and unassigned ones, lone
    surrogates), except for newline and tab.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode("ascii") for each in text
    )


def print(*values: object, **options: Any) -> None:
    """Print `values` as the built-in function does, each made `printable`."""
    builtins.print(*(printable(str(value)) for value in values), **options)
