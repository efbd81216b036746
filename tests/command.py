"""Call the command line in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inkwash.cli import main
from inkwash.errors import InkwashError


@dataclass(frozen=True)
class Outcome:
    """The result of one call of the command: its exit code, what it printed, and the error that it ended with, if any."""

    code: int
    out: str
    err: str
    error: InkwashError | None = None


Command = Callable[..., Outcome]
"""The type of the fixture `inkwash`."""
ErrorOf = Callable[..., tuple[str, str | None]]
"""The type of the fixture `usage_error`."""


def call(arguments: Sequence[str]) -> tuple[int, InkwashError | None]:
    """Return the exit code of a command and the error that it ended with, if any."""
    try:
        main(arguments)
    except SystemExit as exit:
        error = exit.__cause__
        return exit.code if isinstance(exit.code, int) else 1, error if isinstance(error, InkwashError) else None


def run(arguments: Sequence[str]) -> int:
    """Return the exit code of a command."""
    return call(arguments)[0]
