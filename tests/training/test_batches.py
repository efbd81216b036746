"""Batches as a pure function of (seed, step), epochs, and the split into train and validation set."""

from __future__ import annotations

import math

import pytest
import torch

from inkwash.data import Dataset
from inkwash.training.batches import Batch, Batches, Split

CPU = torch.device("cpu")
COUNT = 60


@pytest.fixture(scope="module")
def numbered() -> Dataset:
    """Sixty images of constant gray value; gray value and label equal their index."""
    grey = torch.arange(COUNT, dtype=torch.uint8)
    values = grey[:, None, None, None].expand(-1, 1, 4, 4).contiguous()
    return Dataset("numbered", values, grey.long(), tuple(map(str, range(COUNT))))


def batches(data: Dataset, size: int = 7, seed: int = 0, conditional: bool = True, dropout: float = 0.0) -> Batches:
    return Batches(data, size, seed, conditional, dropout, CPU)


def seen(batch: Batch) -> list[int]:
    return ((batch.images[:, 0, 0, 0] + 1) * 127.5).round().long().tolist()


def equal_parts(first: Batch, second: Batch) -> list[bool]:
    assert first.labels is not None and second.labels is not None
    return [
        torch.equal(first.images, second.images),
        torch.equal(first.labels, second.labels),
        torch.equal(first.u, second.u),
        torch.equal(first.noise, second.noise),
    ]


def test_batch_depends_on_seed_and_step_only(numbered: Dataset) -> None:
    forwards = batches(numbered, dropout=0.3)
    backwards = batches(numbered, dropout=0.3)
    first = {step: forwards(step) for step in (1, 2, 40)}
    second = {step: backwards(step) for step in (40, 2, 1)}
    torch.manual_seed(1)
    assert all(all(equal_parts(first[step], second[step])) for step in first)
    assert all(all(equal_parts(first[step], forwards(step))) for step in first)
    assert not any(equal_parts(first[1], first[2]))


def test_batch_leaves_the_global_generator_unchanged(numbered: Dataset) -> None:
    before = torch.random.get_rng_state()
    batches(numbered, dropout=0.3)(3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_seeds_give_different_batches(numbered: Dataset) -> None:
    assert not any(equal_parts(batches(numbered, seed=0)(1), batches(numbered, seed=1)(1)))


@pytest.mark.parametrize("size", [1, 7, 54, 100])
def test_epoch_has_each_train_image_once(numbered: Dataset, size: int) -> None:
    run = batches(numbered, size)
    train = run.split.train.tolist()
    steps = math.ceil(3 * len(train) / size)
    shown = [place for step in range(1, steps + 1) for place in seen(run(step))]
    epochs = [shown[k * len(train) : (k + 1) * len(train)] for k in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [train] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_validation_images_are_never_trained_on(numbered: Dataset) -> None:
    run = batches(numbered, 20)
    shown = {place for step in range(1, 20) for place in seen(run(step))}
    assert not shown & set(run.split.validation.tolist())
    assert shown | set(run.split.validation.tolist()) == set(range(COUNT))


@pytest.mark.parametrize(("count", "held_out"), [(9, 1), (60, 6), (1_500, 150), (10_000, 1_000), (60_000, 1_000)])
def test_split_is_a_partition(count: int, held_out: int) -> None:
    split = Split.of(count)
    assert len(split.validation) == held_out
    assert torch.equal(torch.cat([split.train, split.validation]).sort().values, torch.arange(count))


def test_images_keep_their_labels(numbered: Dataset) -> None:
    batch = batches(numbered)(5)
    assert batch.labels is not None
    assert batch.labels.tolist() == seen(batch)
    assert batches(numbered, conditional=False)(5).labels is None


def test_fraction_of_dropped_labels_equals_label_dropout(numbered: Dataset) -> None:
    run = batches(numbered, 500, dropout=0.1)
    labels = torch.cat([batch.labels for step in range(1, 21) if (batch := run(step)).labels is not None])
    places = torch.tensor([place for step in range(1, 21) for place in seen(run(step))])
    dropped = labels < 0
    # Four standard deviations of a binomial proportion.
    assert abs(float(dropped.double().mean()) - 0.1) < 4 * math.sqrt(0.1 * 0.9 / len(labels))
    assert torch.equal(labels[~dropped], places[~dropped])
    assert set(labels[dropped].tolist()) == {-1}


def test_label_dropout_leaves_images_levels_and_noise_unchanged(numbered: Dataset) -> None:
    with_all, with_some = batches(numbered)(3), batches(numbered, dropout=0.5)(3)
    assert torch.equal(with_all.images, with_some.images)
    assert torch.equal(with_all.u, with_some.u)
    assert torch.equal(with_all.noise, with_some.noise)


def test_levels_are_stratified_over_a_batch(numbered: Dataset) -> None:
    u = batches(numbered, 50)(9).u
    assert u.dtype == torch.float64
    assert torch.equal((u * 50).floor().sort().values, torch.arange(50, dtype=torch.float64))


def test_noise_is_standard_normal_and_never_repeats(numbered: Dataset) -> None:
    run = batches(numbered, 200)
    first, second = run(1).noise, run(2).noise
    together = torch.cat([first, second]).flatten(1)
    number = together.numel()
    assert abs(float(together.mean())) < 4 / math.sqrt(number)
    assert abs(float(together.var()) - 1) < 4 * math.sqrt(2 / number)
    assert len(together.unique(dim=0)) == 400


def test_noise_is_independent_of_the_level(numbered: Dataset) -> None:
    batch = batches(numbered, 512)(3)
    within_stratum = batch.u * 512 - torch.arange(512)
    # The Box-Muller radius is a function of one uniform number, which must not be that of the level.
    radius = batch.noise.flatten(1)[:, :2].square().sum(1).double()
    assert abs(torch.corrcoef(torch.stack([within_stratum.log(), radius]))[0, 1]) < 4 / math.sqrt(512)


def test_points_are_not_encoded() -> None:
    points = torch.linspace(-3, 3, 80).reshape(40, 2)
    batch = batches(Dataset("points", points), 10)(1)
    assert batch.images.shape == batch.noise.shape == (10, 2)
    assert all((row == points).all(1).any() for row in batch.images)
