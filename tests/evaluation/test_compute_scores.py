"""Scores of real images, weighted references, and measures that are left out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from inkwash import data
from inkwash.core.rng import Stream, normals, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation import reference
from inkwash.evaluation.compute_scores import measure
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.score_grades import grade
from inkwash.evaluation.scores import GLOSSARY, Evaluation
from inkwash.metrics.extractor_set import ExtractorSet

BuildFor = Callable[[Dataset], ExtractorSet]


@pytest.fixture(scope="module")
def test_part(bench: Reference) -> tuple[Tensor, Tensor]:
    assert bench.data is not None and bench.data.test_values is not None and bench.data.test_labels is not None
    return bench.data.test_values, bench.data.test_labels


@pytest.fixture(scope="module")
def real(bench: Reference, test_part: tuple[Tensor, Tensor]) -> Evaluation:
    """Return the scores of the real test part."""
    return measure("real", *test_part, bench.extractor_set, bench.data)


def values(found: Evaluation) -> dict[str, float | None]:
    return {score.key: score.value for score in found.scores}


def test_real_test_part_has_its_stored_figures(real: Evaluation) -> None:
    assert real.count == 297 and real["fd.a.test"].value == pytest.approx(0, abs=1e-9)
    for score in real.scores:
        # stored features are in half precision, which moves a neighbour or two
        near = 0.011 if score.key in ("precision", "recall", "density", "coverage", "two_sample") else 1e-6
        if score.real is not None and not score.key.endswith(".test") and score.key != "kid":
            assert score.value == pytest.approx(score.real, abs=near), score.key
    assert real["kid"].value == pytest.approx(real["kid"].real, rel=0.01)
    measured = {score.key for score in real.scores if score.real is not None}
    expected = "fd.a fd.c kid recall accuracy.a worst.a unsure.a zero nearest copies"
    assert measured >= set(expected.split())
    assert not real.notes


def test_real_images_have_the_kid_of_real_images(bench: Reference, test_part: tuple[Tensor, Tensor]) -> None:
    """The KID of few real images is 0 but for chance, and no ratio to it grades samples."""
    found = [measure("real", test_part[0][part::2], None, bench.extractor_set)["kid"] for part in (0, 1)]
    assert [grade(score) for score in found] == ["as real", "as real"]
    inverted = measure("inverted", 255 - test_part[0], None, bench.extractor_set)["kid"]
    assert grade(inverted) == "off", inverted


def test_every_score_is_in_the_glossary(real: Evaluation) -> None:
    assert {score.key.split(".")[0] for score in real.scores} <= set(GLOSSARY)


def test_fd_is_within_its_interval_and_above_its_extrapolation(bench: Reference, digits: Dataset) -> None:
    found = measure("train", digits.values[:800], None, bench.extractor_set)["fd.a"]
    assert found.value is not None and found.low is not None and found.high is not None and found.infinite is not None
    assert found.low < found.value < found.high and found.infinite < found.value
    assert found.floor is not None and 0 < found.value < 2 * found.floor


def test_scores_do_not_depend_on_the_order_of_images(
    bench: Reference, test_part: tuple[Tensor, Tensor], real: Evaluation
) -> None:
    order = permutation(1, 0, Stream.SHUFFLE, 297)
    other = measure("shuffled", test_part[0][order], test_part[1][order], bench.extractor_set, bench.data)
    for key, value in values(real).items():
        assert values(other)[key] == pytest.approx(value, rel=1e-4, abs=1e-4), key


def test_neighbour_scores_of_a_sorted_file_use_all_classes(
    bench: Reference, test_part: tuple[Tensor, Tensor], real: Evaluation
) -> None:
    few = replace(
        bench.extractor_set,
        train_features=bench.extractor_set.train_features[:100],
        test_features=bench.extractor_set.test_features[:100],
    )
    found = measure("sorted", test_part[0][test_part[1].argsort(stable=True)], None, few)
    assert found["recall"].note == "of 100"
    for key in ("recall", "coverage"):
        assert found[key].value == pytest.approx(found[key].real, abs=0.1)


# ---- copies


def test_held_out_images_are_not_copies_of_themselves(digits: Dataset, build_for: BuildFor) -> None:
    full_set = replace(digits, test_values=None, test_labels=None)
    made = build_for(full_set)
    assert 0 < made.real_scores["nearest.low"] < made.real_scores["nearest"]
    copied = measure("copier", digits.values[:100], None, made, full_set)
    assert copied["copies"].value == 1 and copied["nearest"].value == 0
    noise = (digits.values[:100].float() + 60 * normals(0, torch.arange(100), 0, Stream.SAMPLE, (1, 8, 8))).clamp(
        0, 255
    )
    assert measure("noisy", noise.byte(), None, made, full_set)["copies"].value == 0


def test_copies_are_found_where_test_images_repeat_train_images(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_values is not None
    test = digits.test_values.clone()
    test[:30] = digits.values[:30]
    repeated = replace(digits, test_values=test)
    made = build_for(repeated)
    assert made.real_scores["nearest.low"] == 0
    real = measure("real", test, None, made, repeated)
    assert real["copies"].value == real["copies"].real == pytest.approx(30 / 297)
    assert measure("copier", digits.values[200:300], None, made, repeated)["copies"].value == 1


# ---- what is refused, and what is left out


def test_invalid_samples_raise_usage_errors(bench: Reference, digits: Dataset) -> None:
    few = digits.values[:9]
    cases = [
        (few, torch.full((9,), 10), bench.data, "invalid-data", "labels"),
        (few, torch.full((9,), -1), bench.data, "invalid-data", "labels"),
        (few, torch.zeros(8).long(), bench.data, "invalid-data", "labels"),
        (few, torch.zeros(9), bench.data, "invalid-data", "labels"),
        (few.repeat(1, 1, 2, 2), None, bench.data, "mismatch", None),
        (few.repeat(1, 3, 1, 1), None, bench.data, "mismatch", None),
        (torch.zeros(9, 2), None, bench.data, "mismatch", None),
        (few[:0], None, bench.data, "invalid-data", None),
        (few, None, replace(digits, values=digits.values.clone() // 2), "mismatch", "data"),
    ]
    for pixels, requested, given, code, field in cases:
        with pytest.raises(UsageError) as error:
            measure("mine", pixels, requested, bench.extractor_set, given)
        assert (error.value.code, error.value.field) == (code, field) and "\n" not in str(error.value)


@pytest.mark.parametrize("count", [1, 2, 49, 50, 199])
def test_measures_that_need_more_images_are_left_out_with_a_note(
    count: int, bench: Reference, test_part: tuple[Tensor, Tensor]
) -> None:
    for requested in (None, test_part[1][:count]):
        found = measure("few", test_part[0][:count], requested, bench.extractor_set, bench.data)
        for score in found.scores:
            assert (score.value is None) == (
                score.key in ("fd.a", "fd.c")
                or (count < 50 and score.key in ("kid", "precision", "recall", "density", "coverage", "two_sample"))
            ), score.key
            assert score.value is not None or f"there are {count}" in score.note
        json.dumps(found.to_dict(), allow_nan=False)


def test_memorization_is_left_out_without_the_data(bench: Reference, test_part: tuple[Tensor, Tensor]) -> None:
    found = measure("real", *test_part, bench.extractor_set, None)
    assert [score.key for score in found.scores if score.value is None] == ["nearest", "copies"]
    assert all("digits" in found[key].note and "--data" in found[key].note for key in ("nearest", "copies"))
    assert found.samples.nearest is None


@pytest.mark.parametrize("count", [1, 3, 60, 300])
def test_no_score_of_degenerate_samples_is_nan(count: int, bench: Reference, digits: Dataset) -> None:
    blank, one = torch.zeros(count, 1, 8, 8).byte(), digits.values[:1].expand(count, -1, -1, -1)
    for name, pixels in (("blank", blank), ("one", one)):
        found = measure(name, pixels, torch.zeros(count).long(), bench.extractor_set, bench.data)
        message = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert message["n"] == count and set(message["scores"]) == {score.key for score in found.scores}
        assert not [s for s in found.scores if s.value is not None and not math.isfinite(s.value)]


def test_points_are_their_own_features() -> None:
    moons = data.load("moons")
    bench = reference.for_data(moons)
    for name, points in (("train", moons.values[:500]), ("apart", moons.values[:500] + 3)):
        found = measure(name, points, None, bench.extractor_set, bench.data)
        assert "zero" not in values(found) and "accuracy.points" not in values(found)
        fd = found["fd.points"]
        assert fd.value is not None and fd.real is not None and (fd.value < fd.real + 0.05) == (name == "train")
        assert (found["nearest"].value == 0) == (name == "train")
        json.dumps(found.to_dict(), allow_nan=False)
