"""What is asked of `bench`, as one value; everything it times, in one row of turns; and the report that comes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

import torch

from inkwash.errors import UsageError, unknown_name
from inkwash.hardware import devices
from inkwash.runs.folder import commit, surroundings
from inkwash.speed import against, memory, peak, starting
from inkwash.speed.against import Contest, Ratio, Rival
from inkwash.speed.drawing import Drawing, Pace
from inkwash.speed.memory import Errand
from inkwash.speed.peak import Peak
from inkwash.speed.starting import Start
from inkwash.speed.subjects import Subject
from inkwash.speed.theirs import Theirs
from inkwash.speed.training import Throughput, Training
from inkwash.speed.trials import Piece, Spread, Turns, in_turn

BENCHES = {
    "train": ("training",),
    "sample": ("drawing", "starting"),
    "all": ("training", "drawing", "starting"),
}
"""The benches, and what each of them times."""

CHILD = 6.0
"""Seconds that a child process for memory is expected to take, for the time that is announced only."""


@dataclass(frozen=True)
class Asked:
    """The request as the user gave it; None means the default, and `own` is the file of --with."""

    bench: str
    trials: int
    things: tuple[str, ...] = ()
    samplers: tuple[str, ...] | None = None
    precisions: tuple[str, ...] | None = None
    device: str = "auto"
    threads: int | None = None
    against: bool = False
    own: str | None = None

    def __post_init__(self) -> None:
        if self.bench not in BENCHES:
            raise unknown_name("bench", self.bench, BENCHES)
        if self.trials < 1:
            raise UsageError(f"--trials is {self.trials}: it must be at least 1")
        cores = os.cpu_count() or 1
        if self.threads is not None and not 1 <= self.threads <= cores:
            raise UsageError(f"--threads is {self.threads}: it must be at least 1, and at most the {cores} cores here")
        if self.samplers and "drawing" not in BENCHES[self.bench]:
            raise UsageError("--sampler has no effect on bench train: leave it out, or ask for sample or all")
        if len(set(self.things)) < len(self.things):
            raise UsageError(f"{' '.join(self.things)}: one of them is named twice")

    def resolve(self, stage: Callable[[str, float], object] = lambda what, share: None) -> Plan:
        """Return what is to be timed. Raises `UsageError` or `InkwashError` for what cannot be trained or drawn from.

        The number of threads is set here, for this process and its children. `stage(what, share)` hears what goes on.
        """
        place, parts = devices.device(self.device), BENCHES[self.bench]
        asked = _once(_named(name, place) for name in self.precisions or ())
        usual = asked or list(peak.gaining(place))
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        subjects = []
        for thing in self.things:
            stage(f"loading {thing}", 0)
            subjects.append(Subject.of(thing, place))
        # before anything is timed, because diffusers may be missing
        theirs = {subject.name: Theirs(subject.model) for subject in subjects} if self.against else {}
        trainings, drawings = [], []
        if "training" in parts:
            trainings = [Training(each, place, name) for each, name in product(subjects, asked or (None,))]
        if "drawing" in parts:
            both = ((each, sampler) for each in subjects for sampler in self.samplers or (each.fast_sampler,))
            drawings = [Drawing(*one, name) for one, name in product(both, usual)]
        contests: list[Contest] = []
        for subject in subjects if self.against else ():
            stage(f"fitting a network of diffusers to {subject.name}", 0)
            if "training" in parts:
                contests += against.training(subject, theirs[subject.name], usual, place)
            if "drawing" in parts:
                contests += against.drawing(subject, theirs[subject.name], usual)
        stage("looking for the fastest convolution", 0)
        used = [*(part.precision for part in trainings), *(part.precision for part in drawings)]
        peaks = {name: peak.find(name, place) for name in _once([*peak.gaining(place), *used])}
        stage("timing one of each", 0)
        return Plan(
            self,
            place,
            peaks,
            trainings,
            # one sampler can be written in two ways
            list({drawing.name: drawing for drawing in drawings}.values()),
            contests,
            starting.pieces(subjects, place.type, self.own) if "starting" in parts else [],
            [against.rival(subject, theirs[subject.name]) for subject in subjects if self.against],
        )


@dataclass(frozen=True)
class Plan:
    """Everything that is timed, in the order of a turn: peaks, training, drawing, contests, starts."""

    asked: Asked
    device: torch.device
    peaks: dict[str, Peak]
    trainings: Sequence[Training]
    drawings: Sequence[Drawing]
    contests: Sequence[Contest]
    starts: Sequence[Piece]
    rivals: Sequence[Rival]
    pieces: Sequence[Piece] = field(init=False)

    def __post_init__(self) -> None:
        pieces = [each.piece for each in self.peaks.values()]
        pieces += [training.piece() for training in self.trainings]
        pieces += [piece for drawing in self.drawings for piece in drawing.pieces()]
        pieces += [piece for contest in self.contests for piece in (contest.ours, contest.theirs)]
        object.__setattr__(self, "pieces", [*pieces, *self.starts])

    @property
    def count(self) -> int:
        """The number of times that `run` calls `done`."""
        return len(self.pieces) * (self.asked.trials + 1) + self._children

    @property
    def seconds(self) -> float:
        """About how long `run` takes."""
        turn = sum(piece.times * piece.expected for piece in self.pieces)
        return turn * (self.asked.trials + 1) + self._children * CHILD

    def run(self, done: Callable[[int], object] = lambda count: None) -> Report:
        """Time everything and return the report; `done(count)` hears how far it is, of `count`."""
        finished = 0

        def more() -> None:
            nonlocal finished
            finished += 1
            done(finished)

        turns = in_turn(self.pieces, self.asked.trials, done=more)

        def bytes_of(part: Training | Drawing) -> int | None:
            held = memory.of(self._errand(part))
            more()
            return held

        return Report(
            surroundings(self.device, commit()),
            self.asked.trials,
            [Top(each.precision, each.convolution, Spread.of(each.gflops(turns))) for each in self.peaks.values()],
            [part.told(turns, self.peaks[part.precision], bytes_of(part)) for part in self.trainings],
            [part.told(turns, self.peaks[part.precision], bytes_of(part)) for part in self.drawings],
            starting.starts(self.starts, turns),
            list(self.rivals),
            [contest.ratio(turns) for contest in against.fastest(self.contests, turns)],
            turns,
        )

    @property
    def _children(self) -> int:
        return len(self.trainings) + len(self.drawings)

    def _errand(self, part: Training | Drawing) -> Errand:
        place, own = self.device.type, self.asked.own
        if isinstance(part, Drawing):
            return Errand("draw", part.subject.name, part.precision, place, part.sampler, own)
        return Errand("train", part.subject.name, part.precision, place, None, own)


@dataclass(frozen=True)
class Top:
    """The fastest `convolution` of a precision, and the GFLOP/s that it reached."""

    precision: str
    convolution: str
    gflops: Spread


@dataclass(frozen=True)
class Report:
    """All figures of one run: the `machine` with its versions, and what every part came to; `turns` are the raw seconds."""

    machine: dict[str, Any]
    trials: int
    peaks: list[Top]
    training: list[Throughput]
    drawing: list[Pace]
    starting: list[Start]
    rivals: list[Rival]
    against: list[Ratio]
    turns: Turns

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def _named(precision: str, device: torch.device) -> str:
    return "float32" if devices.precision(precision, device) is None else "bfloat16"


def _once(names: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(names))
