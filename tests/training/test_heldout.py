"""The held-out loss and the floor under it: the exact denoiser, checked by brute force, is beaten by no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inkwash.core import Cosine, Linear, NetDenoiser, Schedule, Target
from inkwash.core.noise import Stream, normals
from inkwash.data import Dataset
from inkwash.objectives import Denoising
from inkwash.optim.optimizers import Optimizer
from inkwash.training.batches import Split
from inkwash.training.loop import Step
from inkwash.training.state import State
from inkwash.training.validation import LEVELS, ValidationSet, floor

CPU = torch.device("cpu")
V = Target("v", 0.6)


class Says(nn.Module):
    """A network that says one number everywhere."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x: torch.Tensor, code: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        return self.number.expand_as(x)


def train_part(data: Dataset) -> torch.Tensor:
    return Split.of(len(data)).train


@pytest.mark.parametrize("conditional", [False, True])
def test_the_floor_is_the_loss_of_the_posterior_mean_by_brute_force(digits: Dataset, conditional: bool) -> None:
    objective = Denoising(Cosine())
    found = floor(digits, objective, V, conditional, CPU)
    assert found is not None and digits.labels is not None
    images = digits.encoded(train_part(digits)).flatten(1).double().numpy()
    labels = digits.labels[train_part(digits)].numpy()
    noise = normals(0, torch.arange(len(images)), 0, Stream.VALIDATION_NOISE, (64,)).double().numpy()
    losses: list[list[float]] = [[] for _ in range(LEVELS)]
    for place in range(len(images)):
        level = objective.schedule((place % LEVELS + 0.5) / LEVELS)
        alpha, sigma = float(level.alpha), float(level.sigma)
        x = alpha * images[place] + sigma * noise[place]
        known = images[labels == labels[place]] if conditional else images
        log_weight = -np.square(x - alpha * known).sum(1) / (2 * sigma**2)
        weight = np.exp(log_weight - log_weight.max())
        denoised = (weight / weight.sum()) @ known
        # the v of a guess is off by sqrt(alpha^2 + sigma^2) / sigma times what its image is off by
        losses[place % LEVELS].append(np.square(denoised - images[place]).mean() * (alpha**2 + sigma**2) / sigma**2)
    assert found.losses == pytest.approx([float(np.mean(each)) for each in losses], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("schedule", [Cosine(), Linear(T=300)])
def test_no_trained_network_goes_below_the_floor_on_the_train_set(
    digits: Dataset, fresh: Callable[..., State], train: Callable[..., Iterator[Step]], schedule: Schedule
) -> None:
    objective = Denoising(schedule)
    state = fresh("class-unet", Optimizer(lr=3e-3))
    list(train(state, 60, Optimizer(lr=3e-3), objective))
    below = floor(digits, objective, V, True, CPU)
    above = ValidationSet.of(digits, train_part(digits), objective, True).profile(NetDenoiser(state.average, V), CPU)
    assert below is not None
    assert below.codes == above.codes
    assert all(low <= high for low, high in zip(below.losses, above.losses, strict=True))
    assert below.mean < 0.8 * above.mean


def test_knowing_the_label_never_makes_the_exact_denoiser_worse(digits: Dataset) -> None:
    with_label, without = (floor(digits, Denoising(Cosine()), V, heard, CPU) for heard in (True, False))
    assert with_label is not None and without is not None
    # the mean over examples is lower at every level, up to the chance of nine examples a level
    assert with_label.mean < without.mean


def test_a_floor_that_would_cost_too_much_is_not_measured() -> None:
    wide = Dataset("wide", torch.zeros(200, 1, 1_000, 1_000, dtype=torch.uint8).expand(200, 1, 1_000, 1_000))
    assert floor(wide, Denoising(Cosine()), V, False, CPU) is None


@pytest.mark.parametrize("number", [0.0, 0.5])
def test_a_profile_is_the_loss_at_each_level(number: float) -> None:
    # images of one grey c: what is asked for is v = alpha * noise - sigma * c, and its mean square is known
    grey = Dataset("grey", torch.full((2_000, 1, 8, 8), 255, dtype=torch.uint8))
    profile = ValidationSet.of(grey, torch.arange(2_000), Denoising(Cosine()), False).profile(
        NetDenoiser(Says(number), V), CPU
    )
    assert profile.codes == sorted(profile.codes)
    for place, loss in enumerate(profile.losses):
        level = Cosine()((place + 0.5) / LEVELS)
        expected = float(level.alpha**2 + (level.sigma + number) ** 2)
        assert loss == pytest.approx(expected, abs=0.1)
    assert profile.mean == pytest.approx(np.mean(profile.losses))


def test_a_measurement_is_the_same_every_time(digits: Dataset) -> None:
    held_out = Split.of(len(digits)).held_out
    first, second = (
        ValidationSet.of(digits, held_out, Denoising(Cosine()), True).profile(NetDenoiser(Says(0.1), V), CPU)
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("count", [10, 60, 199, 200])
def test_however_few_images_there_are_every_level_has_a_loss(digits: Dataset, count: int) -> None:
    assert digits.labels is not None
    few = replace(digits, values=digits.values[:count], labels=digits.labels[:count])
    held_out = Split.of(count).held_out
    profile = ValidationSet.of(few, held_out, Denoising(Cosine()), True).profile(NetDenoiser(Says(0.0), V), CPU)
    assert len(profile.losses) == LEVELS
    assert np.isfinite(profile.losses).all()
    lowest = floor(few, Denoising(Cosine()), V, True, CPU)
    assert lowest is not None and np.isfinite(lowest.losses).all()


def test_an_image_at_several_levels_has_other_noise_at_each(digits: Dataset) -> None:
    assert digits.labels is not None
    few = replace(digits, values=digits.values[:100], labels=digits.labels[:100])
    held_out = Split.of(100).held_out
    assert len(held_out) < LEVELS
    # of a network that predicts no noise the loss is the mean square of the noise itself
    silent = NetDenoiser(Says(0.0), Target("eps"))
    losses = ValidationSet.of(few, held_out, Denoising(Cosine()), True).profile(silent, CPU).losses
    assert len({round(loss, 4) for loss in losses}) == LEVELS
