"""Grades of scores beside real images, and their format."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.evaluation.score_grades import GRADES, Grade, grade
from inkwash.evaluation.scores import Better, Score, format_score

KEYS = ("fd.a", "kid", "precision", "density", "two_sample", "accuracy.a", "zero", "copies")


@given(st.sampled_from(KEYS), st.sampled_from(["low", "high", "near"]), st.floats(0.001, 0.999))
def test_value_of_real_images_is_graded_as_real(key: str, better: Better, real: float) -> None:
    assert grade(Score(key, "", real, real, better)) == "as real"


@given(st.sampled_from(KEYS), st.sampled_from(["low", "high"]), *[st.floats(0.001, 0.999)] * 3)
def test_a_better_value_never_has_a_worse_grade(
    key: str, better: Better, real: float, one: float, other: float
) -> None:
    worse, good = sorted((one, other), reverse=better == "low")
    ranks = [GRADES.index(grade(Score(key, "", value, real, better)) or "off") for value in (good, worse)]
    assert ranks[0] <= ranks[1]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (Score("fd.a", "", 0.05, 0.038), "close"),
        (Score("fd.a", "", 0.2, 0.038), "off"),
        (Score("fd.a", "", 0.05, 0.038, low=0.03, high=0.07), "as real"),
        # the KID of real images is 0 but for chance: here 1.4, 3 and 9 standard errors less than that of the samples
        (Score("kid", "", 0.13, -3.9, standard_error=1.2, real_standard_error=2.5), "as real"),
        (Score("kid", "", 3.0, 0.0, standard_error=0.8, real_standard_error=0.6), "close"),
        (Score("kid", "", 9.0, 0.0, standard_error=0.8, real_standard_error=0.6), "off"),
        # that of other real images is not, and the ratio counts
        (Score("kid", "", 9.0, 8.0, standard_error=0.1, real_standard_error=0.1), "close"),
        # 0.5 is best, so that 0.6 is three times as far from it as 0.534
        (Score("two_sample", "", 0.55, 0.534), "close"),
        (Score("two_sample", "", 0.6, 0.534), "off"),
        (Score("accuracy.a", "", 0.993, 0.995, "high"), "as real"),
        (Score("precision", "", 0.85, 0.947, "high"), "off"),
        (Score("zero", "", 0.44, 0.807, "near"), "off"),
        (Score("nearest", "", 4.6, 4.39, "near"), "close"),
        (Score("fd.a", "", None, 0.038), None),
        (Score("bits", "", 0.8), None),
    ],
)
def test_grades_of_known_scores(score: Score, expected: Grade | None) -> None:
    assert grade(score) == expected


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("accuracy.b", 0.9931, "99.3%"),
        ("fd.a", 0.03849, "0.0385"),
        ("fd.a", 1.2345, "1.234"),
        ("kid", 274.71, "274.7"),
        ("kid", -0.00001, "0.0000"),
        ("kid", -6.8423, "-6.842"),
    ],
)
def test_scores_are_formatted_with_few_digits(key: str, value: float, text: str) -> None:
    assert format_score(key, value) == text


def test_grade_uses_the_matched_value() -> None:
    apart = Score("fd.a", "", 1.0, 1.0, matched=3.0)
    assert grade(apart) == "off" and grade(replace(apart, matched=None)) == "as real"
