"""What a judge saw in the real images, as numbers small enough to travel with it: moments, and what real images score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.metrics import frechet
from inkwash.metrics.frechet import Moments

SIZES = (200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000)
REPEATS = 4


@dataclass(frozen=True)
class Part:
    """One part of a data set, train or test: the moments of all features, and of each class (() without labels)."""

    whole: Moments
    classes: tuple[Moments, ...] = ()

    @classmethod
    def of(cls, features: Tensor, labels: Tensor | None, classes: int) -> Part:
        """Return the moments of features [N, D]; a class of fewer than two examples has none, and no class has then."""
        whole = Moments.of(features)
        if labels is None or torch.bincount(labels, minlength=classes).min() < 2:
            return cls(whole)
        return cls(whole, tuple(Moments.of(features[labels == k]) for k in range(classes)))

    def weighted(self, proportions: list[float]) -> Moments:
        """Return the moments of the same classes in other `proportions`, which sum to 1: a mixture's mean and covariance."""
        share = torch.tensor(proportions, dtype=torch.float64)
        means = torch.stack([part.mean for part in self.classes])
        mean = share @ means
        apart = means - mean
        inner = sum(w * part.covariance for w, part in zip(share, self.classes, strict=True))
        between = (share[:, None] * apart).T @ apart
        return Moments(mean, inner + between, self.whole.count)


@dataclass(frozen=True)
class Scale:
    """The Frechet distance of N real images to the train part, for some N: a line in 1/N between them."""

    sizes: tuple[int, ...]
    values: tuple[float, ...]

    def at(self, count: int) -> float:
        """Return the distance at `count` images; outside the measured sizes the nearest line goes on, never below 0."""
        x, y = 1 / np.asarray(self.sizes, dtype=float), np.asarray(self.values)
        if len(x) == 1:
            return float(y[0])
        k = int(np.clip(np.searchsorted(-x, -1 / count), 1, len(x) - 1))
        slope = (y[k] - y[k - 1]) / (x[k] - x[k - 1])
        return max(0.0, float(y[k] + slope * (1 / count - x[k])))

    def reaches(self, count: int) -> bool:
        """Whether `count` lies among the measured sizes or near them: up to twice the largest, where there are two to go by."""
        largest = self.sizes[-1] * (2 if len(self.sizes) > 1 else 1)
        return self.sizes[0] <= count <= largest


@dataclass(frozen=True)
class Reference:
    """The real images as one judge sees them: both parts, the floor that sampling alone leaves, and the test part's own score.

    `floor` is the distance of N train images to the rest of the train part, `real` that of N test images to the whole,
    `back` that of N train images to the test part.
    """

    train: Part
    test: Part
    floor: Scale
    real: Scale
    back: Scale

    @property
    def parts(self) -> tuple[Part, Part]:
        """Train and test."""
        return self.train, self.test

    @classmethod
    def of(
        cls, train: Tensor, train_labels: Tensor | None, test: Tensor, test_labels: Tensor | None, classes: int
    ) -> Reference:
        """Return the reference of train features [N, D] and test features [M, D]; subsets are seeded."""
        parts = Part.of(train, train_labels, classes), Part.of(test, test_labels, classes)
        return cls(*parts, _floor(train), _to(parts[0].whole, test), _to(parts[1].whole, train))


def _floor(train: Tensor) -> Scale:
    sizes = tuple(n for n in SIZES if n <= len(train) // 2) or (len(train) // 2,)
    return Scale(sizes, tuple(_mean(train, n, None) for n in sizes))


def _to(reference: Moments, features: Tensor) -> Scale:
    sizes = (*(n for n in SIZES if n < len(features)), len(features))
    return Scale(sizes, tuple(_mean(features, n, reference) for n in sizes))


def _mean(features: Tensor, size: int, reference: Moments | None) -> float:
    """The mean distance of seeded subsets of `size` to `reference`, or with None to the rest of the features."""
    found = []
    for repeat in range(1 if size == len(features) else REPEATS):
        order = permutation(0, repeat, Stream.REFERENCE_SUBSETS, len(features))
        rest = Moments.of(features[order[size:]]) if reference is None else reference
        found.append(frechet.distance(Moments.of(features[order[:size]]), rest))
    return sum(found) / len(found)
