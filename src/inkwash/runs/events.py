"""The events of a run: those of its trainer, and the files that it writes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from inkwash.training.events import TrainingEvent


class Saved(NamedTuple):
    """A checkpoint written after `step`."""

    step: int
    path: Path


class Sampled(NamedTuple):
    """The preview of a milestone, sampled after `step` from the EMA model and written to `path`."""

    step: int
    path: Path


Event = TrainingEvent | Saved | Sampled
