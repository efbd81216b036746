"""What a run tells as it goes: every step, measurement, checkpoint and picture. Bars, logs and tests read the same."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from inkwash.training.loop import Step
from inkwash.training.validation import Profile


class Measured(NamedTuple):
    """A held-out measurement after `step`: the averaged network's loss by level."""

    step: int
    profile: Profile


class Saved(NamedTuple):
    """A checkpoint written after `step`."""

    step: int
    path: Path


class Sampled(NamedTuple):
    """A milestone's picture, drawn after `step` from the averaged network."""

    step: int
    path: Path


class Planned(NamedTuple):
    """The new last step of a run of so many minutes, planned after `step` at `pace` seconds per step.

    `first` marks the session's first plan, whose `warning` says that it has too few steps to learn anything.
    """

    step: int
    total: int
    pace: float
    first: bool
    warning: str | None


Event = Step | Measured | Saved | Sampled | Planned
