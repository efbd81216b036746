"""FD of Gaussians in closed form, its extrapolation to infinite N, and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inkwash.metrics.frechet import Moments, bootstrap_interval, fd_infinity, frechet_distance, mean_fd_of_subsets

Rows = Callable[..., Tensor]


def gaussian(mean: Tensor, covariance: Tensor) -> Moments:
    return Moments(mean.double(), covariance.double(), 1000)


def covariance(seed: int, width: int) -> Tensor:
    square = torch.randn(width, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return square @ square.T


def rotation(seed: int, width: int) -> Tensor:
    return torch.linalg.qr(covariance(seed, width)).Q


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4), st.integers(0, 99))
def test_fd_of_a_shift_is_its_squared_length(shift: list[float], seed: int) -> None:
    spread, moved = covariance(seed, 4), torch.tensor(shift, dtype=torch.float64)
    expected = sum(step**2 for step in shift)
    assert frechet_distance(gaussian(torch.zeros(4), spread), gaussian(moved, spread)) == pytest.approx(
        expected, abs=1e-6
    )


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=3, max_size=3), st.integers(0, 99))
def test_fd_of_commuting_covariances(stds: list[tuple[float, float]], seed: int) -> None:
    turn = rotation(seed, 3)
    pair = [
        gaussian(torch.zeros(3), turn @ torch.diag(torch.tensor(s, dtype=torch.float64) ** 2) @ turn.T)
        for s in zip(*stds, strict=True)
    ]
    # where a std is 0, the root of a rounded eigenvalue leaves about 1e-8 of the traces, here up to 500
    assert frechet_distance(*pair) == pytest.approx(sum((a - b) ** 2 for a, b in stds), abs=1e-5)


@given(st.integers(0, 999), st.integers(0, 999))
def test_fd_of_two_by_two_matrices_in_closed_form(one: int, other: int) -> None:
    first, second = covariance(one, 2), covariance(other, 2)
    # the eigenvalues of a 2 x 2 matrix obey (sqrt a + sqrt b)^2 = trace + 2 sqrt determinant
    root = math.sqrt((first @ second).trace() + 2 * math.sqrt(first.det() * second.det()))
    expected = (first.trace() + second.trace()).item() - 2 * root
    assert frechet_distance(gaussian(torch.zeros(2), first), gaussian(torch.zeros(2), second)) == pytest.approx(
        expected, abs=1e-7
    )


class Tiny(nn.Module):
    """Return features that are not normal: two values of an image and their product."""

    num_features = 3

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        return torch.cat([flat[:, :2], flat[:, :1] * flat[:, 1:2]], dim=1)


def test_torchmetrics_agrees(rows: Rows) -> None:
    oracle = pytest.importorskip("torchmetrics.image.fid").FrechetInceptionDistance(feature=Tiny())
    oracle.set_dtype(torch.float64)
    real, fake = rows(400, 4).reshape(400, 1, 2, 2), (1.5 * rows(300, 4, seed=1) + 0.3).reshape(300, 1, 2, 2)
    oracle.update(real, real=True)
    oracle.update(fake, real=False)
    found = frechet_distance(Moments.of(Tiny()(real)), Moments.of(Tiny()(fake)))
    assert found == pytest.approx(oracle.compute().item(), rel=1e-6)


def test_fd_of_a_set_to_itself_is_zero_with_singular_covariance(rows: Rows) -> None:
    features = rows(50, 6)
    features[:, 3:] = features[:, :1]
    assert 0 <= frechet_distance(Moments.of(features), Moments.of(features)) < 1e-6
    features[:, 0] = 7
    assert 0 <= frechet_distance(Moments.of(features), Moments.of(features)) < 1e-6


@given(st.integers(0, 99), st.integers(0, 99))
def test_fd_is_symmetric_and_rotation_invariant(one: int, turn: int) -> None:
    first, second = (gaussian(covariance(k, 4)[0], covariance(k + 1, 4)) for k in (one, one + 2))
    plain = frechet_distance(first, second)
    assert frechet_distance(second, first) == pytest.approx(plain, abs=1e-7)
    q = rotation(turn, 4)
    turned = (gaussian(q @ each.mean, q @ each.covariance @ q.T) for each in (first, second))
    assert frechet_distance(*turned) == pytest.approx(plain, abs=1e-7)


def test_moments_agree_with_numpy_in_any_order(rows: Rows) -> None:
    features = (3 * rows(70, 5) + 100).float()
    found = Moments.of(features)
    assert found.count == 70 and found.mean.dtype == found.covariance.dtype == torch.float64
    assert torch.allclose(found.covariance, torch.cov(features.double().T), rtol=1e-10)
    assert torch.allclose(found.covariance, Moments.of(features.flip(0)).covariance, rtol=1e-10)
    assert Moments.of(features[:, :1]).covariance.shape == (1, 1)


def test_fd_infinity_removes_the_bias_of_finite_samples(rows: Rows) -> None:
    truth = gaussian(torch.zeros(8), torch.eye(8))
    plain = [frechet_distance(Moments.of(rows(1200, 8, seed)), truth) for seed in range(12)]
    limits = [fd_infinity(rows(1200, 8, seed), truth) for seed in range(12)]
    # in expectation a mean over N costs tr C / N, a covariance to first order D (D + 1) / (4 N) where C = 1
    bias = (8 + 8 * 9 / 4) / 1200
    assert min(plain) > 0.5 * bias and sum(plain) / 12 == pytest.approx(bias, rel=0.15)
    assert abs(sum(limits) / 12) < 0.1 * bias
    assert min(limits) < 0 < max(limits)


def test_fd_infinity_keeps_a_true_distance(rows: Rows) -> None:
    limit = fd_infinity(1.5 * rows(1500, 4) + 1, gaussian(torch.zeros(4), torch.eye(4)))
    assert limit == pytest.approx(4 + 4 * 0.25, rel=0.08)


def test_bootstrap_interval_covers_the_true_distance(rows: Rows) -> None:
    truth, shift = gaussian(torch.zeros(3), torch.eye(3)), torch.tensor([1.0, 0, 0])
    ends = [bootstrap_interval(rows(400, 3, seed) + shift, truth, draws=40) for seed in range(40)]
    covering = sum(low < 1 < high for low, high in ends)
    # 38 of 40 expected; 33 or fewer would happen once in 200 such tests
    assert covering > 33
    # the mean's part alone has a standard error of 2 / sqrt(N)
    width = sum(high - low for low, high in ends) / 40
    assert 0.8 < width / (2 * 1.96 * 2 / math.sqrt(400)) < 1.3


def test_bootstrap_interval_contains_the_estimate(rows: Rows) -> None:
    features, truth = rows(300, 10), gaussian(torch.zeros(10), torch.eye(10))
    low, high = bootstrap_interval(features, truth)
    assert 0 <= low < frechet_distance(Moments.of(features), truth) < high
    assert bootstrap_interval(features, truth) == (low, high)


def test_mean_fd_of_subsets(rows: Rows) -> None:
    truth, features = gaussian(torch.zeros(4), torch.eye(4)), rows(900, 4)
    assert mean_fd_of_subsets(features, truth, 900) == pytest.approx(frechet_distance(Moments.of(features), truth))
    # a mean over n costs tr C / n, a covariance D (D + 1) / (4 n): three times as much of a third
    found = [mean_fd_of_subsets(rows(900, 4, seed), truth, 100) for seed in range(4)]
    assert sum(found) / 4 == pytest.approx((4 + 5) / 100, rel=0.15)


def test_bootstrap_of_two_rows_repeats_one_half_of_the_time() -> None:
    # two rows at -1 and 1 have variance 2, one of them twice has none: FD to N(0, 1) is (sqrt(2) - 1)^2 and 1 + 1
    rows, normal = torch.tensor([[-1.0], [1.0]]), gaussian(torch.zeros(1), torch.ones(1, 1))
    own = (math.sqrt(2) - 1) ** 2
    _, high = bootstrap_interval(rows, normal, draws=400)
    # the upper quantile is 2, moved from the draws' mean to the estimate
    repeated = 1 - (high - own) / (2 - own)
    assert repeated * 400 == pytest.approx(round(repeated * 400), abs=1e-6)
    assert 0.4 < repeated < 0.6
