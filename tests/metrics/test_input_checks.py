"""Metrics refuse arrays of another form, and values that are not finite, with the kind of error and the argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import pytest
import torch
from torch import Tensor

from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.class_accuracy import (
    accuracy,
    class_proportions,
    low_confidence_rate,
    normalized_entropy,
    per_class_frechet_distance,
)
from inkwash.metrics.frechet import Moments, bootstrap_interval, fd_infinity, frechet_distance, mean_fd_of_subsets
from inkwash.metrics.input_checks import check_balanced, check_features, check_labels, check_pair, check_pixels
from inkwash.metrics.kid import kid
from inkwash.metrics.nearest_neighbours import nearest_neighbour, one_nn_accuracy, prdc
from inkwash.metrics.pixel_statistics import zero_fraction

NAN = torch.full((50, 2), math.nan)
INFINITE = torch.tensor([[0.0, 0.0], [0.0, math.inf]])
CERTAIN = torch.eye(4)[:2]
"""Probabilities [2, 4] of classes 0 and 1."""


def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


def normal(width: int) -> Moments:
    return Moments(torch.zeros(width, dtype=torch.float64), torch.eye(width, dtype=torch.float64), 1000)


Case = tuple[Callable[[], object], str, str | None]

CASES: dict[str, Case] = {
    "features without columns": (lambda: check_features(zeros(9), "x"), "invalid-data", "x"),
    "integer features": (lambda: check_features(zeros(9, 2, dtype=torch.uint8), "x"), "invalid-data", "x"),
    "NaN": (lambda: check_features(NAN, "x"), "non-finite", "x"),
    "infinity": (lambda: Moments.of(INFINITE), "non-finite", "features"),
    "other width": (lambda: check_pair(zeros(9, 2), zeros(9, 3), ("x", "y")), "mismatch", None),
    "other number": (lambda: check_balanced(zeros(9, 2), zeros(8, 2), 1), "invalid-data", None),
    "float pixels": (lambda: check_pixels(zeros(2, 1, 8, 8), "x"), "invalid-data", "x"),
    "pixels without channels": (lambda: check_pixels(zeros(2, 8, 8, dtype=torch.uint8), "x"), "invalid-data", "x"),
    "few pixels": (lambda: check_pixels(zeros(1, 1, 8, 8, dtype=torch.uint8), "x", 2), "invalid-data", "x"),
    "float labels": (lambda: check_labels(zeros(2), 2, range(4)), "invalid-data", "labels"),
    "int16 labels": (lambda: check_labels(zeros(2, dtype=torch.int16), 2, range(4)), "invalid-data", "labels"),
    "int32 labels": (lambda: check_labels(zeros(2, dtype=torch.int32), 2, range(4)), "invalid-data", "labels"),
    "bool labels": (lambda: check_labels(zeros(2, dtype=torch.bool), 2, range(4)), "invalid-data", "labels"),
    "other number of labels": (lambda: check_labels(torch.tensor([0]), 2, None), "invalid-data", "labels"),
    "label above": (lambda: accuracy(CERTAIN, torch.tensor([0, 4])), "invalid-data", "labels"),
    "label below": (lambda: accuracy(CERTAIN, torch.tensor([-1, 0])), "invalid-data", "labels"),
    "logits": (lambda: low_confidence_rate(torch.tensor([[3.0, -1.0]])), "invalid-data", "probabilities"),
    "no probabilities": (lambda: class_proportions(zeros(0, 3)), "invalid-data", "probabilities"),
    "one class": (lambda: normalized_entropy(torch.ones(3, 1)), "unsupported", None),
    "class without reference": (
        lambda: per_class_frechet_distance(zeros(2, 2), torch.tensor([0, 7]), {0: normal(2)}),
        "invalid-data",
        "labels",
    ),
    "small classes": (
        lambda: per_class_frechet_distance(zeros(2, 2), torch.tensor([0, 0]), {0: normal(2)}),
        "invalid-data",
        "features",
    ),
    "reference of other width": (
        lambda: per_class_frechet_distance(zeros(2, 2), torch.tensor([0, 0]), {0: normal(3)}),
        "mismatch",
        None,
    ),
    "float image": (lambda: zero_fraction(zeros(2, 2)), "invalid-data", "pixels"),
    "no image": (lambda: zero_fraction(zeros(0, 2, dtype=torch.uint8)), "invalid-data", "pixels"),
    "moments of one row": (lambda: Moments.of(zeros(1, 3)), "invalid-data", "features"),
    "damaged shapes": (lambda: Moments(zeros(2), torch.eye(3), 9), "invalid-data", None),
    "damaged values": (lambda: Moments(NAN[0], torch.eye(2), 9), "non-finite", None),
    "moments of other width": (lambda: frechet_distance(normal(2), normal(3)), "mismatch", None),
    "600 rows": (lambda: fd_infinity(zeros(599, 2), normal(2)), "invalid-data", "features"),
    "12 D rows": (lambda: fd_infinity(zeros(767, 64), normal(64)), "invalid-data", "features"),
    "one subset": (lambda: mean_fd_of_subsets(zeros(900, 2), normal(2), 901), "invalid-data", "features"),
    "one draw": (lambda: bootstrap_interval(zeros(9, 2), normal(2), draws=1), "out-of-range", "draws"),
    "block of one": (lambda: kid(zeros(50, 2), zeros(50, 2), block=1), "out-of-range", "block"),
    "less than a block": (lambda: kid(zeros(9, 2), zeros(50, 2), block=10), "invalid-data", "x"),
    "jackknife of two rows": (lambda: kid(zeros(2, 2), zeros(50, 2), block=2), "invalid-data", "x"),
    "KID of NaN": (lambda: kid(NAN, zeros(50, 2), block=10), "non-finite", "x"),
    "k of 0": (lambda: prdc(zeros(9, 2), zeros(9, 2), k=0), "out-of-range", "k"),
    "no k neighbours": (lambda: prdc(zeros(5, 2), zeros(5, 2)), "invalid-data", "real"),
    "PRDC of other number": (lambda: prdc(zeros(20, 2), zeros(19, 2)), "invalid-data", None),
    "one row": (lambda: one_nn_accuracy(zeros(1, 2), zeros(1, 2)), "invalid-data", "real"),
    "1-NN of NaN": (lambda: one_nn_accuracy(zeros(50, 2), NAN), "non-finite", "fake"),
    "no base": (lambda: nearest_neighbour(zeros(9, 2), zeros(0, 2)), "invalid-data", "base"),
    "empty chunk": (lambda: nearest_neighbour(zeros(9, 2), zeros(9, 2), chunk=0), "out-of-range", "chunk"),
}


@pytest.mark.parametrize("case", CASES)
def test_invalid_input_is_refused(case: str) -> None:
    call, code, field = CASES[case]
    with pytest.raises(InkwashError) as error:
        call()
    assert (error.value.code, error.value.field) == (code, field) and "\n" not in str(error.value)
    assert isinstance(error.value, UsageError) != (code == "non-finite" or case in ("logits", "damaged shapes"))


@pytest.mark.parametrize(
    ("classes", "words"), [(range(5), "0 to 4, counted from 0"), ({3, 7}, "3, 7"), (range(1, 4), "1, 2, 3")]
)
def test_the_error_for_a_label_names_the_classes(classes: Collection[int], words: str) -> None:
    with pytest.raises(UsageError) as error:
        check_labels(torch.tensor([5]), 1, classes)
    assert f"label 5 is out of range, the classes are {words}: give" in str(error.value)


def test_the_error_for_a_nan_names_its_row() -> None:
    features = torch.zeros(700, 2)
    features[5, 1] = math.nan
    with pytest.raises(InkwashError, match="row 5"):
        Moments.of(features)
