"""Pareto front, sentence and table of entries with known scores."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import product

import pytest
import torch

from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.scores import EvaluatedSamples, Evaluation, Score
from inkwash.metrics.extractors import Extraction


def entry(name: str, seconds: float | None, fd: float | None, n: int = 1000, **more: float | None) -> ComparisonEntry:
    """Return an entry of this cost, with a hundred evaluations a second, and this FD."""
    samples = EvaluatedSamples(torch.zeros(1, 1, 2, 2), None, Extraction(torch.zeros(1, 2), None), (), ())
    scores = [Score("fd.a", "FD to train, A", fd, 0.125), *(Score(k, k, v, 0.5) for k, v in more.items())]
    found = Evaluation(name, n, "digits", tuple(scores), samples)
    evaluations = None if seconds is None else 100 * seconds
    return ComparisonEntry(
        name, "", None if seconds is None else 7, evaluations, seconds, found, torch.zeros(1, 1, 2, 2)
    )


def names(entries: list[ComparisonEntry]) -> list[str]:
    return [each.name for each in entries]


FAST, GOOD, SLOW, BEST = (
    entry("fast", 0.5, 3.0),
    entry("good", 1.0, 1.04),
    entry("slow", 2.0, 1.5),
    entry("best", 4.0, 1.0),
)


def test_front_holds_the_non_dominated_entries() -> None:
    for order in ((FAST, GOOD, SLOW, BEST), (BEST, SLOW, GOOD, FAST)):
        assert names(Comparison(order).front) == ["fast", "good", "best"]


def test_every_entry_off_the_front_is_dominated() -> None:
    generator = torch.Generator().manual_seed(1)
    cost, score = torch.randint(1, 6, (2, 40), generator=generator)
    entries = [entry(str(k), float(cost[k]), float(score[k])) for k in range(40)]
    front = Comparison(tuple(entries)).front

    def beats(one: ComparisonEntry, other: ComparisonEntry) -> bool:
        a, b = ((e.seconds or 0.0, e.evaluation["fd.a"].value or 0.0) for e in (one, other))
        return a != b and a[0] <= b[0] and a[1] <= b[1]

    assert not any(beats(one, other) for one, other in product(entries, front))
    on_front = {(e.seconds, e.evaluation["fd.a"].value) for e in front}
    for other in entries:
        same = (other.seconds, other.evaluation["fd.a"].value) in on_front
        assert same or any(beats(one, other) for one in front)


def test_first_of_equal_entries_is_on_the_front() -> None:
    assert names(Comparison((entry("one", 1.0, 2.0), entry("two", 1.0, 2.0))).front) == ["one"]


def test_sentence_names_the_cheapest_within_5_percent() -> None:
    conclusion = Comparison((FAST, GOOD, SLOW, BEST)).conclusion
    assert conclusion == (
        "good is the cheapest within 5% of the best: FD to train, A 1.040 in 1.00 s for 64 images (100 evaluations); "
        "best has 1.000 in 4.00 s for 64 images (400 evaluations); 1,000 images each."
    )


def test_sentence_names_the_best_where_nothing_cheaper_is_as_good() -> None:
    conclusion = Comparison((FAST, entry("near", 1.0, 1.051), BEST)).conclusion
    assert conclusion.startswith("best is best, FD to train, A 1.000 at 1,000 images, and nothing cheaper is as good")
    assert conclusion.endswith("4.00 s for 64 images (400 evaluations).")


def test_files_are_ranked_without_a_cost() -> None:
    file = entry("mine.npz", None, 0.9)
    found = Comparison((GOOD, file, BEST))
    assert names(found.front) == ["good", "best"]
    assert found.conclusion.startswith("mine.npz is best, FD to train, A 0.900") and found.conclusion.endswith(
        "as good."
    )
    cheaper = Comparison((entry("as good", 1.0, 0.92), file)).conclusion
    assert cheaper.startswith("as good is the cheapest within 5%") and "; mine.npz has 0.900; " in cheaper
    assert "None" not in Comparison((file, entry("other.npz", None, 2.0))).conclusion


def test_entries_with_fewer_images_or_without_the_score_are_not_ranked() -> None:
    few, bare = entry("few", 0.1, 0.5, n=200), entry("bare", 1.0, None, n=5000)
    found = Comparison((few, bare, GOOD, BEST))
    assert names(found.ranked) == ["good", "best"] and names(found.front) == ["good", "best"]
    assert "few" not in found.conclusion and len(found.rows()) == 4


def test_sentence_for_too_few_images_names_the_number_needed() -> None:
    none = Comparison((entry("one", 1.0, None, n=100), entry("two", 2.0, None, n=100)))
    assert not none.front and not none.unranked_note
    assert "fd.a" in none.conclusion and "-n 200" in none.conclusion and "100" in none.conclusion


def test_unranked_names_entries_with_both_numbers_of_images() -> None:
    found = Comparison((entry("few", 0.1, None, n=150), entry("less", 0.1, 9.0, n=300), GOOD, BEST))
    assert (
        "few (150 images)" in found.unranked_note
        and "less (300 images)" in found.unranked_note
        and "1,000" in found.unranked_note
    )
    assert not Comparison((GOOD, BEST)).unranked_note


def within(name: str, seconds: float, fd: float, low: float, high: float) -> ComparisonEntry:
    """Return an entry whose score has an interval."""
    found = entry(name, seconds, fd)
    scores = (replace(found.evaluation.scores[0], low=low, high=high),)
    return replace(found, evaluation=replace(found.evaluation, scores=scores))


CLOSE = "cheap is the cheapest within 5% of the best"
SAME = "cheap is the cheapest that is not distinguishable"


@pytest.mark.parametrize(
    ("cheap", "best", "start"),
    [
        ((1.02, 0.9, 1.1), (1.0, 0.9, 1.1), SAME),
        ((1.5, 1.05, 1.9), (1.0, 0.9, 1.05), SAME),
        ((1.5, 1.3, 1.7), (1.0, 0.9, 1.1), "dear is best"),
        ((1.04, 1.03, 1.05), (1.0, 0.99, 1.01), CLOSE),
    ],
)
def test_overlapping_intervals_are_not_distinguishable(
    cheap: tuple[float, float, float], best: tuple[float, float, float], start: str
) -> None:
    assert Comparison((within("cheap", 1.0, *cheap), within("dear", 2.0, *best))).conclusion.startswith(start)


def test_entries_are_ranked_by_the_given_key() -> None:
    one, two = entry("one", 1.0, 1.0, kid=9.0), entry("two", 2.0, 2.0, kid=1.0)
    assert names(Comparison((one, two), "kid").front) == ["one", "two"]
    assert Comparison((one, two), "kid").conclusion.startswith("two is best, kid 1.000")
    assert Comparison((one, two), "kid")[1] is two.evaluation


def test_csv_parses_back_to_the_same_numbers() -> None:
    third = 1 / 3
    entries = (entry('a "quoted", name', third, 0.1 + 0.2, kid=-third), entry("mine.npz", None, None, zero=1e-17))
    found = Comparison(entries)
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["model"] for row in rows] == ['a "quoted", name', "mine.npz"]
    for row, expected in zip(rows, found.rows(), strict=True):
        assert set(row) >= set(expected)
        for key, value in row.items():
            wanted = expected.get(key)
            if isinstance(wanted, int | float):
                assert float(value) == wanted
            else:
                assert value == (wanted or "")
    assert rows[0]["seconds_64"] == str(third) and rows[1]["seconds_64"] == rows[1]["fd.a"] == ""
    assert rows[0]["fd.a.real"] == "0.125"
