"""Batches are a pure function of (seed, step), and an epoch is an epoch."""

from __future__ import annotations

import math

import pytest
import torch

from inkwash.data import Dataset
from inkwash.training.batches import Batch, Batches, Split

CPU = torch.device("cpu")
COUNT = 60


@pytest.fixture(scope="module")
def told_apart() -> Dataset:
    """Sixty images that are all of one grey, which is their index, and so is their label."""
    grey = torch.arange(COUNT, dtype=torch.uint8)
    values = grey[:, None, None, None].expand(-1, 1, 4, 4).contiguous()
    return Dataset("told-apart", values, grey.long(), tuple(map(str, range(COUNT))))


def batches(data: Dataset, size: int = 7, seed: int = 0, conditional: bool = True, dropout: float = 0.0) -> Batches:
    return Batches(data, size, seed, conditional, dropout, CPU)


def seen(batch: Batch) -> list[int]:
    return ((batch.images[:, 0, 0, 0] + 1) * 127.5).round().long().tolist()


def same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_step_is_the_same_whatever_was_asked_before(told_apart: Dataset) -> None:
    forwards = batches(told_apart, dropout=0.3)
    backwards = batches(told_apart, dropout=0.3)
    first = {step: forwards(step) for step in (1, 2, 40)}
    second = {step: backwards(step) for step in (40, 2, 1)}
    torch.manual_seed(1)
    assert all(same(first[step], second[step]) and same(first[step], forwards(step)) for step in first)
    assert not same(first[1], first[2])


def test_nothing_is_drawn_from_the_global_generator(told_apart: Dataset) -> None:
    before = torch.random.get_rng_state()
    batches(told_apart, dropout=0.3)(3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_seed_is_another_course(told_apart: Dataset) -> None:
    one, other = batches(told_apart, seed=0)(1), batches(told_apart, seed=1)(1)
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [1, 7, 54, 100])
def test_an_epoch_shows_each_train_image_exactly_once(told_apart: Dataset, size: int) -> None:
    course = batches(told_apart, size)
    train = course.split.train.tolist()
    steps = math.ceil(3 * len(train) / size)
    shown = [place for step in range(1, steps + 1) for place in seen(course(step))]
    epochs = [shown[k * len(train) : (k + 1) * len(train)] for k in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [train] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_held_out_part_is_never_shown(told_apart: Dataset) -> None:
    course = batches(told_apart, 20)
    shown = {place for step in range(1, 20) for place in seen(course(step))}
    assert not shown & set(course.split.validation.tolist())
    assert shown | set(course.split.validation.tolist()) == set(range(COUNT))


@pytest.mark.parametrize(("count", "held_out"), [(9, 1), (60, 6), (1_500, 150), (10_000, 1_000), (60_000, 1_000)])
def test_a_split_is_whole_and_without_overlap(count: int, held_out: int) -> None:
    split = Split.of(count)
    assert len(split.validation) == held_out
    assert torch.equal(torch.cat([split.train, split.validation]).sort().values, torch.arange(count))


def test_an_image_comes_with_its_own_label(told_apart: Dataset) -> None:
    batch = batches(told_apart)(5)
    assert batch.labels is not None
    assert batch.labels.tolist() == seen(batch)
    assert batches(told_apart, conditional=False)(5).labels is None


def test_the_share_of_dropped_labels_is_the_one_asked_for(told_apart: Dataset) -> None:
    course = batches(told_apart, 500, dropout=0.1)
    labels = torch.cat([batch.labels for step in range(1, 21) if (batch := course(step)).labels is not None])
    places = torch.tensor([place for step in range(1, 21) for place in seen(course(step))])
    dropped = labels < 0
    # four standard deviations of a binomial share
    assert abs(float(dropped.double().mean()) - 0.1) < 4 * math.sqrt(0.1 * 0.9 / len(labels))
    assert torch.equal(labels[~dropped], places[~dropped])
    assert set(labels[dropped].tolist()) == {-1}


def test_dropping_labels_changes_nothing_else(told_apart: Dataset) -> None:
    with_all, with_some = batches(told_apart)(3), batches(told_apart, dropout=0.5)(3)
    assert torch.equal(with_all.images, with_some.images)
    assert torch.equal(with_all.u, with_some.u)
    assert torch.equal(with_all.noise, with_some.noise)


def test_levels_are_spread_evenly_over_a_batch(told_apart: Dataset) -> None:
    u = batches(told_apart, 50)(9).u
    assert u.dtype == torch.float64
    assert torch.equal((u * 50).floor().sort().values, torch.arange(50, dtype=torch.float64))


def test_noise_is_standard_normal_and_new_at_every_place_and_step(told_apart: Dataset) -> None:
    course = batches(told_apart, 200)
    first, second = course(1).noise, course(2).noise
    together = torch.cat([first, second]).flatten(1)
    number = together.numel()
    assert abs(float(together.mean())) < 4 / math.sqrt(number)
    assert abs(float(together.var()) - 1) < 4 * math.sqrt(2 / number)
    assert len(together.unique(dim=0)) == 400


def test_noise_does_not_depend_on_the_level(told_apart: Dataset) -> None:
    batch = batches(told_apart, 512)(3)
    within_stratum = batch.u * 512 - torch.arange(512)
    # Box and Muller's radius is a function of one uniform number: of another than the level's
    radius = batch.noise.flatten(1)[:, :2].square().sum(1).double()
    assert abs(torch.corrcoef(torch.stack([within_stratum.log(), radius]))[0, 1]) < 4 / math.sqrt(512)


def test_points_are_shown_as_they_are() -> None:
    points = torch.linspace(-3, 3, 80).reshape(40, 2)
    batch = batches(Dataset("points", points), 10)(1)
    assert batch.images.shape == batch.noise.shape == (10, 2)
    assert all((row == points).all(1).any() for row in batch.images)
