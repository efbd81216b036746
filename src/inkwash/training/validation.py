"""The validation loss: fixed images, noise and noise levels, so that two steps or two recipes can be compared.

Its reference is the loss of the memorizing (empirical) denoiser of the training set on its own examples, the lowest that
any denoiser can have there. At high noise a good network approaches it; at low noise only a memorizing network does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from inkwash.core import Denoiser, EmpiricalDenoiser, Level, NetDenoiser, Target
from inkwash.core.rng import Stream, normals
from inkwash.core.shapes import PerExample
from inkwash.data import Dataset
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.objectives import Denoising
from inkwash.objectives.denoising import TargetPredictor
from inkwash.training import ema
from inkwash.training.batches import Batches

LEVELS = 20
STATISTICS_BATCHES = 16
_MAX_VALUES = 10**8
_MAX_EXAMPLES = 1000
_CHUNK = 100


def level_grid() -> PerExample:
    """Return the positions in (0, 1) of the noise levels at which the loss is measured, float64 [LEVELS]."""
    return (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS


@dataclass(frozen=True)
class LossByNoiseLevel:
    """Losses on a grid of noise levels: the `codes` are c_noise in [0, 1] from clean to noisy, with the mean loss at each."""

    codes: list[float]
    losses: list[float]

    @property
    def mean(self) -> float:
        """The mean over the grid, an estimate of the training loss, because the grid follows the training density."""
        return sum(self.losses) / len(self.losses)


@dataclass(frozen=True)
class ValidationSet:
    """Examples with fixed noise: example i is noised to level i mod LEVELS of the objective's density."""

    images: Tensor
    labels: Tensor | None
    objective: Denoising

    @classmethod
    def of(cls, data: Dataset, indices: Tensor, objective: Denoising, conditional: bool) -> ValidationSet:
        """Return the validation set of the examples `indices` (int64) of the training set."""
        labels = data.labels[indices] if conditional and data.labels is not None else None
        return cls(data.encoded(indices), labels, objective)

    @torch.no_grad()
    def loss(
        self, denoiser: TargetPredictor, device: torch.device, process_group: ProcessGroup = SINGLE_PROCESS
    ) -> LossByNoiseLevel:
        """Return the loss of `denoiser` at each level of the grid; the processes of `process_group` share the work."""
        u = level_grid()
        # Fewer images than levels are used at several levels each, so that every level has one.
        position = torch.arange(max(len(self.images), LEVELS))
        losses = torch.zeros(len(position))
        # Each process computes complete chunks: the losses are those of a single process to the last bit.
        for chunk in position.split(_CHUNK)[process_group.rank :: process_group.world_size]:
            losses[chunk] = self._losses(denoiser, chunk, u, device)
        losses = process_group.all_reduce(losses)
        means = [losses[position % LEVELS == k].mean().item() for k in range(LEVELS)]
        return LossByNoiseLevel(self.objective.density(self.objective.schedule, u).c_noise.tolist(), means)

    def _losses(self, denoiser: TargetPredictor, chunk: Tensor, u: Tensor, device: torch.device) -> Tensor:
        noise = normals(0, chunk, 0, Stream.VALIDATION_NOISE, self.images.shape[1:]).to(device)
        image = chunk % len(self.images)
        labels = None if self.labels is None else self.labels[image].to(device)
        return self.objective(denoiser, self.images[image].to(device), labels, u[chunk % LEVELS], noise).cpu()


@dataclass(frozen=True, eq=False)
class Validator:
    """Validation of EMA networks by the `objective` of a recipe, on the examples that `batches` leave out."""

    batches: Batches
    objective: Denoising
    target: Target
    precision: torch.dtype | None = None
    process_group: ProcessGroup = SINGLE_PROCESS

    def loss(self, network: nn.Module) -> LossByNoiseLevel:
        """Return the validation loss of `network` by noise level; the processes share the work."""
        denoiser = NetDenoiser(network, self.target, self.precision)
        return self._validation_set.loss(denoiser, self.batches.device, self.process_group)

    def memorizing_loss(self) -> LossByNoiseLevel | None:
        """Return the loss of the memorizing denoiser of the training set on up to 1,000 of its own examples, by noise level.

        None where the training set has more than 100 million values, which would take too long.
        """
        data, train, device = self.batches.data, self.batches.split.train, self.batches.device
        if len(train) * data.encoded(train[:1]).numel() > _MAX_VALUES:
            return None
        labels = data.labels[train].to(device) if self.batches.conditional and data.labels is not None else None
        # The empirical denoiser is not guided: there is no guidance to remove from its prediction.
        plain = replace(self.objective, guidance=1.0)
        exact = EmpiricalDenoiser(data.encoded(train).to(device), labels)
        some = train[:: max(1, len(train) // _MAX_EXAMPLES)][:_MAX_EXAMPLES]
        examples = ValidationSet.of(data, some, plain, self.batches.conditional)
        return examples.loss(ExactPredictor(exact, self.target), device, self.process_group)

    def update_batchnorm(self, network: nn.Module) -> None:
        """Recompute the statistics of the BatchNorm layers of `network` from the first 16 training batches."""
        denoiser = NetDenoiser(network, self.target, self.precision)
        # Validate without guidance: its second evaluation, of a part of the examples, would have the weight of a batch.
        plain = replace(self.objective, guidance=1.0)
        batches = (self.batches(k) for k in range(1, STATISTICS_BATCHES + 1))
        ema.update_batchnorm(network, lambda: (plain(denoiser, b.images, b.condition, b.u, b.noise) for b in batches))

    @cached_property
    def _validation_set(self) -> ValidationSet:
        return ValidationSet.of(
            self.batches.data, self.batches.split.validation, self.objective, self.batches.conditional
        )


@dataclass(frozen=True)
class ExactPredictor:
    """An exact denoiser as a predictor of the target of a network."""

    denoiser: Denoiser
    target: Target

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the target [B, ...] of the exact denoiser's image."""
        image = self.denoiser(x, level, label)
        return self.target.of(level, image, level.noise_in(x, image))
