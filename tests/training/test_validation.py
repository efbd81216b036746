"""The validation loss, and the loss of the memorizing denoiser as its lower bound on the train set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inkwash.core import Cosine, Linear, NetDenoiser, Schedule, Target
from inkwash.core.rng import Stream, normals
from inkwash.data import Dataset
from inkwash.objectives import Denoising
from inkwash.optim.optimizers import OptimizerConfig
from inkwash.training.batches import Batches, Split
from inkwash.training.events import Step
from inkwash.training.state import TrainingState
from inkwash.training.validation import LEVELS, LossByNoiseLevel, ValidationSet, Validator

CPU = torch.device("cpu")
V = Target("v", 0.6)


class Constant(nn.Module):
    """A network that predicts one number everywhere."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x: torch.Tensor, code: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        return self.number.expand_as(x)


def train_part(data: Dataset) -> torch.Tensor:
    return Split.of(len(data)).train


def memorizing_loss(data: Dataset, objective: Denoising, conditional: bool = True) -> LossByNoiseLevel | None:
    return Validator(Batches(data, 8, 0, conditional, 0.0, CPU), objective, V).memorizing_loss()


@pytest.mark.parametrize("conditional", [False, True])
def test_memorizing_loss_equals_that_of_the_brute_force_posterior_mean(digits: Dataset, conditional: bool) -> None:
    objective = Denoising(Cosine())
    found = memorizing_loss(digits, objective, conditional)
    assert found is not None and digits.labels is not None
    images = digits.encoded(train_part(digits)).flatten(1).double().numpy()
    labels = digits.labels[train_part(digits)].numpy()
    noise = normals(0, torch.arange(len(images)), 0, Stream.VALIDATION_NOISE, (64,)).double().numpy()
    losses: list[list[float]] = [[] for _ in range(LEVELS)]
    for index in range(len(images)):
        level = objective.schedule((index % LEVELS + 0.5) / LEVELS)
        alpha, sigma = float(level.alpha), float(level.sigma)
        x = alpha * images[index] + sigma * noise[index]
        known = images[labels == labels[index]] if conditional else images
        log_weight = -np.square(x - alpha * known).sum(1) / (2 * sigma**2)
        weight = np.exp(log_weight - log_weight.max())
        denoised = (weight / weight.sum()) @ known
        # An error e of the predicted image is an error e * sqrt(alpha^2 + sigma^2) / sigma of the predicted v.
        losses[index % LEVELS].append(np.square(denoised - images[index]).mean() * (alpha**2 + sigma**2) / sigma**2)
    assert found.losses == pytest.approx([float(np.mean(each)) for each in losses], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("schedule", [Cosine(), Linear(T=300)])
def test_trained_network_loss_on_the_train_set_is_above_the_memorizing_loss(
    digits: Dataset, initial: Callable[..., TrainingState], train: Callable[..., Iterator[Step]], schedule: Schedule
) -> None:
    objective = Denoising(schedule)
    state = initial("class-unet", OptimizerConfig(lr=3e-3))
    list(train(state, 60, OptimizerConfig(lr=3e-3), objective))
    lower = memorizing_loss(digits, objective)
    upper = ValidationSet.of(digits, train_part(digits), objective, True).loss(NetDenoiser(state.ema_net, V), CPU)
    assert lower is not None
    assert lower.codes == upper.codes
    assert all(low <= high for low, high in zip(lower.losses, upper.losses, strict=True))
    assert lower.mean < 0.8 * upper.mean


def test_conditioning_on_labels_lowers_the_memorizing_loss(digits: Dataset) -> None:
    with_label, without = (memorizing_loss(digits, Denoising(Cosine()), conditional) for conditional in (True, False))
    assert with_label is not None and without is not None
    # The expected loss is lower at every level; nine examples per level are too few to see it at each.
    assert with_label.mean < without.mean


def test_memorizing_loss_of_too_much_data_is_none() -> None:
    wide = Dataset("wide", torch.zeros(200, 1, 1_000, 1_000, dtype=torch.uint8).expand(200, 1, 1_000, 1_000))
    assert memorizing_loss(wide, Denoising(Cosine()), conditional=False) is None


@pytest.mark.parametrize("number", [0.0, 0.5])
def test_profile_has_the_expected_loss_at_each_noise_level(number: float) -> None:
    # Images of one gray value c: the target is v = alpha * noise - sigma * c, whose mean square is known.
    gray = Dataset("gray", torch.full((2_000, 1, 8, 8), 255, dtype=torch.uint8))
    profile = ValidationSet.of(gray, torch.arange(2_000), Denoising(Cosine()), False).loss(
        NetDenoiser(Constant(number), V), CPU
    )
    assert profile.codes == sorted(profile.codes)
    for index, loss in enumerate(profile.losses):
        level = Cosine()((index + 0.5) / LEVELS)
        expected = float(level.alpha**2 + (level.sigma + number) ** 2)
        assert loss == pytest.approx(expected, abs=0.1)
    assert profile.mean == pytest.approx(np.mean(profile.losses))


@pytest.mark.parametrize("count", [10, 60, 199, 200])
def test_every_noise_level_has_a_loss_with_few_images(digits: Dataset, count: int) -> None:
    assert digits.labels is not None
    few = replace(digits, values=digits.values[:count], labels=digits.labels[:count])
    validation = Split.of(count).validation
    profile = ValidationSet.of(few, validation, Denoising(Cosine()), True).loss(NetDenoiser(Constant(0.0), V), CPU)
    assert len(profile.losses) == LEVELS
    assert np.isfinite(profile.losses).all()
    lowest = memorizing_loss(few, Denoising(Cosine()))
    assert lowest is not None and np.isfinite(lowest.losses).all()


def test_noise_differs_between_the_levels_of_one_image(digits: Dataset) -> None:
    assert digits.labels is not None
    few = replace(digits, values=digits.values[:100], labels=digits.labels[:100])
    validation = Split.of(100).validation
    assert len(validation) < LEVELS
    # The loss of a network that predicts zero noise is the mean square of the noise.
    zero = NetDenoiser(Constant(0.0), Target("eps"))
    losses = ValidationSet.of(few, validation, Denoising(Cosine()), True).loss(zero, CPU).losses
    assert len({round(loss, 4) for loss in losses}) == LEVELS
