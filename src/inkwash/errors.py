"""The errors and warnings of inkwash: one line that names the thing, the cause and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from inkwash.text import synonyms
from inkwash.text.printing import print


class InkwashError(Exception):
    """An operation failed although the request was valid: a damaged file, a full disk, a NaN loss.

    `code` names the kind of error for programs, as in "out-of-range"; it does not change with the wording. `field` is
    the path of the setting that was refused, as in "optimizer.lr".
    """

    exit_code = 1

    def __init__(self, message: str = "", *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.field = code, field


class UsageError(InkwashError):
    """The request is invalid: an unknown name, a value out of range, a flag without effect."""

    exit_code = 2


def is_main_process() -> bool:
    """Return whether this process prints for all: it is the only one, or the first of those that torchrun started."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0"


def warn(text: str) -> None:
    """Print one line on stderr, in the main process only, about a result that differs from the request."""
    if is_main_process():
        print(f"warning, {text}", file=sys.stderr)


def unknown_name(what: str, name: str, known: Iterable[str], rest: str = "") -> UsageError:
    """Return the error for a `name` that is not among `known`, with the valid one that it most likely means.

    `what` is the kind of thing ("sampler") or the field ("schedule.kind") that is named, `rest` what followed the name
    and is to follow the valid one too (":50").
    """
    names = sorted(known)
    near = synonyms.nearest(what, name, names)
    hint = f"did you mean '{near}{rest}'? " if near else ""
    return UsageError(f"unknown {what} '{name}': {hint}known: {', '.join(names)}", code="unknown-name", field=what)


def missing_extra(purpose: str, extra: str) -> UsageError:
    """Return the error for packages of an `extra` of inkwash that a `purpose` needs and that are not installed."""
    # pip keeps the inkwash that is installed, from a clone or a wheel, and adds the packages
    message = f"{purpose} needs packages that are not installed: pip install 'inkwash[{extra}]'"
    return UsageError(message, code="missing-package", field=extra)


PICKLES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}
"""Suffixes of files in which other programs pickle models."""


def other_file(path: Path, role: str, wanted: str) -> UsageError:
    """Return the error for a file whose suffix is not that of a `role` ("model"); `wanted` lists what can be given."""
    if path.suffix.lower() in PICKLES:
        return UsageError(
            f"{path} is a pickle, which inkwash does not open because unpickling can run code: give {wanted}",
            code="pickle",
        )
    return UsageError(f"{path} is not a {role}: give {wanted}", code="wrong-file")


def reason(error: Exception) -> str:
    """Return the first line of an error of another library, for use in a message."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.splitlines()[0] if text else type(error).__name__
