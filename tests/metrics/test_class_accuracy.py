"""Class metrics on small tables of probabilities, and the fraction of black pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.class_accuracy import accuracy, class_proportions, entropy, low_confidence_rate, per_class_distance
from inkwash.metrics.frechet import Moments, distance
from inkwash.metrics.pixel_statistics import zero_share

Rows = Callable[..., Tensor]


def message(*classes: int, sure: float = 1.0, among: int = 4) -> Tensor:
    """Return probabilities with these most likely classes, the rest spread over the others."""
    probabilities = torch.full((len(classes), among), (1 - sure) / (among - 1))
    probabilities[torch.arange(len(classes)), torch.tensor(classes)] = sure
    return probabilities


def test_accuracy_of_worst_class_skips_classes_without_samples() -> None:
    found = accuracy(message(0, 0, 1, 0, 3, 3), torch.tensor([0, 0, 1, 1, 3, 0]))
    assert found.overall == pytest.approx(4 / 6)
    assert found.each[:2] == pytest.approx([2 / 3, 1 / 2]) and found.each[3] == 1
    assert math.isnan(found.each[2])
    assert (found.worst, found.worst_class) == (0.5, 1)


def test_class_never_predicted_is_the_worst() -> None:
    requested = torch.arange(4).repeat(5)
    found = accuracy(message(*[0 if k == 2 else k for k in requested.tolist()]), requested)
    assert (found.overall, found.worst, found.worst_class) == (0.75, 0, 2)


def test_low_confidence_rate_counts_rows_below_threshold() -> None:
    probabilities = torch.cat([message(0, 1, sure=0.95), message(2, sure=0.875), message(3, sure=0.5)])
    assert low_confidence_rate(probabilities) == 0.5
    assert low_confidence_rate(probabilities, threshold=0.875) == 0.25
    assert low_confidence_rate(probabilities, threshold=0.4) == 0


def test_entropy_is_one_for_equal_proportions_and_zero_for_one_class() -> None:
    assert entropy(message(0, 1, 2, 3)) == pytest.approx(1, abs=1e-12)
    assert entropy(message(2, 2, 2)) == 0
    # two of four classes are one bit of two, however unsure the judge is
    assert entropy(message(0, 1, 1, 0, sure=0.4)) == pytest.approx(0.5, abs=1e-12)
    assert class_proportions(message(0, 1, 1, 3, sure=0.4)) == [0.25, 0.5, 0, 0.25]


def test_each_class_is_compared_with_its_own_reference(rows: Rows) -> None:
    features, labels = rows(90, 3), torch.arange(3).repeat_interleave(30)
    references = {label: Moments.of(rows(200, 3, seed=label + 1) + label) for label in range(3)}
    shuffled = torch.arange(90).reshape(3, 30).T.flatten()
    found = per_class_distance(features[shuffled], labels[shuffled], references)
    for label in range(3):
        own = Moments.of(features[30 * label : 30 * label + 30])
        assert found[label] == pytest.approx(distance(own, references[label]), abs=1e-9)
    assert found[0] < found[1] < found[2]


def test_a_class_with_too_few_rows_is_left_out(rows: Rows) -> None:
    references = {label: Moments.of(rows(50, 3, seed=label)) for label in range(3)}
    labels = torch.tensor([0] * 4 + [1] * 3)
    assert list(per_class_distance(rows(7, 3), labels, references)) == [0]
    with pytest.raises(UsageError, match="needs, at most 3"):
        per_class_distance(rows(3, 3), labels[4:], references)


def test_zero_share_is_exact() -> None:
    pixels = torch.zeros(10, 1, 28, 28, dtype=torch.uint8)
    assert zero_share(pixels) == 1
    pixels[:, :, :7] = 1
    assert zero_share(pixels) == 0.75


def one(width: int) -> dict[int, Moments]:
    return {0: Moments.of(torch.rand(9, width, generator=torch.Generator().manual_seed(0)))}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: accuracy(message(0, 1), torch.tensor([0, 4])), UsageError, "label 4 is out of range.*0 to 3"),
        (lambda: accuracy(message(0, 1), torch.tensor([-1, 0])), UsageError, "label -1 is out of range"),
        (lambda: accuracy(message(0, 1), torch.tensor([0])), UsageError, "one for each of 2 images"),
        (lambda: accuracy(message(0), torch.tensor([0.0])), UsageError, "integers"),
        (lambda: low_confidence_rate(torch.tensor([[3.0, -1.0]])), InkwashError, "not logits"),
        (lambda: class_proportions(torch.full((2, 3), math.nan)), InkwashError, "NaN"),
        (lambda: class_proportions(torch.zeros(0, 3)), UsageError, "0 rows"),
        (lambda: entropy(torch.ones(3, 1)), UsageError, "one class only"),
        (lambda: per_class_distance(torch.zeros(2, 2), torch.tensor([0, 7]), one(2)), UsageError, "label 7"),
        (lambda: per_class_distance(torch.zeros(2, 2), torch.tensor([0, 0]), one(3)), UsageError, "2 wide.*3"),
        (lambda: zero_share(torch.zeros(2, 2)), UsageError, "float32.*uint8"),
        (lambda: zero_share(torch.zeros(0, 2, dtype=torch.uint8)), UsageError, "no pixels"),
    ],
)
def test_invalid_input_raises_with_the_reason(
    call: Callable[[], object], error: type[InkwashError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
