"""What inkwash says when it cannot go on: one line that names the thing, the cause and the way out."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable

from inkwash.printing import print


class InkwashError(Exception):
    """Something failed that the user did not ask for wrongly: a damaged file, a full disk, a NaN loss."""

    exit_code = 1


class UsageError(InkwashError):
    """The request itself cannot be met: an unknown name, a value out of range, a flag without effect."""

    exit_code = 2


def speaks() -> bool:
    """Return whether this process says what all find: it is alone, or the first of those that torchrun started."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0"


def warn(text: str) -> None:
    """Say in one line on stderr what went otherwise than was asked for; of several processes the first says it."""
    if speaks():
        print(f"warning, {text}", file=sys.stderr)


def unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is in no table, with the nearest valid one.

    `what` is the kind of thing in the user's words ("sampler", "recipe"), `known` the valid names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return UsageError(f"unknown {what} '{name}': {hint}known: {', '.join(names)}")
