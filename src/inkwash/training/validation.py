"""The held-out loss: fixed images, noise and levels, so that two moments or two recipes can be compared.

Beside it stands the floor: the loss of the exact denoiser of the train set on its own examples, the lowest that any
denoiser can have there. At noisy levels a good network comes near it; at clean ones only one that copies does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from inkwash.core import Denoiser, EmpiricalDenoiser, Level, Target
from inkwash.core.noise import Stream, normals
from inkwash.data import Dataset
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.objectives import Denoising
from inkwash.objectives.denoising import TargetPredictor
from inkwash.training.batches import Split

LEVELS = 20
_AFFORDABLE = 10**8


@dataclass(frozen=True)
class Profile:
    """Losses on a grid of levels: `codes` in [0, 1] from clean to noisy, and the mean loss at each."""

    codes: list[float]
    losses: list[float]

    @property
    def mean(self) -> float:
        """The mean over the grid, which is the training loss as training weighs the levels."""
        return sum(self.losses) / len(self.losses)


@dataclass(frozen=True)
class ValidationSet:
    """Examples with their fixed noise: example i stands at level i mod LEVELS of the objective's density."""

    images: Tensor
    labels: Tensor | None
    objective: Denoising

    @classmethod
    def of(cls, data: Dataset, indices: Tensor, objective: Denoising, conditional: bool) -> ValidationSet:
        """Return the measurement on these `indices` of the train set."""
        labels = data.labels[indices] if conditional and data.labels is not None else None
        return cls(data.encoded(indices), labels, objective)

    @torch.no_grad()
    def profile(
        self, denoiser: TargetPredictor, device: torch.device, process_group: ProcessGroup = SINGLE_PROCESS
    ) -> Profile:
        """Return the loss of `denoiser` at each level of the grid; several `process_group` share the work."""
        u = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS
        # few images stand at several levels each, so that every level has one
        place = torch.arange(max(len(self.images), LEVELS))
        losses = torch.zeros(len(place))
        # whole parts to each, so that numbers are those of one process to the last bit
        for part in place.split(100)[process_group.rank :: process_group.world_size]:
            losses[part] = self._losses(denoiser, part, u, device)
        losses = process_group.all_reduce(losses)
        means = [losses[place % LEVELS == k].mean().item() for k in range(LEVELS)]
        return Profile(self.objective.density(self.objective.schedule, u).c_noise.tolist(), means)

    def _losses(self, denoiser: TargetPredictor, part: Tensor, u: Tensor, device: torch.device) -> Tensor:
        noise = normals(0, part, 0, Stream.VALIDATION_NOISE, self.images.shape[1:]).to(device)
        image = part % len(self.images)
        labels = None if self.labels is None else self.labels[image].to(device)
        return self.objective(denoiser, self.images[image].to(device), labels, u[part % LEVELS], noise).cpu()


@dataclass(frozen=True)
class Exact:
    """An exact denoiser that says what a perfect network would say in target space."""

    denoiser: Denoiser
    target: Target

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the target [B, ...] of the exact denoiser's image."""
        image = self.denoiser(x, level, label)
        return self.target.of(level, image, level.noise_in(x, image))


def floor(
    data: Dataset,
    objective: Denoising,
    target: Target,
    conditional: bool,
    device: torch.device,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> Profile | None:
    """Return the loss of the exact denoiser of the train part on a thousand of its own examples, by level.

    None where the sum over the whole train set would cost too much (over 100 million values).
    """
    split = Split.of(len(data))
    values = len(split.train) * data.encoded(split.train[:1]).numel()
    if values > _AFFORDABLE:
        return None
    labels = data.labels[split.train].to(device) if conditional and data.labels is not None else None
    # the exact denoiser is not guided: there is nothing to take out of what it says
    plain = replace(objective, guidance=1.0)
    exact = EmpiricalDenoiser(data.encoded(split.train).to(device), labels)
    seen = ValidationSet.of(data, split.train[:: max(1, len(split.train) // 1000)][:1000], plain, conditional)
    return seen.profile(Exact(exact, target), device, process_group)
