"""Print text from outside with terminal control sequences escaped, and quote it for command lines."""

from __future__ import annotations

import builtins
import shlex
from typing import Any

MAX_SHOWN = 200
"""Characters of a value that a message shows."""


def shortened(text: str) -> str:
    """Return `text` for a message, cut after `MAX_SHOWN` characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def quoted(value: object) -> str:
    """Return `value`, such as a path, as one word of a command line, in quotes if a shell would split or change it."""
    return shlex.quote(str(value))


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
