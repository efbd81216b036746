"""Scores at other numbers of images, and with other classes or proportions than those of the real images."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from inkwash.data import Dataset
from inkwash.evaluation import compute_scores, defects, reference
from inkwash.evaluation.compute_scores import measure
from inkwash.evaluation.reference import Reference
from inkwash.metrics import frechet
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.frechet import Moments

BuildFor = Callable[[Dataset], ExtractorSet]


def test_fd_is_matched_to_the_number_of_real_images(bench: Reference, digits: Dataset) -> None:
    found = measure("many", digits.values[:900], None, bench.extractor_set)
    for key in ("fd.a", "fd.c"):
        score = found[key]
        assert score.value is not None and score.matched is not None and score.real is not None
        # FD of 297 images is higher than that of 900 by its bias
        assert score.matched > score.value and score.ratio == score.matched / score.real
    score = found["fd.a"]
    stated = [float(number) for number in re.findall(r"\d[\d.]*\d", defects.verdicts(found)[-1])]
    assert all(
        any(number == pytest.approx(each, rel=1e-2) for number in stated) for each in (900, score.matched, score.value)
    )


def test_small_test_part_gives_no_real_fd(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_values is not None and digits.test_labels is not None
    small = replace(digits, test_values=digits.test_values[:60], test_labels=digits.test_labels[:60])
    found = measure("many", digits.values[:300], None, build_for(small))
    assert found["fd.a"].value is not None and found["fd.a"].real is None and "60" in found["fd.a"].note
    assert not [text for text in defects.verdicts(found) if "FD" in text]
    assert found["kid"].note == "of 60"


def test_floor_is_left_out_far_beyond_the_measured_sizes(bench: Reference, digits: Dataset) -> None:
    largest = bench.extractor_set.extractors["a"].statistics.fd_train_to_train.sizes[-1]
    assert measure("near", digits.values[: 2 * largest], None, bench.extractor_set)["fd.a"].floor is not None
    assert measure("far", digits.values[: 2 * largest + 1], None, bench.extractor_set)["fd.a"].floor is None


def test_equal_counts_of_mnist_labels_count_as_other_proportions() -> None:
    mnist = reference._bundled("mnist")
    equal = torch.arange(10_000) % 10
    assert compute_scores._differing_proportions(equal, mnist) == pytest.approx([0.1] * 10)
    edges = torch.tensor(mnist.spec.proportions).cumsum(0)
    proportional = torch.searchsorted(edges, (torch.arange(10_000) + 0.5) / 10_000).clamp(max=9)
    assert compute_scores._differing_proportions(proportional, mnist) is None


def test_note_says_when_the_reference_cannot_be_weighted(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_labels is not None and digits.test_values is not None and digits.labels is not None
    chosen = digits.test_labels != 4
    without_four = replace(digits, test_values=digits.test_values[chosen], test_labels=digits.test_labels[chosen])
    only = digits.labels == 3
    (note,) = measure("threes", digits.values[only], digits.labels[only], build_for(without_four)).notes
    assert "other proportions" in note and "too few" in note


@pytest.fixture(scope="module")
def uneven(digits: Dataset, build_for: BuildFor) -> Reference:
    """Return digits of which every second class is four times as frequent as the others."""
    assert digits.labels is not None and digits.test_labels is not None

    def some(labels: Tensor) -> Tensor:
        return (labels % 2 == 0) | (torch.arange(len(labels)) % 4 == 0)

    chosen, chosen_test = some(digits.labels), some(digits.test_labels)
    assert digits.test_values is not None
    given = Dataset(
        "uneven",
        digits.values[chosen],
        digits.labels[chosen],
        digits.classes,
        digits.test_values[chosen_test],
        digits.test_labels[chosen_test],
    )
    return Reference(build_for(given), given)


def test_reference_is_weighted_for_equal_class_counts(uneven: Reference, digits: Dataset) -> None:
    """Real digits in equal class counts have a low FD, which an unweighted reference would raise."""
    assert digits.labels is not None
    place = torch.stack([(digits.labels == k).nonzero()[:60, 0] for k in range(10)]).flatten()
    found = measure("equal", digits.values[place], digits.labels[place], uneven.extractor_set)
    assert any("other proportions" in note for note in found.notes)
    for name, extractor in uneven.extractor_set.extractors.items():
        features = extractor.extract(digits.values[place]).features
        plain = frechet.frechet_distance(Moments.of(features), extractor.statistics.train.overall)
        score = found[f"fd.{name}"]
        assert score.value is not None and score.value < 0.7 * plain
        assert score.low is not None and score.low < score.value
        # the reference is that of train images picked in equal counts, but for their small number
        assert uneven.data is not None and uneven.data.labels is not None
        of = [extractor.extract(uneven.data.values[uneven.data.labels == k]).features for k in range(10)]
        equal = torch.cat([rows.repeat(-(-400 // len(rows)), 1)[:400] for rows in of])
        assert score.value == pytest.approx(frechet.frechet_distance(Moments.of(features), Moments.of(equal)), rel=0.1)
    assert found["spread.a"].value == pytest.approx(1, abs=0.1)


def test_labels_in_train_proportions_are_not_weighted(uneven: Reference) -> None:
    assert uneven.data is not None and uneven.data.test_values is not None
    found = measure("as they are", uneven.data.test_values, uneven.data.test_labels, uneven.extractor_set)
    assert not found.notes


def test_reference_without_a_class_is_not_weighted(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_labels is not None and digits.test_values is not None and digits.labels is not None
    chosen = digits.test_labels != 4
    without_four = replace(digits, test_values=digits.test_values[chosen], test_labels=digits.test_labels[chosen])
    made = build_for(without_four)
    only = (digits.labels == 3) | (digits.labels == 5)
    found = measure("threes and fives", digits.values[only], digits.labels[only], made)
    extractor = made.extractors["a"]
    own = Moments.of(extractor.extract(digits.values[only]).features)
    assert found["fd.a"].value == frechet.frechet_distance(own, extractor.statistics.train.overall)


def test_labels_are_ignored_by_extractors_without_classes(digits: Dataset, build_for: BuildFor) -> None:
    plain = replace(digits, labels=None, test_labels=None, classes=())
    found = measure("labelled", digits.values[:300], torch.full((300,), 12), build_for(plain), plain)
    assert not [score for score in found.scores if score.key.startswith(("accuracy", "entropy", "unsure"))]
    assert len(found.notes) == 1 and "ignored" in found.notes[0] and found.samples.labels is None


def test_one_class_has_no_entropy(digits: Dataset, build_for: BuildFor) -> None:
    only = replace(digits, labels=torch.zeros(1500).long(), test_labels=torch.zeros(297).long(), classes=("ink",))
    found = measure("ink", digits.values[:300], None, build_for(only), only)
    assert "entropy.c" not in found and "fd.c" in found
