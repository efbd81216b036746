"""Class metrics on small tables of probabilities, and the fraction of black pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.metrics.class_accuracy import (
    accuracy,
    class_proportions,
    low_confidence_rate,
    normalized_entropy,
    per_class_frechet_distance,
)
from inkwash.metrics.frechet import Moments, frechet_distance
from inkwash.metrics.pixel_statistics import zero_fraction

Rows = Callable[..., Tensor]


def probabilities_of(*classes: int, top: float = 1.0, among: int = 4) -> Tensor:
    """Return probabilities with these most likely classes, the rest spread over the others."""
    probabilities = torch.full((len(classes), among), (1 - top) / (among - 1))
    probabilities[torch.arange(len(classes)), torch.tensor(classes)] = top
    return probabilities


def test_accuracy_of_worst_class_skips_classes_without_samples() -> None:
    found = accuracy(probabilities_of(0, 0, 1, 0, 3, 3), torch.tensor([0, 0, 1, 1, 3, 0]))
    assert found.overall == pytest.approx(4 / 6)
    assert found.per_class[:2] == pytest.approx([2 / 3, 1 / 2]) and found.per_class[3] == 1
    assert math.isnan(found.per_class[2])
    assert (found.worst, found.worst_class) == (0.5, 1)


def test_a_class_that_is_never_predicted_is_the_worst() -> None:
    requested = torch.arange(4).repeat(5)
    found = accuracy(probabilities_of(*[0 if k == 2 else k for k in requested.tolist()]), requested)
    assert (found.overall, found.worst, found.worst_class) == (0.75, 0, 2)


def test_low_confidence_rate_counts_rows_below_threshold() -> None:
    probabilities = torch.cat(
        [probabilities_of(0, 1, top=0.95), probabilities_of(2, top=0.875), probabilities_of(3, top=0.5)]
    )
    assert low_confidence_rate(probabilities) == 0.5
    assert low_confidence_rate(probabilities, threshold=0.875) == 0.25
    assert low_confidence_rate(probabilities, threshold=0.4) == 0


def test_entropy_is_one_for_equal_proportions_and_zero_for_one_class() -> None:
    assert normalized_entropy(probabilities_of(0, 1, 2, 3)) == pytest.approx(1, abs=1e-12)
    assert normalized_entropy(probabilities_of(2, 2, 2)) == 0
    # two of four classes are one bit of two, at any confidence
    assert normalized_entropy(probabilities_of(0, 1, 1, 0, top=0.4)) == pytest.approx(0.5, abs=1e-12)
    assert class_proportions(probabilities_of(0, 1, 1, 3, top=0.4)) == [0.25, 0.5, 0, 0.25]


def test_each_class_is_compared_with_its_own_reference(rows: Rows) -> None:
    features, labels = rows(90, 3), torch.arange(3).repeat_interleave(30)
    references = {label: Moments.of(rows(200, 3, seed=label + 1) + label) for label in range(3)}
    shuffled = torch.arange(90).reshape(3, 30).T.flatten()
    found = per_class_frechet_distance(features[shuffled], labels[shuffled], references)
    for label in range(3):
        own = Moments.of(features[30 * label : 30 * label + 30])
        assert found[label] == pytest.approx(frechet_distance(own, references[label]), abs=1e-9)
    assert found[0] < found[1] < found[2]


def test_a_class_with_too_few_rows_is_left_out(rows: Rows) -> None:
    references = {label: Moments.of(rows(50, 3, seed=label)) for label in range(3)}
    labels = torch.tensor([0] * 4 + [1] * 3)
    assert list(per_class_frechet_distance(rows(7, 3), labels, references)) == [0]


def test_zero_fraction_is_exact() -> None:
    pixels = torch.zeros(10, 1, 28, 28, dtype=torch.uint8)
    assert zero_fraction(pixels) == 1
    pixels[:, :, :7] = 1
    assert zero_fraction(pixels) == 0.75
