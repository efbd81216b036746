"""The types of the fixtures of the command-line tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from command import Inkwash as Inkwash
from command import Outcome as Outcome
from command import UsageErrorOf as UsageErrorOf

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


def is_text(outcome: Outcome) -> bool:
    """Return whether a command ended without a traceback and printed no control characters."""
    printed = outcome.out + outcome.err
    assert outcome.code in (0, 1, 2) and "Traceback" not in printed and "unexpected" not in printed, printed
    return all(each.isprintable() or each in "\n\t" for each in printed)
