"""Statistics of real images in one extractor's features: moments, and FD by the number of real images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.metrics.frechet import Moments, frechet_distance
from inkwash.metrics.tensor_types import ClassIndices, Features

SIZES = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000)
REPEATS = 4
"""Seeded subsets that FD at a size is averaged over."""


@dataclass(frozen=True)
class PartMoments:
    """Moments of the train or test part: of all features, and of each class (() without labels)."""

    overall: Moments
    per_class: tuple[Moments, ...] = ()

    @classmethod
    def of(cls, features: Features, labels: ClassIndices | None, classes: int) -> PartMoments:
        """Return the moments of features [N, D]; those of classes only where each has at least two examples."""
        overall = Moments.of(features)
        if labels is None or torch.bincount(labels, minlength=classes).min() < 2:
            return cls(overall)
        return cls(overall, tuple(Moments.of(features[labels == k]) for k in range(classes)))

    def weighted(self, proportions: list[float]) -> Moments:
        """Return the moments of the mixture of all classes in other `proportions`, which sum to 1."""
        weights = torch.tensor(proportions, dtype=torch.float64)
        means = torch.stack([each.mean for each in self.per_class])
        mean = weights @ means
        deviations = means - mean
        within = sum(w * each.covariance for w, each in zip(weights, self.per_class, strict=True))
        between = (weights[:, None] * deviations).T @ deviations
        return Moments(mean, within + between, self.overall.count)


@dataclass(frozen=True)
class FDBySize:
    """FD of N real images at some N, interpolated linearly in 1/N."""

    sizes: tuple[int, ...]
    values: tuple[float, ...]

    def at(self, count: int) -> float:
        """Return FD at `count` images, extrapolated linearly outside the measured sizes, at least 0."""
        x, y = 1 / np.asarray(self.sizes, dtype=float), np.asarray(self.values)
        if len(x) == 1:
            return float(y[0])
        k = int(np.clip(np.searchsorted(-x, -1 / count), 1, len(x) - 1))
        slope = (y[k] - y[k - 1]) / (x[k] - x[k - 1])
        return max(0.0, float(y[k] + slope * (1 / count - x[k])))

    def covers(self, count: int) -> bool:
        """Return whether `count` is within the measured sizes, or up to twice the largest of several."""
        largest = self.sizes[-1] * (2 if len(self.sizes) > 1 else 1)
        return self.sizes[0] <= count <= largest


@dataclass(frozen=True)
class ReferenceStatistics:
    """Moments of both parts, and FD by number of real images.

    `fd_train_to_train` is FD of a subset of the train part to the rest of it.
    """

    train: PartMoments
    test: PartMoments
    fd_train_to_train: FDBySize
    fd_test_to_train: FDBySize
    fd_train_to_test: FDBySize

    @property
    def parts(self) -> tuple[PartMoments, PartMoments]:
        """Train and test."""
        return self.train, self.test

    @classmethod
    def of(
        cls,
        train: Features,
        train_labels: ClassIndices | None,
        test: Float[Tensor, "M D"],
        test_labels: Int[Tensor, " M"] | None,
        classes: int,
    ) -> ReferenceStatistics:
        """Return the statistics of train features [N, D] and test features [M, D]; subsets are seeded."""
        parts = PartMoments.of(train, train_labels, classes), PartMoments.of(test, test_labels, classes)
        return cls(*parts, _within(train), _between(test, parts[0].overall), _between(train, parts[1].overall))


def _within(features: Tensor) -> FDBySize:
    sizes = tuple(n for n in SIZES if n <= len(features) // 2) or (len(features) // 2,)
    return FDBySize(sizes, tuple(_mean_fd(features, n, None) for n in sizes))


def _between(features: Tensor, reference: Moments) -> FDBySize:
    sizes = (*(n for n in SIZES if n < len(features)), len(features))
    return FDBySize(sizes, tuple(_mean_fd(features, n, reference) for n in sizes))


def _mean_fd(features: Tensor, size: int, reference: Moments | None) -> float:
    """Return the mean FD of seeded subsets of `size` to `reference`, or to the remaining features where it is None."""
    distances = []
    for repeat in range(1 if size == len(features) else REPEATS):
        order = permutation(0, repeat, Stream.REFERENCE_SUBSETS, len(features))
        other = Moments.of(features[order[size:]]) if reference is None else reference
        distances.append(frechet_distance(Moments.of(features[order[:size]]), other))
    return sum(distances) / len(distances)
