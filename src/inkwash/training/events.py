"""The events that a `Trainer` yields."""

from __future__ import annotations

from typing import NamedTuple

from inkwash.training.validation import LossByNoiseLevel


class Step(NamedTuple):
    """A training step: its number from 1 on, the loss of its batch, the learning rate and the norm of the gradient.

    `mean_loss` is the mean over the steps since the last one that had it: every tenth step, each of the first ten and
    the last step have one, the others None.
    """

    number: int
    loss: float
    rate: float
    gradient: float
    mean_loss: float | None = None

    @property
    def step(self) -> int:
        """The number of the step, as other events call it."""
        return self.number


class Measured(NamedTuple):
    """A validation of the EMA model after `step`: its loss by noise level.

    `improved` marks the lowest mean loss so far; `milestone` is the name of the milestone at this step, None without one.
    """

    step: int
    profile: LossByNoiseLevel
    improved: bool
    milestone: str | None

    @property
    def validation_loss(self) -> float:
        """The mean over noise levels."""
        return self.profile.mean


class Planned(NamedTuple):
    """A new total number of steps for a length in minutes, planned after `step` at `pace` seconds per step.

    `first` marks the first plan of a session; its `warning` is set when the total is too small to learn anything.
    """

    step: int
    total: int
    pace: float
    first: bool
    warning: str | None


TrainingEvent = Step | Measured | Planned
