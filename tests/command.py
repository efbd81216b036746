"""Call the command line in the process of the tests: the result, and the types of the fixtures that do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inkwash.cli import main
from inkwash.errors import InkwashError


@dataclass(frozen=True)
class Outcome:
    """The result of one call of the command: its exit code, what it printed, and the error it ended with, if any."""

    code: int
    out: str
    err: str
    error: InkwashError | None = None

    @property
    def message(self) -> str:
        """The line of the error, which is the last on stderr; there is no other and no traceback."""
        lines = self.err.strip().splitlines()
        assert [line for line in lines if line.startswith("inkwash: ")] == lines[-1:], self.err
        assert "Traceback" not in self.err + self.out
        assert not lines[-1].startswith("inkwash: unexpected"), lines[-1]
        return lines[-1].removeprefix("inkwash: ")

    @property
    def kind(self) -> tuple[str | None, str | None]:
        """The code and the field of the error."""
        assert self.error is not None, self
        return self.error.code, self.error.field


class Inkwash(Protocol):
    """`inkwash("sample", run, "-n", 4)` calls the command in this process."""

    def __call__(self, *arguments: object) -> Outcome: ...


class UsageErrorOf(Protocol):
    """`usage_error("sample", ...)` is (code, field) of the usage error that the command ends with."""

    def __call__(self, *arguments: object) -> tuple[str | None, str | None]: ...


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
