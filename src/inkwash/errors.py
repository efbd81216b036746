"""The errors and warnings of inkwash: one line that names the thing, the cause and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from inkwash.text import synonyms
from inkwash.text.printing import print

ErrorCode = Literal[
    "unknown-name",  # a sampler, model, recipe, class, ... that does not exist
    "unknown-field",  # a field, option or command that does not exist
    "missing-field",  # a required value is not given
    "invalid-value",  # a value of another type, or text that cannot be parsed
    "out-of-range",  # a number outside the range that its field allows
    "no-effect",  # a value that would change nothing in this request
    "conflict",  # two values that exclude each other
    "unsupported",  # this model, file format or data set has no such operation
    "mismatch",  # data, recipe or checkpoint differ from those that the operation needs
    "invalid-data",  # the content of arrays or images: dtype, shape, count, labels, range
    "too-large",  # beyond a limit of memory, pixels or bytes
    "missing-file",  # a path that does not exist
    "wrong-file",  # a file or folder of another kind or format
    "damaged-file",  # truncated, or of another checksum
    "exists",  # an output that is there already and would be overwritten
    "unsafe-path",  # a name or link that leads out of its folder
    "io",  # the operating system failed to read or write
    "download",  # a file that no server provided
    "missing-package",  # an optional package that is not installed
    "missing-device",  # hardware that this machine does not have
    "non-finite",  # a loss or result that is NaN or infinite
    "plugin-failed",  # an error raised by Python code of the user
    "no-access",  # a request to the server from another site, to another host name, or without its token
    "busy",  # the queue of the server is full
    "worker-failed",  # another process of the same command failed
    "internal",  # an error in inkwash itself
]
"""The kinds of error. They do not change with the wording of messages."""


class InkwashError(Exception):
    """An operation failed although the request was valid: a damaged file, a full disk, a NaN loss.

    `code` is the kind of error, and `field` the argument or field of the recipe at fault ("steps", "optimizer.lr"),
    None for an error that is not of one argument.
    """

    exit_code = 1

    def __init__(self, message: str, *, code: ErrorCode, field: str | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.field = field


class UsageError(InkwashError):
    """The request is invalid: an unknown name, a value out of range, a flag without effect."""

    exit_code = 2


@contextmanager
def renamed_fields(**names: str) -> Iterator[None]:
    """Rename the fields of errors that are raised in this context: `size="data.size"` for the recipe's field."""
    try:
        yield
    except InkwashError as error:
        error.field = names.get(error.field or "", error.field)
        raise


def is_main_process() -> bool:
    """Return whether this process prints for all: it is the only one, or the first of those that torchrun started."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK", "0") == "0"


def warn(text: str) -> None:
    """Print one line on stderr, in the main process only, about a result that differs from the request."""
    if is_main_process():
        print(f"warning: {text}", file=sys.stderr)


def unknown_name(what: str, name: str, known: Iterable[str], rest: str = "", field: str | None = None) -> UsageError:
    """Return the error for a `name` that is not among `known`, with the valid one that it most likely means.

    `what` is the kind of thing ("sampler") or the field ("schedule.kind") that is named, and `field` the argument where
    that is called otherwise; `rest` is text after the name, which the valid one keeps (":50").
    """
    names = sorted(known)
    near = synonyms.nearest(what, name, names)
    hint = f"did you mean '{near}{rest}'? " if near else ""
    choice = f"{hint}known: {few_of(names)}" if names else "there is none"
    return UsageError(f"unknown {what} '{name}': {choice}", code="unknown-name", field=field or what)


def few_of(names: Sequence[str], most: int = 60) -> str:
    """Return names for a message, of thousands of classes the first `most` and the number of the others."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def missing_extra(purpose: str, extra: str) -> UsageError:
    """Return the error for packages of an `extra` of inkwash that a `purpose` needs and that are not installed."""
    # pip keeps the inkwash that is installed, from a clone or a wheel, and adds the packages.
    message = f"{purpose} needs packages that are not installed: pip install 'inkwash[{extra}]'"
    return UsageError(message, code="missing-package", field=extra)


PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}
"""Suffixes of files in which other programs pickle models."""


def wrong_file_error(path: Path, role: str, wanted: str, field: str | None = None) -> UsageError:
    """Return the error for a file whose suffix is not that of a `role` ("model"); `wanted` lists what can be given.

    `field` is the argument where that is not called as the role.
    """
    if path.suffix.lower() in PICKLE_SUFFIXES:
        text = f"{path} is a pickle, which inkwash does not open because unpickling can run code: give {wanted}"
    else:
        text = f"{path} is not a {role}: give {wanted}"
    return UsageError(text, code="wrong-file", field=field or role)


def first_line(error: Exception) -> str:
    """Return the first line of an error of another library, for use in a message."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text.splitlines()[0] if text else type(error).__name__
