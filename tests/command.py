"""Call the command line in the process of the tests."""

from __future__ import annotations

from collections.abc import Sequence

from inkwash.cli import main
from inkwash.errors import InkwashError


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
