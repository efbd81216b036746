"""KID is unbiased and agrees with torchmetrics."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inkwash.core.rng import Stream, permutation
from inkwash.metrics.kid import kid

Rows = Callable[..., Tensor]


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`")
def test_torchmetrics_agrees(rows: Rows) -> None:
    oracle = pytest.importorskip("torchmetrics.image.kid").KernelInceptionDistance(
        feature=nn.Flatten(), subsets=1, subset_size=150
    )
    real, fake = rows(150, 6), 1.2 * rows(150, 6, seed=1) + 0.2
    oracle.update(real, real=True)
    oracle.update(fake, real=False)
    found = kid(real, fake, block=150)
    assert found.value == pytest.approx(oracle.compute()[0].item(), rel=1e-9)


def test_kid_over_all_splits_of_one_set_has_mean_zero(rows: Rows) -> None:
    pooled = rows(60, 4)
    found = []
    for draw in range(400):
        order = permutation(1, draw, Stream.SHUFFLE, 60)
        found.append(kid(pooled[order[:30]], pooled[order[30:]], block=30).value)
    values = torch.tensor(found)
    # for exchangeable rows the unbiased estimate has mean 0 exactly, whatever the rows are
    assert abs(values.mean()) < 3.5 * values.std() / math.sqrt(400)
    assert 0.3 < (values < 0).double().mean() < 0.8


def test_kid_of_a_mean_difference_is_the_expected_kernel() -> None:
    # the constant sets 0 and c: every kernel is known, so that the discrepancy is k(0,0) + k(c,c) - 2 k(0,c)
    zeros, ones = torch.zeros(40, 3), torch.ones(40, 3)
    found = kid(zeros, ones, block=20)
    assert found.value == pytest.approx(1 + 8 - 2, rel=1e-12)
    assert found.standard_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("block", "shift", "largest"), [(50, 0.3, 1.33), (400, 0.3, 1.33), (400, 0.0, 1.8)])
def test_error_is_the_standard_deviation_of_the_estimate(rows: Rows, block: int, shift: float, largest: float) -> None:
    found = [kid(rows(400, 3, seed), rows(400, 3, seed + 100) + shift, block=block) for seed in range(60)]
    scatter = torch.tensor([each.value for each in found]).std().item()
    standard_error = math.sqrt(sum(each.standard_error**2 for each in found) / 60)
    # one block of equal distributions: the jackknife overestimates the error by sqrt(2)
    assert 0.75 < standard_error / scatter < largest


def test_kid_does_not_depend_on_the_order_of_rows(rows: Rows) -> None:
    two_classes = torch.cat([rows(100, 3) + 3, rows(100, 3, seed=1) - 3])
    found = kid(two_classes, torch.cat([rows(100, 3, seed=2) - 3, rows(100, 3, seed=3) + 3]), block=50)
    apart = kid(two_classes[:100], two_classes[100:], block=50)
    # unshuffled, every block would hold one class on each side
    assert abs(found.value) < 0.15 * apart.value


def test_kid_uses_all_rows_of_the_smaller_set(rows: Rows) -> None:
    small, large = rows(99, 3), rows(500, 3, seed=1)
    assert kid(small, large, block=50) == kid(small, large, block=99)


@pytest.mark.parametrize(("count", "block", "blocks"), [(3, 2, 1), (3, 3, 1), (4, 2, 2)])
def test_interval_of_the_fewest_rows_is_finite(rows: Rows, count: int, block: int, blocks: int) -> None:
    found = kid(rows(count, 3), rows(count, 3, seed=1), block=block)
    assert found.blocks == blocks and all(map(math.isfinite, found.confidence_interval))


def test_kid_of_a_copy_is_negative(rows: Rows) -> None:
    features = rows(80, 4)
    # the pairs of a row with its own copy count, those of a row with itself do not
    assert kid(features, features, block=80).value < 0


def test_kid_of_a_copy_in_many_blocks_is_near_zero(rows: Rows) -> None:
    # each set is shuffled by itself: in the same order every block would be compared with its own copy
    features = rows(2000, 3)
    found = kid(features, features, block=20)
    assert abs(found.value) < 3 * found.standard_error


@pytest.mark.parametrize("block", [30, 60])
def test_interval_of_few_blocks_covers_zero(rows: Rows, block: int) -> None:
    """Two standard errors of two blocks would cover zero only seven times in ten."""
    found = [kid(rows(60, 3, seed), rows(60, 3, seed + 1000), block=block) for seed in range(200)]
    covering = sum(low < 0 < high for low, high in (each.confidence_interval for each in found))
    # 190 expected of 200, with a deviation of 3
    assert covering >= 180
