"""Batches as a pure function of (seed, step): shuffled epochs, noise, noise levels, dropped labels and attributes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core import Condition
from inkwash.core.conditions import Conditions
from inkwash.core.rng import Stream, normals, permutation, uniforms
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.hardware import memory
from inkwash.objectives import drop_attributes, drop_labels, stratify


class Batch(NamedTuple):
    """The input of one training step: images [B, ...], labels int64 [B] or None, u float64 [B] and noise [B, ...].

    `attributes` are float32 [B, A], standardized, NaN where dropped, or None. A distillation gets noise [2, B, ...] and
    u [3, B].
    """

    images: Tensor
    labels: Tensor | None
    u: Tensor
    noise: Tensor
    attributes: Tensor | None = None

    @property
    def condition(self) -> Conditions | None:
        """What a network takes as its label: labels, or a `Condition` where there are attributes."""
        return self.labels if self.attributes is None else Condition(self.labels, self.attributes)


@dataclass(frozen=True)
class Split:
    """A training set split into `train`, the examples that are trained on, and `validation`, those that are not.

    Both are indices into the training set, int64; the test set is in neither. The validation set has 1,000 examples, or a
    tenth of a training set of fewer than 10,000, at least one.
    """

    train: Tensor
    validation: Tensor

    @classmethod
    def of(cls, count: int) -> Split:
        """Return the split of `count` examples: the same for every recipe and seed, so that losses can be compared."""
        order = permutation(0, 0, Stream.VALIDATION_SPLIT, count)
        if count < 2:
            message = f"{count} train examples are too few: one is for validation, so give at least 2"
            raise UsageError(message, code="invalid-data", field="data")
        size = count - cls.train_count(count)
        return cls(order[size:].sort().values, order[:size].sort().values)

    @staticmethod
    def train_count(count: int) -> int:
        """Return how many of `count` examples are trained on."""
        return count - min(1000, max(1, count // 10))


@dataclass(frozen=True)
class Batches:
    """The batches of `size` from the training set of `data`: `batches(step)` for steps 1, 2, 3, ...

    `attributes` [N, A] are those of all examples, standardized, None for a network without them.
    """

    data: Dataset
    size: int
    seed: int
    conditional: bool
    label_dropout: float
    device: torch.device
    distills: bool = False
    attributes: Tensor | None = None
    split: Split = field(init=False)

    def __post_init__(self) -> None:
        # Images, noise and their mixture, float32: a training step needs several times as much.
        needed = 3 * 4 * self.size * math.prod(self.data.shape)
        memory.require(
            needed, f"a batch of {self.size:,} examples", "choose a smaller training.batch", "training.batch"
        )
        object.__setattr__(self, "split", Split.of(len(self.data)))

    def __call__(self, step: int, shard: slice = slice(None)) -> Batch:
        """Return the batch of `step` >= 1, or a `shard` of it for one of several processes."""
        position = torch.arange(self.size)[shard]
        chosen = self.split.train[self.indices(step)[shard]]
        images = self.data.encoded(chosen)
        labels = self.data.labels[chosen] if self.conditional and self.data.labels is not None else None
        dropped = drop_labels(
            labels, self.label_dropout, uniforms(self.seed, position, step, Stream.TRAIN_DROPOUT)[:, 0]
        )
        uniform = uniforms(self.seed, position, step, Stream.TRAIN_LEVEL, 3 if self.distills else 1).T
        # The strata are those of the full batch in every process.
        u = stratify(uniform[0], int(position[0]), self.size)
        noise = normals(self.seed, position, step, Stream.TRAIN_NOISE, images.shape[1:])
        if self.distills:
            u = torch.cat([u[None], uniform[1:]])
            noise = torch.stack([noise, normals(self.seed, position, step, Stream.TRAIN_RENOISE, images.shape[1:])])
        attributes = self._attributes(chosen, position, step)
        labels, attributes = (None if each is None else each.to(self.device) for each in (dropped, attributes))
        return Batch(images.to(self.device), labels, u, noise.to(self.device), attributes)

    def _attributes(self, chosen: Tensor, position: Tensor, step: int) -> Tensor | None:
        """Return the attributes of the examples `chosen` (int64 [B]), some of them dropped."""
        if self.attributes is None:
            return None
        u = uniforms(self.seed, position, step, Stream.TRAIN_ATTRIBUTES, 1 + self.attributes.shape[1])
        return drop_attributes(self.attributes[chosen], u)

    def indices(self, step: int) -> Tensor:
        """Return the positions in `split.train` that `step` visits, int64 [size]: each image once per epoch."""
        count = len(self.split.train)
        position = torch.arange((step - 1) * self.size, step * self.size)
        epoch = position // count
        return torch.cat([_shuffled(self.seed, int(e), count)[position[epoch == e] % count] for e in epoch.unique()])


@lru_cache(maxsize=4)
def _shuffled(seed: int, epoch: int, count: int) -> Tensor:
    return permutation(seed, epoch, Stream.SHUFFLE, count)
