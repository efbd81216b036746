"""The result of a call of the command line, and the types of the fixtures that call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from inkwash.errors import InkwashError
from inkwash.io import png_metadata

CopyRun = Callable[[Path], Path]


@dataclass(frozen=True)
class Runs:
    """Run folders: `plain` (unlabelled, eps, T = 300), `digits` (ten classes), `bees` (ant and bee, 1 : 3), `points`.

    `images` is the folder of 240 images that `bees` was trained on.
    """

    plain: Path
    digits: Path
    bees: Path
    points: Path
    images: Path


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


class CheckError(Protocol):
    """`check_error(case, arguments, code, field)` calls the command and compares the error and its golden message."""

    def __call__(
        self, case: str, arguments: Sequence[object], code: str, field: str | None, exit_code: int = 2
    ) -> None: ...


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return the metadata of an image, which it must have."""
    metadata = png_metadata.read_metadata(Path(path))
    assert metadata is not None
    return metadata
