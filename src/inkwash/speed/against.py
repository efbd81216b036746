"""inkwash beside diffusers: the same work in the same turns, and how many times faster the one is than the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product

import torch

from inkwash.hardware import devices
from inkwash.nets import summary
from inkwash.speed import flops
from inkwash.speed.drawing import MANY, Drawing
from inkwash.speed.subjects import Subject
from inkwash.speed.theirs import Theirs, library
from inkwash.speed.training import Training
from inkwash.speed.trials import Piece, Spread, Turns, lasting, once

SCHEDULERS = {
    "ddpm": "DDPMScheduler",
    "ddim:50": "DDIMScheduler",
    "dpm++2m:20": "DPMSolverMultistepScheduler",
}
"""Our samplers, and the scheduler of diffusers that is each."""

SOME = 20
"""Steps of ddpm that are timed; every step costs the same, so that all of them are told from these."""


@dataclass(frozen=True)
class Rival:
    """The network of diffusers beside ours: parameters and operations of a forward, of theirs and of ours."""

    name: str
    diffusers: str
    widths: tuple[int, ...]
    parameters: tuple[int, int]
    forward_flops: tuple[int, int]


@dataclass(frozen=True)
class Ratio:
    """Seconds of `ours` and `theirs` for the same `work`, and how many times longer theirs took in the same turn.

    `evaluations` of the network an image, 0 for a training step. `timed` of them were timed, and the rest told from them.
    """

    name: str
    work: str
    precision: str
    evaluations: int
    timed: int
    ours: Spread
    theirs: Spread
    ratio: Spread


@dataclass(frozen=True)
class Contest:
    """The same work twice, as pieces that follow each other; of the `evaluations` only the `timed` ones are done."""

    name: str
    work: str
    precision: str
    ours: Piece
    theirs: Piece
    evaluations: int = 0
    timed: int = 0

    def ratio(self, turns: Turns) -> Ratio:
        """Return what the `turns` came to."""
        ours, theirs = turns[self.ours.name], turns[self.theirs.name]
        factor = self.evaluations / self.timed if self.timed else 1.0
        return Ratio(
            self.name,
            self.work,
            self.precision,
            self.evaluations,
            self.timed,
            Spread.of(factor * each for each in ours),
            Spread.of(factor * each for each in theirs),
            Spread.of(long / short for long, short in zip(theirs, ours, strict=True)),
        )


def fastest(contests: Sequence[Contest], turns: Turns) -> list[Contest]:
    """Return the `contests`, and after those of one work its fastest of ours against the fastest of theirs.

    A precision that gains for the one can lose for the other: people take the better one.
    """
    found = []
    for _, same in groupby(contests, key=lambda each: (each.name, each.work)):
        several = list(same)
        ours, theirs = (
            min(pieces, key=lambda piece: Spread.of(turns[piece.name]).median)
            for pieces in ([each.ours for each in several], [each.theirs for each in several])
        )
        best = replace(several[0], precision="fastest", ours=ours, theirs=theirs)
        found += [*several, best] if len(several) > 1 else several
    return found


def rival(subject: Subject, theirs: Theirs) -> Rival:
    """Return what is to be said of the two networks."""
    return Rival(
        subject.name,
        library().__version__,
        theirs.widths,
        (summary.parameters(theirs.net), summary.parameters(subject.model.net)),
        (theirs.flops, flops.forward(subject.model)),
    )


def training(subject: Subject, theirs: Theirs, precisions: Sequence[str], device: torch.device) -> list[Contest]:
    """Return a training step of ours and of theirs in each precision, on batches of one size."""
    return [_training(subject, theirs, precision, device) for precision in precisions]


def drawing(subject: Subject, theirs: Theirs, precisions: Sequence[str]) -> list[Contest]:
    """Return the drawing of 64 images by each pair of samplers in each precision, with as many evaluations."""
    return [_drawing(subject, theirs, *both) for both in product(SCHEDULERS, precisions)]


def _training(subject: Subject, theirs: Theirs, precision: str, device: torch.device) -> Contest:
    ours = Training(subject, device, precision)
    step = theirs.training(ours.batch, subject.data.values, devices.PRECISIONS[precision])
    told = f"training step of {ours.batch}"
    name = f"{subject.name}: {told}, {precision}"
    return Contest(subject.name, told, precision, lasting(f"{name}, ours", ours.step), lasting(f"{name}, theirs", step))


def _drawing(subject: Subject, theirs: Theirs, sampler: str, precision: str) -> Contest:
    whole = subject.model.sampler(sampler).evaluations
    timed = min(SOME, whole) if sampler == "ddpm" else whole
    ours = Drawing(subject, f"ddpm:{timed}" if sampler == "ddpm" else sampler, precision)
    other = theirs.drawing(SCHEDULERS[sampler], timed, MANY, devices.PRECISIONS[precision])
    one = theirs.drawing(SCHEDULERS[sampler], 1, MANY, devices.PRECISIONS[precision])
    name = f"{subject.name}: {MANY} by {sampler}, {precision}"
    return Contest(
        subject.name,
        f"{MANY} by {sampler}",
        precision,
        Piece(f"{name}, ours", lambda: ours.draw(MANY), expected=timed * once(lambda: ours.evaluate(MANY))),
        Piece(f"{name}, theirs", other, expected=timed * once(one)),
        whole,
        timed,
    )
