"""Which samples to look at: the worst, the median and the best, and those beside their nearest train images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.errors import UsageError
from inkwash.evaluation.report.page import Tile
from inkwash.evaluation.score import Seen
from inkwash.sampling.run import to_arrays

SHOWN = 24
"""Samples of each kind on a page."""
PAIRS = 12
POINTS = 10_000
"""Points that a scatter shows; more would be one blot."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """All samples from the worst to the best: their places int64 [N], what orders them [N], and in words what that is."""

    order: Tensor
    measure: Tensor
    words: str

    @property
    def count(self) -> int:
        """How many to show of each kind, so that none is shown twice."""
        return min(SHOWN, max(1, len(self.order) // 3))

    @property
    def worst(self) -> list[int]:
        """The first ones, the very worst before all others."""
        return self.order[: self.count].tolist()

    @property
    def median(self) -> list[int]:
        """The ones in the middle: what to expect."""
        start = (len(self.order) - self.count) // 2
        return self.order[start : start + self.count].tolist()

    @property
    def best(self) -> list[int]:
        """The last ones, the very best before all others."""
        return self.order.flip(0)[: self.count].tolist()


def ranked(seen: Seen) -> Ranking:
    """Return the samples in order: by probability where the first judge knows classes, else by a distance."""
    sure = seen.reading.probabilities
    if sure is not None and seen.asked is not None:
        words = "the probability that the first judge gives the class asked for"
        return _ordered(sure.gather(1, seen.asked[:, None])[:, 0], words)
    if sure is not None:
        return _ordered(sure.max(1).values, "the probability that the first judge gives its likeliest class")
    if seen.nearest is not None:
        words = "the distance to the nearest train image, the farthest being the worst"
        return _ordered(seen.nearest[0], words, high=False)
    apart = (seen.reading.features - seen.reading.features.mean(0)).norm(dim=1)
    words = "how far the first judge sees a sample from the mean of all samples, the farthest being the worst"
    return _ordered(apart, words, high=False)


def _ordered(measure: Tensor, words: str, high: bool = True) -> Ranking:
    return Ranking(torch.argsort(measure if high else -measure, stable=True), measure, words)


def samples(seen: Seen, ranking: Ranking, chosen: list[int]) -> list[Tile]:
    """Return a tile for each of the `chosen` samples: what was asked, what the judge sees instead, and how surely."""
    shown = to_arrays(seen.values[chosen])
    return [
        Tile([(image, f"sample {place}")], _caption(seen, ranking, place))
        for image, place in zip(shown, chosen, strict=True)
    ]


def _caption(seen: Seen, ranking: Ranking, place: int) -> str:
    value, sure = float(ranking.measure[place]), seen.reading.probabilities
    if sure is None:
        return f"{value:.3g}"
    likeliest = seen.classes[int(sure[place].argmax())]
    if seen.asked is None:
        return f"{likeliest}: {value:.0%}"
    asked = seen.classes[int(seen.asked[place])]
    return f"{asked}: {value:.0%}" if asked == likeliest else f"{asked}: {value:.0%}, seen as {likeliest}"


def closest_pairs(seen: Seen) -> list[int]:
    """Return the samples that are nearest to a train image, the very nearest first."""
    assert seen.nearest is not None
    return torch.argsort(seen.nearest[0], stable=True)[:PAIRS].tolist()


def random_pairs(seen: Seen) -> list[int]:
    """Return samples picked at random, the same ones each time."""
    return permutation(0, 0, Stream.GALLERY_PAIRS, len(seen.values))[:PAIRS].sort().values.tolist()


def pairs(seen: Seen, train: Tensor, chosen: list[int]) -> list[Tile]:
    """Return a tile for each of the `chosen` samples with its nearest image of `train`, uint8 [M, C, H, W], beneath.

    Raises `UsageError` where `train` cannot be what the neighbours were found in.
    """
    assert seen.nearest is not None
    distances, places = seen.nearest[0][chosen], seen.nearest[1][chosen]
    if train.shape[1:] != seen.values.shape[1:] or int(places.max()) >= len(train):
        raise UsageError(
            f"the nearest neighbours lie in other images than the {len(train):,} of {list(train.shape[1:])} given: "
            "give the train images that they were found in"
        )
    above, beneath = to_arrays(seen.values[chosen]), to_arrays(train[places])
    return [
        Tile([(a, f"sample {place}"), (b, f"train image {other}")], f"{distance:.2f}")
        for a, b, place, other, distance in zip(
            above, beneath, chosen, places.tolist(), distances.tolist(), strict=True
        )
    ]
