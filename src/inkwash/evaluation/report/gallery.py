"""The samples shown in a report: worst, median and best, and pairs of a sample and its nearest train image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.errors import UsageError
from inkwash.evaluation.report.page import Tile
from inkwash.evaluation.scores import EvaluatedSamples
from inkwash.sampling.run import to_arrays

IMAGES_PER_GROUP = 24
"""Samples of each group."""
MAX_PAIRS = 12
MAX_POINTS = 10_000
"""Points in a scatter plot."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Sample indices from worst to best, int64 [N]; the value of each sample, [N]; and a description of the value."""

    order: Tensor
    values: Tensor
    description: str

    @property
    def count(self) -> int:
        """Samples in each group, so that no sample is in two."""
        return min(IMAGES_PER_GROUP, max(1, len(self.order) // 3))

    @property
    def worst(self) -> list[int]:
        """The first ones, the worst of all first."""
        return self.order[: self.count].tolist()

    @property
    def median(self) -> list[int]:
        """The ones in the middle."""
        start = (len(self.order) - self.count) // 2
        return self.order[start : start + self.count].tolist()

    @property
    def best(self) -> list[int]:
        """The last ones, the best of all first."""
        return self.order.flip(0)[: self.count].tolist()


def ranked(samples: EvaluatedSamples) -> Ranking:
    """Return the samples ranked by class probability, without a classifier by a distance."""
    probabilities, features = samples.extraction.probabilities, samples.extraction.features
    if probabilities is not None and samples.labels is not None:
        requested = probabilities.gather(1, samples.labels[:, None])[:, 0]
        return _ranking(requested, "the primary extractor's probability of the requested class")
    if probabilities is not None:
        return _ranking(probabilities.max(1).values, "the primary extractor's probability of its most likely class")
    if samples.nearest is not None:
        return _ranking(-samples.nearest[0], "the distance to the nearest train image, largest first")
    distances = (features - features.mean(0)).norm(dim=1)
    return _ranking(-distances, "the distance of a sample's features from their mean, largest first")


def _ranking(goodness: Tensor, description: str) -> Ranking:
    return Ranking(torch.argsort(goodness, stable=True), goodness.abs(), description)


def tiles(samples: EvaluatedSamples, ranking: Ranking, chosen: list[int]) -> list[Tile]:
    """Return a tile for each of the `chosen` samples with requested class, its probability, and the predicted class."""
    images = to_arrays(samples.values[chosen])
    return [
        Tile([(image, f"sample {index}")], _caption(samples, ranking, index))
        for image, index in zip(images, chosen, strict=True)
    ]


def _caption(samples: EvaluatedSamples, ranking: Ranking, index: int) -> str:
    value, probabilities = float(ranking.values[index]), samples.extraction.probabilities
    if probabilities is None:
        return f"{value:.3g}"
    predicted = samples.classes[int(probabilities[index].argmax())]
    if samples.labels is None:
        return f"{predicted}: {value:.0%}"
    requested = samples.classes[int(samples.labels[index])]
    return f"{requested}: {value:.0%}" + ("" if requested == predicted else f", predicted {predicted}")


def closest_pairs(samples: EvaluatedSamples) -> list[int]:
    """Return the samples nearest to any train image, the nearest first."""
    assert samples.nearest is not None
    return torch.argsort(samples.nearest[0], stable=True)[:MAX_PAIRS].tolist()


def random_pairs(samples: EvaluatedSamples) -> list[int]:
    """Return samples chosen at random, the same ones in each call."""
    return permutation(0, 0, Stream.GALLERY_PAIRS, len(samples.values))[:MAX_PAIRS].sort().values.tolist()


def pair_tiles(samples: EvaluatedSamples, train: Tensor, chosen: list[int]) -> list[Tile]:
    """Return a tile for each of the `chosen` samples, above its nearest image of `train`, uint8 [M, C, H, W].

    Raises `UsageError` where `train` cannot be the images that the distances were computed with.
    """
    assert samples.nearest is not None
    distances, indices = samples.nearest[0][chosen], samples.nearest[1][chosen]
    if train.shape[1:] != samples.values.shape[1:] or int(indices.max()) >= len(train):
        raise UsageError(
            f"the nearest neighbours are in other images than the {len(train):,} of {list(train.shape[1:])} given: "
            "give the train images of the evaluation",
            code="mismatch",
            field="train",
        )
    above, below = to_arrays(samples.values[chosen]), to_arrays(train[indices])
    rows = zip(above, below, chosen, indices.tolist(), distances.tolist(), strict=True)
    return [
        Tile([(image, f"sample {index}"), (neighbour, f"train image {other}")], f"{distance:.2f}")
        for image, neighbour, index, other, distance in rows
    ]
