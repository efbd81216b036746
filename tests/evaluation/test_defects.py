"""Each rule reports its own fault, made from real digits, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from inkwash.evaluation import controls, defects
from inkwash.evaluation.compute_scores import measure
from inkwash.evaluation.defects import verdicts
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.scores import EvaluatedSamples, Evaluation, Score
from inkwash.metrics import class_accuracy
from inkwash.metrics.extractors import Extraction

Images = tuple[Tensor, Tensor]


@pytest.fixture(scope="module")
def real(bench: Reference) -> Images:
    assert bench.data is not None and bench.data.test_values is not None and bench.data.test_labels is not None
    return bench.data.test_values, bench.data.test_labels


def message(found: Evaluation) -> str:
    """Return all verdicts but the last, which is always on FD."""
    *faults, distance = verdicts(found)
    assert "FD " in distance
    return " ".join(faults)


# ---- real digits, spoilt


def test_real_images_have_no_faults(bench: Reference, real: Images) -> None:
    for requested in (real[1], None):
        found = measure("real", real[0], requested, bench.extractor_set, bench.data)
        assert not message(found)
        assert "As close to the training set as real images" in verdicts(found)[-1]


CORRUPTED = {
    "grey background": ["background is grey: 0%"],
    "noise 0.05": ["background is grey"],
    "binarised": ["too few pixels"],
    "class 1 missing": ["Class 1 is missing"],
    "labels shuffled": ["condition is ignored"],
    "one image per class": ["Low diversity", "distinguishable"],
    "one pixel shifted": ["Missing modes", "distinguishable"],
    "train images (all copies)": ["near-copies of training images: 100%"],
}
"""Control -> what its verdicts must contain."""
TELLING = (
    "near-copies of training",
    "condition is ignored",
    "shifted by one",
    "Class 1 is missing",
    "dominates",
    "background is grey",
    "too few pixels",
    "Low diversity",
)
"""What verdicts on other controls must not contain."""


@pytest.mark.parametrize("name", CORRUPTED)
def test_verdicts_on_a_control_name_its_corruption_only(name: str, bench: Reference) -> None:
    text = message(controls.measure_control(name, bench, 300))
    for words in CORRUPTED[name]:
        assert words in text
    for words in TELLING:
        assert words not in text or any(words in own for own in CORRUPTED[name]), text


def test_ghosts_are_reported_as_low_confidence(bench: Reference, real: Images) -> None:
    found = measure("ghosts", *controls.blended(0.95)(real), bench.extractor_set)
    assert "low confidence" in message(found)


@pytest.mark.parametrize(("shift", "sign"), [(1, "-"), (9, "+")])
def test_shifted_labels_are_reported_with_direction(shift: int, sign: str, bench: Reference, real: Images) -> None:
    text = message(measure("shifted", real[0], (real[1] + shift) % 10, bench.extractor_set))
    assert f"class k {sign} 1 is generated" in text and "ignored" not in text


def test_requested_class_that_is_never_generated_is_named(bench: Reference, real: Images) -> None:
    fives = real[0][real[1] == 5]
    values = real[0].clone()
    values[real[1] == 3] = fives[torch.arange(int((real[1] == 3).sum())) % len(fives)]
    text = message(measure("no threes", values, real[1], bench.extractor_set))
    assert text.startswith("Class 3 is missing") and text.count("missing") == 1 and "ignored" not in text


def test_dominant_class_is_named(bench: Reference, real: Images) -> None:
    zeros = real[0][real[1] == 0]
    values = torch.cat([real[0], zeros.repeat(3, 1, 1, 1)])
    assert "Class 0 dominates" in message(measure("zeros", values, None, bench.extractor_set))


def test_repeated_image_has_no_variance(bench: Reference, real: Images) -> None:
    text = message(measure("one", real[0][:1].expand(300, -1, -1, -1), None, bench.extractor_set))
    assert "Low diversity, or blur: the feature variance is 0%" in text


# ---- made-up scores: each rule by itself


def evaluation(
    *scores: Score,
    count: int = 300,
    requested: Tensor | None = None,
    predicted: Tensor | None = None,
    classes: int = 10,
) -> Evaluation:
    """Return an evaluation of `count` samples with these scores, requested and predicted classes."""
    count = count if predicted is None else len(predicted)
    probabilities = None if predicted is None else functional.one_hot(predicted, classes).float()
    accuracies: tuple[float, ...] = ()
    if probabilities is not None and requested is not None:
        accuracies = tuple(class_accuracy.accuracy(probabilities, requested).per_class)
    extraction, names = Extraction(torch.zeros(count, 2), probabilities), tuple(map(str, range(classes)))
    proportions = (1 / classes,) * classes
    samples = EvaluatedSamples(torch.zeros(1), requested, extraction, names, proportions, None, {}, accuracies)
    return Evaluation("made up", count, "digits", scores, samples)


def near(key: str, value: float, real: float) -> Score:
    return Score(key, key, value, real)


LABELS = torch.arange(300) % 10
Rule = Callable[[Evaluation], Iterator[str]]

CASES: list[tuple[Rule, Evaluation, str]] = [
    (defects.background, evaluation(near("zero", 0.6, 0.8)), "grey: 60% .* 80%"),
    (defects.background, evaluation(near("zero", 0.79, 0.8)), ""),
    (defects.background, evaluation(near("zero", 0.9, 0.8)), "too few pixels: 90%"),
    (defects.background, evaluation(near("zero", 0.3, 0.0)), ""),
    (defects.background, evaluation(), ""),
    (defects.copies, evaluation(near("copies", 0.4, 0.01)), "training images: 40%"),
    (defects.copies, evaluation(near("copies", 0.02, 0.01)), ""),
    (defects.copies, evaluation(near("copies", 0.3, 0.1)), ""),
    (defects.copies, evaluation(Score("copies", "", None, 0.01, note="needs data")), ""),
    (defects.diversity, evaluation(near("fd.a", 1, 1), near("spread.a", 0.3, 1.0)), "is 30%"),
    (defects.diversity, evaluation(near("fd.b", 1, 1), near("spread.b", 0.3, 1.0)), "is 30%"),
    (
        defects.diversity,
        evaluation(near("fd.a", 1, 1), near("spread.a", 0.9, 1.0), near("recall", 0.7, 0.9)),
        "recall is 70%",
    ),
    (defects.diversity, evaluation(near("fd.a", 1, 1), near("spread.a", 0.9, 1.0), near("recall", 0.88, 0.9)), ""),
    (defects.low_confidence, evaluation(near("fd.a", 1, 1), near("unsure.a", 0.05, 0.01)), "5.0% of samples.*1.0%"),
    (defects.low_confidence, evaluation(near("fd.a", 1, 1), near("unsure.a", 0.03, 0.01)), ""),
    (defects.texture, evaluation(near("fd.a", 1.2, 1), near("fd.c", 4, 1)), "4.0 times.*A 1.2 times"),
    (defects.texture, evaluation(near("fd.a", 5, 1), near("fd.c", 6, 1)), ""),
    (defects.texture, evaluation(near("fd.a", 1, 1), near("fd.c", 2, 1)), ""),
    (defects.texture, evaluation(near("fd.c", 9, 1)), ""),
    (defects.two_sample, evaluation(near("two_sample", 0.8, 0.53)), "80%"),
    (defects.two_sample, evaluation(near("two_sample", 0.55, 0.53)), ""),
    (defects.frechet_distance, evaluation(near("fd.a", 1.05, 1)), "As close"),
    (defects.frechet_distance, evaluation(near("fd.a", 1.9, 1)), "Close.*1.9 times"),
    (defects.frechet_distance, evaluation(near("fd.a", 9, 1)), "Different.*9.0 times"),
    (defects.frechet_distance, evaluation(near("fd.a", 90, 1)), "Far.*90 times"),
    (defects.frechet_distance, evaluation(Score("fd.a", "", 90)), ""),
    (defects.frechet_distance, evaluation(near("fd.a", 3, 1)), "as many real images: 1.000"),
    (
        defects.frechet_distance,
        evaluation(Score("fd.a", "", 3, 1, note="real at 297")),
        "real test set: 1.000",
    ),
    (defects.condition, evaluation(requested=LABELS, predicted=LABELS), ""),
    (defects.condition, evaluation(predicted=LABELS), ""),
    (defects.condition, evaluation(requested=LABELS, predicted=LABELS.roll(37)), "ignored: 0%.*10%"),
    (defects.condition, evaluation(requested=LABELS, predicted=torch.zeros(300).long()), "ignored: 10%"),
    (defects.condition, evaluation(requested=LABELS, predicted=(LABELS + 1) % 10), "k \\+ 1"),
    (defects.condition, evaluation(requested=LABELS, predicted=LABELS.where(LABELS != 8, 9)), "Class 8 is missing: 0%"),
    (defects.condition, evaluation(requested=LABELS, predicted=LABELS.where(torch.arange(300) % 3 > 0, 0)), ""),
    (defects.condition, evaluation(requested=torch.zeros(300).long(), predicted=torch.zeros(300).long()), ""),
    (defects.missing_classes, evaluation(predicted=LABELS), ""),
    (defects.missing_classes, evaluation(predicted=LABELS.where(LABELS != 8, 9)), "Class 8 is missing: 0.0%.*10.0%"),
    (
        defects.missing_classes,
        evaluation(predicted=LABELS.where(LABELS < 7, 0)),
        "missing.*missing.*missing|Class 0 dominates: 40.0%",
    ),
    (defects.missing_classes, evaluation(requested=LABELS, predicted=LABELS.where(LABELS != 8, 9)), ""),
    (defects.missing_classes, evaluation(predicted=LABELS[:150].where(LABELS[:150] != 8, 9)), ""),
]


@pytest.mark.parametrize(("rule", "found", "words"), CASES, ids=[f"{r.__name__}-{w or 'silent'}" for r, _, w in CASES])
def test_rule_reports_only_its_fault(rule: Rule, found: Evaluation, words: str) -> None:
    text = " ".join(rule(found))
    assert re.search(words, text) if words else not text


def test_verdicts_are_ordered_by_severity() -> None:
    found = evaluation(
        near("fd.a", 9, 1), near("copies", 0.9, 0.01), near("two_sample", 0.9, 0.5), near("zero", 0.1, 0.8)
    )
    starts = [text.split(":")[0] for text in verdicts(found)]
    assert starts == [
        "The samples are near-copies of training images",
        "The background is grey",
        "Samples are distinguishable from real images",
        "Different from real images",
    ]


def test_swapped_classes_are_reported_as_shifted() -> None:
    requested = (torch.arange(294) < 140).long()
    (text,) = defects.condition(evaluation(requested=requested, predicted=1 - requested, classes=2))
    assert "shifted by one" in text
    (text,) = defects.condition(evaluation(requested=requested, predicted=torch.arange(294) % 2, classes=2))
    assert "ignored: 50%" in text or "ignored: 49%" in text


def test_requested_class_that_is_never_predicted_is_missing() -> None:
    threes = torch.full((100,), 3)
    (text,) = defects.condition(evaluation(requested=threes, predicted=threes + 5))
    assert text.startswith("Class 3 is missing: 0%")
    (text,) = defects.condition(evaluation(requested=threes, predicted=threes.where(torch.arange(100) < 40, 8)))
    assert text.startswith("Class 3 is often missed: 40%")


def test_single_samples_are_no_fault() -> None:
    requested = torch.arange(20) % 10
    one_wrong = requested.clone()
    one_wrong[[3, 13]] = 8
    cases = [
        (defects.condition, evaluation(requested=requested, predicted=one_wrong)),
        (defects.copies, evaluation(Score("copies", "", 0.1, 0.01), count=10)),
        (defects.low_confidence, evaluation(Score("fd.a", "", None), Score("unsure.a", "", 0.05, 0.012), count=20)),
        (defects.missing_classes, evaluation(predicted=torch.arange(250) % 19, classes=20)),
    ]
    for rule, found in cases:
        assert not list(rule(found)), rule.__name__


def test_verdict_shows_small_fd_with_four_digits() -> None:
    (text,) = defects.frechet_distance(evaluation(Score("fd.points", "", 0.0005, 0.0044)))
    assert "FD 0.0005" in text and "0.0044" in text
