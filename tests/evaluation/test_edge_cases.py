"""Edge cases of scores, verdicts and requests: few images, other proportions, changed plugins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from inkwash.config import plugins
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation import measures, reference
from inkwash.evaluation import verdicts as rules
from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.grading import grade
from inkwash.evaluation.measures import measure
from inkwash.evaluation.plan import EvaluationRequest
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import Setting
from inkwash.evaluation.score import EvaluatedSamples, Evaluation, Score
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import Extraction
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest

BuildFor = Callable[[Dataset], ExtractorSet]


# ---- another number of images


def test_fd_is_matched_to_the_number_of_real_images(bench: Reference, digits: Dataset) -> None:
    found = measure("many", digits.values[:900], None, bench.extractor_set)
    for key in ("fd.a", "fd.c"):
        score = found[key]
        assert score.value is not None and score.matched is not None and score.real is not None
        # 297 lie further away than 900, whoever they are
        assert score.matched > score.value and score.ratio == score.matched / score.real
    text = rules.verdicts(found)[-1]
    assert "as many samples as that has" in text and "(all 900: " in text


def test_grade_uses_the_matched_value() -> None:
    apart = Score("fd.a", "", 1.0, 1.0, matched=3.0)
    assert grade(apart) == "off" and grade(replace(apart, matched=None)) == "as real"


def test_small_test_part_gives_no_real_fd(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_values is not None and digits.test_labels is not None
    small = replace(digits, test_values=digits.test_values[:60], test_labels=digits.test_labels[:60])
    found = measure("many", digits.values[:300], None, build_for(small))
    assert found["fd.a"].value is not None and found["fd.a"].real is None and "60" in found["fd.a"].note
    assert not [text for text in rules.verdicts(found) if "FD" in text]
    assert found["kid"].note == "of 60"


def test_floor_is_left_out_far_beyond_the_measured_sizes(bench: Reference, digits: Dataset) -> None:
    largest = bench.extractor_set.extractors["a"].statistics.fd_train_to_train.sizes[-1]
    assert measure("near", digits.values[: 2 * largest], None, bench.extractor_set)["fd.a"].floor is not None
    assert measure("far", digits.values[: 2 * largest + 1], None, bench.extractor_set)["fd.a"].floor is None


# ---- proportions


def test_equal_counts_of_mnist_labels_count_as_other_proportions() -> None:
    mnist = reference._bundled("mnist")
    equal = torch.arange(10_000) % 10
    assert measures._differing_proportions(equal, mnist) == pytest.approx([0.1] * 10)
    edges = torch.tensor(mnist.spec.proportions).cumsum(0)
    drawn = torch.searchsorted(edges, (torch.arange(10_000) + 0.5) / 10_000).clamp(max=9)
    assert measures._differing_proportions(drawn, mnist) is None


def test_note_says_when_the_reference_cannot_be_weighted(digits: Dataset, build_for: BuildFor) -> None:
    assert digits.test_labels is not None and digits.test_values is not None and digits.labels is not None
    kept = digits.test_labels != 4
    lame = replace(digits, test_values=digits.test_values[kept], test_labels=digits.test_labels[kept])
    only = digits.labels == 3
    (note,) = measure("threes", digits.values[only], digits.labels[only], build_for(lame)).notes
    assert "other proportions" in note and "too few" in note


# ---- verdicts


def evaluation(
    *made: Score, count: int = 300, requested: Tensor | None = None, drawn: Tensor | None = None, k: int = 10
) -> Evaluation:
    """Return an evaluation of `count` samples with these scores, labels `asked` and predicted classes `drawn`, of `k`."""
    count = count if drawn is None else len(drawn)
    sure = None if drawn is None else functional.one_hot(drawn, k).float()
    each: tuple[float, ...] = ()
    if drawn is not None and requested is not None:
        each = tuple(float((drawn[requested == label] == label).float().mean()) for label in range(k))
    names = tuple(map(str, range(k)))
    samples = EvaluatedSamples(
        torch.zeros(1), requested, Extraction(torch.zeros(count, 2), sure), names, (1 / k,) * k, None, {}, each
    )
    return Evaluation("made up", count, "digits", made, samples)


def test_swapped_classes_are_reported_as_shifted() -> None:
    requested = (torch.arange(294) < 140).long()
    (text,) = rules.condition(evaluation(requested=requested, drawn=1 - requested, k=2))
    assert "shifted by one" in text
    (text,) = rules.condition(evaluation(requested=requested, drawn=torch.arange(294) % 2, k=2))
    assert "ignored: 50%" in text or "ignored: 49%" in text


def test_requested_class_that_is_never_predicted_is_missing() -> None:
    threes = torch.full((100,), 3)
    (text,) = rules.condition(evaluation(requested=threes, drawn=threes + 5))
    assert text.startswith("Class 3 is missing: 0%")
    (text,) = rules.condition(evaluation(requested=threes, drawn=threes.where(torch.arange(100) < 40, 8)))
    assert text.startswith("Class 3 is often missed: 40%")


def test_single_samples_are_no_fault() -> None:
    requested = torch.arange(20) % 10
    one_wrong = requested.clone()
    one_wrong[[3, 13]] = 8
    cases = [
        (rules.condition, evaluation(requested=requested, drawn=one_wrong)),
        (rules.copies, evaluation(Score("copies", "", 0.1, 0.01), count=10)),
        (rules.low_confidence, evaluation(Score("fd.a", "", None), Score("unsure.a", "", 0.05, 0.012), count=20)),
        (rules.missing_classes, evaluation(drawn=torch.arange(250) % 19, k=20)),
    ]
    for rule, found in cases:
        assert not list(rule(found)), rule.__name__


def test_verdict_shows_small_fd_with_four_digits() -> None:
    (text,) = rules.frechet_distance(evaluation(Score("fd.points", "", 0.0005, 0.0044)))
    assert "FD 0.0005" in text and "0.0044" in text


# ---- comparisons, caches, requests


def test_unranked_names_only_unranked_settings() -> None:
    def entry(name: str, n: int) -> ComparisonEntry:
        found = replace(evaluation(Score("fd.a", "FD", 1.0, 1.0), count=n), name=name)
        return ComparisonEntry(name, "", 1, 1.0, 1.0, found, torch.zeros(1))

    both = Comparison((entry("slow", 1000), entry("fast", 10_000)))
    assert (
        "slow" in both.unranked_note
        and "fast" not in both.unranked_note
        and not Comparison(both.entries[1:]).unranked_note
    )


def test_identity_includes_the_content_of_plugins(
    untrained: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = Setting(untrained(), SampleRequest())
    plain = setting.identity()
    file = tmp_path / "mine.py"
    file.write_text("SHARE = 1\n")
    module = ModuleType(f"{plugins.PREFIX}mine")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    first = setting.identity()
    file.write_text("SHARE = 2\n")
    assert plain != first != setting.identity()


def test_extractors_of_fewer_classes_are_refused_before_sampling(
    untrained: Callable[..., Model], bench: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(bench.extractor_set, spec=replace(bench.extractor_set.spec, classes=("0", "1")))
    monkeypatch.setattr(reference, "for_data", lambda *_: Reference(few, None))
    with pytest.raises(UsageError, match="tiny") as error:
        EvaluationRequest((untrained(),), 300, judge="few").plan()
    assert (error.value.code, error.value.field) == ("invalid-data", "labels")
