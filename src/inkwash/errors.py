"""What inkwash says when it cannot go on: one line that names the thing, the cause and the way out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from inkwash.text import synonyms
from inkwash.text.printing import print


class InkwashError(Exception):
    """Something failed that the user did not ask for wrongly: a damaged file, a full disk, a NaN loss."""

    exit_code = 1


class UsageError(InkwashError):
    """The request itself cannot be met: an unknown name, a value out of range, a flag without effect."""

    exit_code = 2


class UnknownFieldError(UsageError):
    """A `field`, written as a path such as "optimizer.rate", that its section does not have."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def is_main_process() -> bool:
    """Return whether this process says what all find: it is alone, or the first of those that torchrun started."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0"


def warn(text: str) -> None:
    """Say in one line on stderr what went otherwise than was asked for; of several processes the first says it."""
    if is_main_process():
        print(f"warning, {text}", file=sys.stderr)


def unknown_name(what: str, name: str, known: Iterable[str], rest: str = "") -> UsageError:
    """Return the error for a name that is in no table, with the valid one that it most likely means.

    `what` is the kind of thing in the user's words ("sampler", "recipe"), `known` the valid names, `rest` what was given
    behind the name and belongs behind the valid one too (":50").
    """
    names = sorted(known)
    near = synonyms.nearest(what, name, names)
    hint = f"did you mean '{near}{rest}'? " if near else ""
    return UsageError(f"unknown {what} '{name}': {hint}known: {', '.join(names)}")


def missing_extra(purpose: str, extra: str) -> UsageError:
    """Return the error for packages of an `extra` of inkwash that a `purpose` needs and that are not installed."""
    # pip takes the inkwash that is installed, from a clone or a wheel, and adds the packages
    return UsageError(f"{purpose} needs packages that are not installed: pip install 'inkwash[{extra}]'")


PICKLES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}
"""File name endings under which other programs pickle models."""


def other_file(path: Path, role: str, wanted: str) -> UsageError:
    """Return the error for a file that by its ending is not a `role` ("model"); `wanted` lists what can be given."""
    if path.suffix.lower() in PICKLES:
        return UsageError(
            f"{path} is a pickle, which inkwash does not open because unpickling can run code: give {wanted}"
        )
    return UsageError(f"{path} is not a {role}: give {wanted}")


def reason(error: Exception) -> str:
    """Return one line of what an error of another library says, for an error of ours."""
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return said.splitlines()[0] if said else type(error).__name__
