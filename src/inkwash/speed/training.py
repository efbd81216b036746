"""Training: images a second of real steps, with their batches, optimiser and average."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from inkwash.model import Model
from inkwash.nets import summary
from inkwash.runs.folder import RunFolder
from inkwash.runs.training_run import Run
from inkwash.speed import flops
from inkwash.speed.peak import Peak
from inkwash.speed.subjects import Subject
from inkwash.speed.trials import Piece, Spread, Turns, lasting

ENDLESS = "1000000 steps"


@dataclass(frozen=True)
class Throughput:
    """What training came to: images a second, GFLOP/s and share of the peak; `memory` of its process in bytes."""

    name: str
    data: str
    precision: str
    batch: int
    parameters: int
    forward_flops: int
    images_per_second: Spread
    gflops: Spread
    share_of_peak: Spread
    memory: int | None


class Training:
    """Training steps of `subject` in its recipe's precision, or another one; nothing is measured, kept or drawn between."""

    def __init__(self, subject: Subject, device: torch.device, precision: str | None = None) -> None:
        chosen = subject.model.recipe
        asked = precision or chosen.training.precision
        endless = replace(chosen.training, length=ENDLESS, milestones=(ENDLESS,), precision=asked)
        # no file is made: only a course that is followed writes into its folder
        course = Run(replace(chosen, training=endless), subject.data, RunFolder(Path("unwritten")), device)
        self.subject = subject
        self.batch = endless.batch
        self.precision = "float32" if course.precision is None else "bfloat16"
        self._loop = course.loop()

    @property
    def model(self) -> Model:
        """The model whose recipe is followed."""
        return self.subject.model

    @property
    def name(self) -> str:
        """The name of its piece of work."""
        return f"train {self.subject.name} {self.precision}"

    def step(self) -> None:
        """Do one training step."""
        next(self._loop)

    @cached_property
    def operations(self) -> int:
        """The operations of one step: forward and backward, second evaluations, and the optimiser's matrix products."""
        return flops.counted(self.step)

    def piece(self) -> Piece:
        """Return as many steps as fill a turn."""
        return lasting(self.name, self.step)

    def told(self, turns: Turns, peak: Peak, memory: int | None) -> Throughput:
        """Return what the `turns` came to, beside the `peak` of the same turns."""
        seconds = turns[self.name]
        return Throughput(
            self.subject.name,
            self.subject.data.name,
            self.precision,
            self.batch,
            summary.parameters(self.model.net),
            flops.forward(self.model),
            Spread.of(self.batch / each for each in seconds),
            Spread.of(flops.rates(self.operations, seconds)),
            Spread.of(flops.shares(self.operations, seconds, peak.gflops(turns))),
            memory,
        )
