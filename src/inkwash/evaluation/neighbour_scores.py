"""Scores that compare samples with real images by their features: KID, PRDC and the 1-NN two-sample test."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.evaluation.scores import Better, Score
from inkwash.metrics import kid, nearest_neighbours
from inkwash.metrics.extractor_set import ExtractorSet

MIN_NEIGHBOUR_COUNT = 50
"""Fewest samples for KID, PRDC and the 1-NN two-sample test."""

PRDC = ("precision", "recall", "density", "coverage")


def nearest_neighbour_measures(features: Tensor, extractor_set: ExtractorSet) -> Iterator[Score]:
    """Yield KID, PRDC and the 1-NN two-sample test of `features` [N, D]; with too few rows, their notes."""
    titles = {"kid": "KID x 1000", **{key: key for key in PRDC}, "two_sample": "1-NN two-sample"}
    n = min(len(features), len(extractor_set.train_features), len(extractor_set.test_features))
    if n < MIN_NEIGHBOUR_COUNT:
        reason = f"needs at least {MIN_NEIGHBOUR_COUNT} examples, there are {n}"
        yield from (Score(key, title, None, note=reason) for key, title in titles.items())
        return
    # Use a seeded subset, because a file may be sorted by class.
    subset = permutation(0, 0, Stream.NEIGHBOUR_ROWS, len(features))[:n].sort().values
    own, train, test = features[subset], extractor_set.train_features[:n], extractor_set.test_features[:n]
    found, real = (kid.kid(rows, train, min(1000, n)) for rows in (own, test))
    low, high = found.confidence_interval
    note = f"of {n:,}" if n < len(features) else ""
    yield Score(
        "kid",
        titles["kid"],
        1000 * found.value,
        1000 * real.value,
        low=1000 * low,
        high=1000 * high,
        note=note,
        standard_error=1000 * found.standard_error,
        real_standard_error=1000 * real.standard_error,
    )
    values, real_values = neighbour_scores(train, own), _real_neighbour_scores(extractor_set, n)
    for key in (*PRDC, "two_sample"):
        better: Better = "near" if key == "density" else "low" if key == "two_sample" else "high"
        yield Score(key, titles[key], values[key], real_values[key], better, note=note)


def neighbour_scores(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Return PRDC and the accuracy of the 1-NN two-sample test of features [N, D] by the keys of their scores."""
    return vars(nearest_neighbours.prdc(real, fake)) | {"two_sample": nearest_neighbours.one_nn_accuracy(real, fake)}


def _real_neighbour_scores(extractor_set: ExtractorSet, n: int) -> dict[str, float]:
    """Return the neighbour scores of `n` real test images: stored in the extractor set, or measured now."""
    scores = {key: extractor_set.real_scores.get(f"{key}.{n}") for key in (*PRDC, "two_sample")}
    stored = {key: value for key, value in scores.items() if value is not None}
    if len(stored) == len(scores):
        return stored
    return neighbour_scores(extractor_set.train_features[:n], extractor_set.test_features[:n])
