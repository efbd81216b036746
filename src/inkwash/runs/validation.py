"""What a run measures of itself: its average's held-out loss, and the floor below it, the loss of the exact denoiser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import nn

from inkwash.core import NetDenoiser, Target
from inkwash.data import Dataset
from inkwash.distributed.process_group import ProcessGroup
from inkwash.objectives import Denoising
from inkwash.runs.folder import RunFolder
from inkwash.training import ema, validation
from inkwash.training.batches import Batches
from inkwash.training.validation import Profile, ValidationSet

STATISTICS_BATCHES = 16


@dataclass(frozen=True, eq=False)
class Measuring:
    """The measurements of a run on `data`, by the loss of its recipe, which several `process_group` share.

    The floor is kept in its `folder`, once a run.
    """

    data: Dataset
    batches: Batches
    denoising: Denoising
    target: Target
    precision: torch.dtype | None
    conditional: bool
    device: torch.device
    folder: RunFolder
    process_group: ProcessGroup

    def loss(self, average: nn.Module) -> Profile:
        """Return the held-out loss of the averaged network by level."""
        self.renew_statistics(average)
        return self._held_out.profile(
            NetDenoiser(average, self.target, self.precision), self.device, self.process_group
        )

    def renew_statistics(self, average: nn.Module) -> None:
        """Give the averaged network's BatchNorm layers statistics of their own, from the first batches of the run."""
        denoiser = NetDenoiser(average, self.target, self.precision)
        # statistics are of examples as they are drawn: a second evaluation of some of them would weigh as much as a batch
        plain = replace(self.denoising, guidance=1.0)
        seen = (self.batches(k) for k in range(1, STATISTICS_BATCHES + 1))
        ema.recompute_statistics(
            average,
            lambda: (plain(denoiser, b.images, b.labels, b.u, b.noise) for b in seen),
        )

    def floor(self) -> Profile | None:
        """Return the exact denoiser's loss by level, measured at the first call; None where it costs too much."""
        found = self._kept() if self.process_group.is_main else []
        # the first looks, and all measure
        if not self.process_group.any(self.process_group.is_main and not found):
            return found[0] if found else None
        floor = validation.floor(
            self.data, self.denoising, self.target, self.conditional, self.device, self.process_group
        )
        if self.process_group.is_main:
            self.folder.keep_floor(None if floor is None else vars(floor))
        return floor

    def _kept(self) -> list[Profile | None]:
        """Return the floor that was measured before, alone in a list; an empty one where there is none that can be read."""
        try:
            values = self.folder.kept_floor()
            return [None if values is None else Profile(**values)]
        except (OSError, ValueError, TypeError):
            return []

    @cached_property
    def _held_out(self) -> ValidationSet:
        return ValidationSet.of(self.data, self.batches.split.held_out, self.denoising, self.conditional)
