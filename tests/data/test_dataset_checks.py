"""A `Dataset` made in Python is checked like a file: no tensor of another form, range or count is trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from raised import code_and_field

from inkwash.data import Dataset

IMAGES = torch.randint(0, 256, (20, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(20) % 10
TEN = tuple("0123456789")

FAULTS: dict[str, tuple[Callable[[], Any], str]] = {
    "labels from 1": (lambda: Dataset("a", IMAGES, LABELS + 1, TEN), "labels"),
    "negative label": (lambda: Dataset("a", IMAGES, LABELS - 1, TEN), "labels"),
    "labels without classes": (lambda: Dataset("a", IMAGES, LABELS), "labels"),
    "too few labels": (lambda: Dataset("a", IMAGES, LABELS[:5], TEN), "labels"),
    "labels [N, 1]": (lambda: Dataset("a", IMAGES, LABELS[:, None], TEN), "labels"),
    "float labels": (lambda: Dataset("a", IMAGES, LABELS.float(), TEN), "labels"),
    "int32 labels": (lambda: Dataset("a", IMAGES, LABELS.int(), TEN), "labels"),
    "labels in a list": (lambda: Dataset("a", IMAGES, LABELS.tolist(), TEN), "labels"),  # type: ignore[arg-type]
    "classes as a number": (lambda: Dataset("a", IMAGES, LABELS, tuple(range(10))), "classes"),  # type: ignore[arg-type]
    "classes as one text": (lambda: Dataset("a", IMAGES, LABELS, "0123456789"), "classes"),  # type: ignore[arg-type]
    "floats in [0, 1]": (lambda: Dataset("a", IMAGES / 255), "values"),
    "floats in [-1, 1]": (lambda: Dataset("a", IMAGES / 127.5 - 1), "values"),
    "floats in [0, 255]": (lambda: Dataset("a", IMAGES.float()), "values"),
    "int64": (lambda: Dataset("a", IMAGES.long()), "values"),
    "bool": (lambda: Dataset("a", IMAGES > 9), "values"),
    "without channels": (lambda: Dataset("a", IMAGES[:, 0]), "values"),
    "flat": (lambda: Dataset("a", IMAGES.flatten(1)), "values"),
    "an array": (lambda: Dataset("a", IMAGES.numpy()), "values"),  # type: ignore[arg-type]
    "no images": (lambda: Dataset("a", IMAGES[:0]), "values"),
    "float64 points": (lambda: Dataset("a", torch.zeros(3, 2, dtype=torch.float64)), "values"),
    "NaN": (lambda: Dataset("a", torch.tensor([[0.0, float("nan")]])), "values"),
    "infinity": (lambda: Dataset("a", torch.tensor([[0.0, float("inf")]])), "values"),
    "test of another shape": (lambda: Dataset("a", IMAGES, test_values=IMAGES[..., :3]), "test_values"),
    "test of another type": (lambda: Dataset("a", IMAGES, test_values=torch.zeros(3, 2)), "test_values"),
    "test labels without images": (lambda: Dataset("a", IMAGES, LABELS, TEN, None, LABELS), "test_values"),
    "test label out of range": (lambda: Dataset("a", IMAGES, LABELS, TEN, IMAGES, LABELS + 1), "test_labels"),
    "too many test labels": (lambda: Dataset("a", IMAGES, LABELS, TEN, IMAGES[:3], LABELS), "test_labels"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_dataset_of_another_form_is_refused(fault: str) -> None:
    make, field = FAULTS[fault]
    assert code_and_field(make) == ("invalid-data", field)


def test_replacing_a_field_is_checked_too() -> None:
    data = Dataset("a", IMAGES, LABELS, TEN)
    assert code_and_field(lambda: replace(data, classes=TEN[:9])) == ("invalid-data", "labels")


@given(st.lists(st.integers(-3, 13), min_size=1, max_size=20), st.integers(0, 11))
def test_labels_are_accepted_exactly_if_they_are_indices_of_classes(labels: list[int], classes: int) -> None:
    def make() -> Dataset:
        return Dataset("a", IMAGES[: len(labels)], torch.tensor(labels), TEN[:classes] + tuple("x" * (classes > 10)))

    if all(0 <= label < classes for label in labels):
        assert make().proportions == pytest.approx(np.bincount(labels, minlength=classes) / len(labels))
    else:
        assert code_and_field(make) == ("invalid-data", "labels")
