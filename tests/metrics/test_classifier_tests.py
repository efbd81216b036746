"""C2ST is at chance for equal sets and detects small differences; TSTR equals its baseline on real images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from inkwash import data
from inkwash.core.rng import Stream, normals, permutation
from inkwash.data import decode, encode
from inkwash.errors import UsageError
from inkwash.metrics import classifier_tests
from inkwash.metrics.classifier_tests import C2STResult, TSTRResult

# eight epochs and no additional step
c2st = partial(classifier_tests.c2st, min_steps=1)
tstr = partial(classifier_tests.tstr, min_steps=1)

ALL = data.load("digits")
assert ALL.labels is not None
LABELS = ALL.labels[:600]
DIGITS = replace(ALL, values=ALL.values[:600], labels=LABELS)


def split(draw: int, count: int = 250) -> tuple[Tensor, Tensor]:
    """Return two disjoint random subsets of real digits."""
    order = permutation(7, draw, Stream.SHUFFLE, len(ALL))
    return ALL.values[order[:count]], ALL.values[order[count : 2 * count]]


def test_c2st_of_splits_of_one_set_is_at_chance() -> None:
    found = torch.tensor([c2st(*split(draw), seed=draw).z_score for draw in range(6)])
    assert abs(found.mean()) < 3.5 / math.sqrt(6)
    assert found.abs().max() < 4


def test_c2st_detects_one_differing_pixel() -> None:
    real, fake = split(0, 700)
    fake[:, :, 0, 0] = 60
    assert c2st(real, fake).accuracy == 1


def test_c2st_detects_a_shift_by_one_pixel() -> None:
    real, fake = split(0, 400)
    assert c2st(real, fake.roll(1, -1)).accuracy > 0.9


def test_c2st_of_noise_is_symmetric() -> None:
    real, clean = split(0, 700)
    noise = normals(1, torch.arange(700), 0, Stream.SAMPLE, (1, 8, 8))
    fake = decode(encode(clean) + 0.1 * noise)
    found, swapped = c2st(real, fake), c2st(fake, real)
    assert found.z_score > 8 and swapped.z_score > 8
    assert abs(found.accuracy - swapped.accuracy) < 4 * math.hypot(found.standard_error, swapped.standard_error)


def test_c2st_of_a_copy_is_below_chance() -> None:
    real, _ = split(0, 700)
    found = c2st(real, real)
    assert found.z_score < -4 and found.p_value > 0.999


def test_c2st_is_tested_on_held_out_images() -> None:
    assert c2st(*split(0, 201)).count == 2 * 101


def test_p_value_is_the_binomial_tail() -> None:
    for right in (90, 100, 115, 130):
        exact = sum(math.comb(200, k) for k in range(right, 201)) / 2**200
        assert C2STResult((right - 0.5) / 200, 200).p_value == pytest.approx(exact, rel=0.1, abs=1e-4)


def test_error_is_the_binomial_standard_error() -> None:
    tosses = torch.tensor([1.0] * 150 + [0.0] * 50, dtype=torch.float64)
    assert C2STResult(0.75, 200).standard_error == pytest.approx(tosses.std(correction=0).item() / math.sqrt(200))


def test_tstr_of_the_train_set_equals_its_baseline() -> None:
    found = tstr(DIGITS.values, LABELS, DIGITS)
    assert found.test_error_of_samples == found.test_error_of_real
    assert 0 < found.test_error_of_real < 0.15
    assert (found.ratio, found.standard_error, found.count) == (1, 0, len(DIGITS))


@pytest.mark.slow
def test_tstr_of_wrong_labels_or_images_is_far_worse() -> None:
    cases = {
        "shuffled": (DIGITS.values, LABELS[permutation(8, 0, Stream.SHUFFLE, len(LABELS))]),
        "blank": (torch.zeros_like(DIGITS.values), LABELS),
    }
    for case, (values, requested) in cases.items():
        found = tstr(values, requested, DIGITS)
        assert found.test_error_of_samples > 0.7 and found.test_error_of_real < 0.15, case
        assert found.ratio == found.test_error_of_samples / found.test_error_of_real > 5, case


def test_tstr_pairs_at_most_the_train_images_of_a_class() -> None:
    # 200 of class 0 are requested, the train set has about 60
    order = permutation(9, 0, Stream.SHUFFLE, len(DIGITS))
    some = order[LABELS[order] != 0][:200]
    zeros = (LABELS == 0).nonzero()[:, 0]
    places = torch.cat([some, zeros.repeat(4)[:200]])
    found = tstr(DIGITS.values[places], LABELS[places], DIGITS)
    assert found.count == 200 + len(zeros)


def test_tstr_trains_neither_classifier_on_a_missing_class() -> None:
    others = LABELS != 3
    assert DIGITS.test_labels is not None
    missing = (DIGITS.test_labels == 3).double().mean().item()
    found = tstr(DIGITS.values[others], LABELS[others], DIGITS)
    assert found.test_error_of_samples >= missing and found.test_error_of_real >= missing


def test_error_of_the_ratio_is_that_of_the_jackknife() -> None:
    chance = torch.rand(4, 500, generator=torch.Generator().manual_seed(0))
    # the same images are hard for both, so their errors come together
    hard = (chance[0] < 0.1).double()
    own, twin = (((hard > 0) | (chance[k] < 0.02 * k)).double() for k in (2, 1))
    found = TSTRResult.of(own, twin, 1000)
    without = torch.tensor([(own.sum() - a) / (twin.sum() - b) for a, b in zip(own, twin, strict=True)])
    jackknife = math.sqrt(499 / 500 * (without - without.mean()).square().sum())
    assert found.standard_error == pytest.approx(jackknife, rel=0.02)
    assert found.ratio == own.sum() / twin.sum() > 1


def test_ratio_to_a_baseline_without_errors() -> None:
    none, one = torch.zeros(10).double(), torch.eye(10)[0].double()
    for own, expected in ((none, 1), (one, math.inf)):
        found = TSTRResult.of(own, none, 500)
        assert found.ratio == expected and math.isnan(found.standard_error)


@pytest.mark.slow
def test_results_are_deterministic_and_leave_the_global_generator() -> None:
    state = torch.random.get_rng_state()
    real, fake = split(0)
    fake = fake.roll(1, -1)
    found = c2st(real, fake, seed=3)
    assert found == c2st(real, fake, seed=3) != c2st(real, fake, seed=4)
    samples, requested = DIGITS.values[:250].roll(1, -1), LABELS[:250]
    assert tstr(samples, requested, DIGITS, seed=3) == tstr(samples, requested, DIGITS, seed=3)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.slow
def test_progress_rises_to_one() -> None:
    reported: list[float] = []
    c2st(*split(0, 200), progress=reported.append)
    assert reported == sorted(reported) and reported[0] > 0 and reported[-1] == 1
    reported.clear()
    tstr(DIGITS.values[:300], LABELS[:300], DIGITS, progress=reported.append)
    assert reported == sorted(reported) and reported[0] > 0 and reported[-1] == 1


def pixels(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


FEW = DIGITS.values[:300]
TEN = torch.arange(300) % 10


@pytest.mark.parametrize(
    ("call", "code", "field"),
    [
        (lambda: c2st(pixels(300, 1, 8, 8), pixels(299, 1, 8, 8)), "mismatch", "fake"),
        (lambda: c2st(pixels(300, 1, 8, 8), pixels(300, 1, 9, 8)), "mismatch", "fake"),
        (lambda: c2st(pixels(199, 1, 8, 8), pixels(199, 1, 8, 8)), "invalid-data", "real"),
        (lambda: tstr(FEW, TEN, replace(DIGITS, labels=None)), "unsupported", "data"),
        (lambda: tstr(FEW, TEN, replace(DIGITS, test_values=None, test_labels=None)), "unsupported", "data"),
        (lambda: tstr(FEW, TEN, replace(DIGITS, test_labels=None)), "unsupported", "data"),
        (lambda: tstr(FEW, TEN, data.load("moons")), "mismatch", "samples"),
        (lambda: tstr(FEW, None, DIGITS), "missing-field", "labels"),
        (lambda: tstr(FEW, TEN[:299], DIGITS), "invalid-data", "labels"),
        (lambda: tstr(FEW, TEN + 1, DIGITS), "invalid-data", "labels"),
        # too few real images of that class
        (lambda: tstr(FEW, torch.zeros_like(TEN), DIGITS), "invalid-data", "samples"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(call: Callable[[], object], code: str, field: str) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert (error.value.code, error.value.field) == (code, field)


@pytest.mark.slow
def test_num_steps_is_the_number_of_steps_trained() -> None:
    reported: list[float] = []
    real, fake = split(0, 400)
    classifier_tests.c2st(real, fake, progress=reported.append)
    assert len(reported) == classifier_tests.num_steps(400)
    reported.clear()
    found = classifier_tests.tstr(DIGITS.values[:400], LABELS[:400], ALL, progress=reported.append)
    assert len(reported) == 2 * classifier_tests.num_steps(found.count)
