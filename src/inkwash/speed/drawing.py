"""Drawing: seconds for 64 images, and how long one image and one network evaluation take alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from inkwash.core.noise import Stream, normals
from inkwash.hardware import devices
from inkwash.nets import summary
from inkwash.sampling.run import SamplingSettings, frames, labels_for, sample_batches
from inkwash.speed import flops
from inkwash.speed.peak import Peak
from inkwash.speed.subjects import Subject
from inkwash.speed.trials import Piece, Spread, Turns, lasting, once

MANY = 64


@dataclass(frozen=True)
class Pace:
    """What drawing came to: `seconds` for 64 images with `evaluations` of the network an image, and for one alone.

    `memory` is of its process, in bytes.
    """

    name: str
    sampler: str
    precision: str
    evaluations: int
    parameters: int
    forward_flops: int
    seconds: Spread
    images_per_second: Spread
    gflops: Spread
    share_of_peak: Spread
    one_image: Spread
    one_evaluation: Spread
    memory: int | None


class Drawing:
    """Drawing from `subject` with `sampler`, None for its own fast one, without guidance, in `precision`.

    Raises `UsageError` for a sampler that the model cannot follow, and for an unknown precision.
    """

    def __init__(self, subject: Subject, sampler: str | None = None, precision: str = "float32") -> None:
        self.subject, self.model = subject, subject.model
        self.precision = "float32" if devices.precision(precision, self.model.device) is None else "bfloat16"
        self.settings = SamplingSettings(sampler or subject.fast_sampler, guidance=1.0, precision=self.precision)
        self.used = self.settings.sampler_of(self.model)

    @property
    def sampler(self) -> str:
        """The sampler with its steps, as in ddim:50."""
        return f"{self.used.kind}:{self.used.steps}"

    @property
    def name(self) -> str:
        """The name of its pieces of work, without how many images."""
        return f"draw {self.subject.name} {self.sampler} {self.precision}"

    def draw(self, count: int) -> Tensor:
        """Return `count` finished examples, drawn in one batch."""
        seeds = torch.arange(count)
        return next(sample_batches(self.model, seeds, labels_for(self.model, seeds), self.settings, batch=count)).values

    def begin(self, steps: int) -> None:
        """Take the first `steps` steps of 64 images: as much memory as all of them need."""
        seeds = torch.arange(MANY)
        for _ in islice(frames(self.model, seeds, labels_for(self.model, seeds), self.settings), steps):
            pass

    @torch.inference_mode()
    def evaluate(self, count: int) -> Tensor:
        """Return the network's guess of `count` images behind noise, half way along the path: one evaluation."""
        seeds = torch.arange(count)
        place, shape = self.model.device, self.model.spec.shape
        label = labels_for(self.model, seeds).to(place) if self.model.conditional else None
        noise = normals(seeds, 0, 0, Stream.SAMPLE, shape).to(place)
        return self.model.denoiser(guidance=1.0, precision=self.precision)(noise, self.used.schedule(0.5), label)

    def pieces(self) -> list[Piece]:
        """Return 64 images, one image, and one evaluation of one image, as pieces of work."""
        alone = lasting(f"{self.name}: one evaluation", lambda: self.evaluate(1))
        at_once = once(lambda: self.evaluate(MANY))
        calls = self.used.evaluations
        return [
            Piece(f"{self.name}: {MANY}", lambda: self.draw(MANY), expected=calls * at_once),
            Piece(f"{self.name}: 1", lambda: self.draw(1), expected=calls * alone.expected),
            alone,
        ]

    def told(self, turns: Turns, peak: Peak, memory: int | None) -> Pace:
        """Return what the `turns` came to, beside the `peak` of the same turns."""
        seconds, forward = turns[f"{self.name}: {MANY}"], flops.forward(self.model)
        cost = forward * self.used.evaluations * MANY
        return Pace(
            self.subject.name,
            self.sampler,
            self.precision,
            self.used.evaluations,
            summary.parameters(self.model.net),
            forward,
            Spread.of(seconds),
            Spread.of(MANY / each for each in seconds),
            Spread.of(flops.rates(cost, seconds)),
            Spread.of(flops.shares(cost, seconds, peak.gflops(turns))),
            Spread.of(turns[f"{self.name}: 1"]),
            Spread.of(turns[f"{self.name}: one evaluation"]),
            memory,
        )
