"""PRDC agrees with the package prdc; 1-NN accuracy is at chance for equal sets; distances are exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple

import pytest
import torch
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.metrics.nearest_neighbours import PRDC, nearest_neighbour, one_nn_accuracy, prdc

Rows = Callable[..., Tensor]


@pytest.mark.parametrize("k", [1, 5])
def test_prdc_agrees(rows: Rows, k: int) -> None:
    oracle = pytest.importorskip("prdc").compute_prdc
    real, fake = rows(300, 6), 1.2 * rows(300, 6, seed=1) + 0.5
    found = prdc(real, fake, k)
    expected = oracle(real.numpy(), fake.numpy(), nearest_k=k)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=1e-12), name
    assert 0.1 < found.precision < found.recall < 1


def test_prdc_of_a_copy_is_one(rows: Rows) -> None:
    real = rows(400, 8).float() + 50
    assert prdc(real, real[permutation(0, 0, Stream.SHUFFLE, 400)]) == PRDC(1, 1, 1, 1)


def test_prdc_of_distant_sets_is_zero(rows: Rows) -> None:
    assert prdc(rows(50, 3), rows(50, 3, seed=1) + 1000) == PRDC(0, 0, 0, 0)


def test_prdc_of_one_repeated_image(rows: Rows) -> None:
    real = rows(100, 3)
    found = prdc(real, real[:1].expand(100, 3))
    assert found.precision == 1 and found.recall == 0 and found.coverage < 0.2
    # the balls around that image, each with all hundred in it
    assert found.density == pytest.approx(found.coverage * 100 * 100 / (5 * 100))


def test_missing_modes_lower_recall_and_invented_modes_precision(rows: Rows) -> None:
    both = torch.cat([rows(100, 3), rows(100, 3, seed=1) + 1000])
    one = rows(200, 3, seed=2)
    missing, invented = prdc(both, one), prdc(one, both)
    assert missing.recall <= 0.5 and missing.coverage <= 0.5 and missing.precision > 0.8
    assert invented.precision <= 0.5 and invented.recall > 0.8
    assert astuple(missing)[:2] == astuple(invented)[1::-1]


@pytest.mark.parametrize("repeated", [False, True])
def test_one_nn_accuracy_of_splits_of_one_set_is_at_chance(rows: Rows, repeated: bool) -> None:
    pooled = torch.arange(60)[:, None].float() // 4 if repeated else rows(60, 3)
    orders = [permutation(1, draw, Stream.SHUFFLE, 60) for draw in range(300)]
    values = torch.tensor([one_nn_accuracy(pooled[order[:30]], pooled[order[30:]]) for order in orders])
    # 29 of the 59 others are of the same set
    assert abs(values.mean() - 29 / 59) < 3.5 * values.std() / math.sqrt(300)


def test_one_nn_accuracy_of_distant_sets_is_one(rows: Rows) -> None:
    assert one_nn_accuracy(rows(50, 3), rows(50, 3, seed=1) + 100) == 1


def test_one_nn_accuracy_of_a_copy_is_zero(rows: Rows) -> None:
    real = rows(100, 8).float()
    assert one_nn_accuracy(real, real.flip(0)) == 0
    real[10:20] = real[:10]
    assert one_nn_accuracy(real, real.flip(0)) == pytest.approx(0.2 / 2)
    assert one_nn_accuracy(torch.zeros(10, 2), torch.zeros(10, 2)) == 0.5


def test_nearest_neighbour_agrees_with_cdist(rows: Rows) -> None:
    queries, base = rows(40, 20).float(), rows(90, 20, seed=1).float()
    distances, found = nearest_neighbour(queries, base)
    every = (queries.double()[:, None] - base.double()).norm(dim=2)
    assert torch.equal(found, every.argmin(1))
    assert torch.allclose(distances, every.min(1).values, rtol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_nearest_neighbour_does_not_depend_on_the_chunk(rows: Rows, chunk: int) -> None:
    queries, base = rows(64, 30).float(), rows(200, 30, seed=1).float()
    queries[::3] = base[:22]
    for found, expected in zip(nearest_neighbour(queries, base, chunk), nearest_neighbour(queries, base), strict=True):
        assert torch.equal(found, expected)


def test_distance_of_a_duplicate_is_exactly_zero(rows: Rows) -> None:
    originals = rows(100, 50).float() + 30
    near, nearer = originals.clone(), originals.clone()
    # squares of these steps vanish beside the squares of rows in float32, so that their order there is chance
    near[:, 0] += 1e-3
    nearer[:, 1] += 5e-4
    distances, found = nearest_neighbour(originals, torch.cat([near, originals, nearer]))
    assert (distances == 0).all() and torch.equal(found, torch.arange(100, 200))
    distances, found = nearest_neighbour(originals, torch.cat([near, nearer]))
    assert torch.equal(found, torch.arange(100, 200))
    assert torch.equal(distances, (nearer.double() - originals.double())[:, 1])
