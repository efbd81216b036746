"""Starting: from the shell to the answer, in fresh processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from inkwash.speed import children
from inkwash.speed.drawing import MANY
from inkwash.speed.subjects import Subject
from inkwash.speed.trials import Piece, Spread, Turns

BARE = {"python -m inkwash --version": ("-m", "inkwash", "--version"), "import inkwash": ("-c", "import inkwash")}
SOON, WITH_TORCH = 0.5, 5.0
"""Seconds that a command is expected to take without and with torch, for the time that is announced only."""


@dataclass(frozen=True)
class Start:
    """A `command` and the `seconds` from calling it to its end."""

    command: str
    seconds: Spread


def pieces(subjects: Sequence[Subject], device: str, own: str | None = None) -> list[Piece]:
    """Return the start-up of the command, the import, and the command that draws 64 images of each trained subject."""
    found = [Piece(told, partial(children.python, call), expected=SOON) for told, call in BARE.items()]
    trained = [subject for subject in subjects if subject.trained]
    return found + [Piece(told(subject), _drawing(subject, device, own), expected=WITH_TORCH) for subject in trained]


def told(subject: Subject) -> str:
    """Return the command that is timed, as it is shown."""
    return f"inkwash sample {subject.name} -n {MANY} --sampler {subject.fast_sampler}"


def starts(found: Sequence[Piece], turns: Turns) -> list[Start]:
    """Return what the turns of `pieces` came to."""
    return [Start(piece.name, Spread.of(turns[piece.name])) for piece in found]


def _drawing(subject: Subject, device: str, own: str | None) -> Callable[[], None]:
    command = told(subject).split()[1:]
    more = ["--device", device, *(() if own is None else ("--with", own))]

    def work() -> None:
        with TemporaryDirectory() as folder:
            children.python(["-m", "inkwash", *command, *more, "-q", "-o", str(Path(folder) / "drawn.png")])

    return work
