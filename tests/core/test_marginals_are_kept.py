"""Every sampler preserves the marginals: at each level the states are distributed as data noised to that level.

For Gaussian data and an exact denoiser every step is affine, so the covariance of the states follows exactly from
the response to each single random number: these tests have no sampling error.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.core import (
    SAMPLERS,
    Cosine,
    Denoiser,
    Flow,
    GaussianDenoiser,
    Karras,
    Level,
    Linear,
    LogLinear,
    MixtureDenoiser,
    Sampler,
    Schedule,
)

SCHEDULES = [Cosine(), LogLinear(), Linear(), Flow(), Karras()]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
every_sampler = pytest.mark.parametrize("kind", SAMPLERS)

MEAN = torch.tensor([0.5, -0.3], dtype=torch.float64)
ROOT = torch.tensor([[0.9, 0.0], [0.3, 0.4]], dtype=torch.float64)
COVARIANCE = ROOT @ ROOT.T


def replaces_all_noise(kind: str) -> bool:
    """Return whether all noise of a step is fresh: such a sampler needs a student that predicts the end of the path."""
    return Sampler(Cosine(), kind).fresh_noise_fraction(Cosine()(0.6), Cosine()(0.4)).item() == 1


def gaussian_student(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
    """Return the end of the probability-flow path through x for the Gaussian data, the optimal consistency model."""
    variance, axes = torch.linalg.eigh(COVARIANCE)
    gain = torch.sqrt(variance / (level.alpha**2 * variance + level.sigma**2))
    return MEAN + ((x - level.alpha * MEAN) @ axes * gain) @ axes.T


def responses(sampler: Sampler, denoise: Denoiser, mean: Tensor, root: Tensor) -> list[tuple[Level, Tensor, Tensor]]:
    """Return (level, mean, covariance) of the states of a path, for an affine denoiser and a start from the data.

    In row 0 of the batch all random numbers of data and noise are 0; in each other row a single one is 1.
    """
    size = len(mean)
    ones = torch.eye(1 + size * (sampler.steps + 1), dtype=torch.float64)[:, 1:].unflatten(1, (-1, size))
    path = sampler(denoise, lambda draw: ones[:, draw], start=mean + ones[:, sampler.steps] @ root.T)
    moments = []
    for frame in path:
        away = frame.x[1:] - frame.x[0]
        moments.append((frame.level, frame.x[0], away.T @ away))
    return moments


def gaussian_deviation(kind: str, schedule: Schedule, steps: int, eta: float | None = None) -> float:
    """Return the largest relative error of the mean and covariance along a path."""
    denoise = gaussian_student if replaces_all_noise(kind) else GaussianDenoiser(MEAN, COVARIANCE)
    worst = 0.0
    for level, mean, covariance in responses(Sampler(schedule, kind, steps, eta), denoise, MEAN, ROOT):
        expected = level.alpha**2 * COVARIANCE + level.sigma**2 * torch.eye(2, dtype=torch.float64)
        whiten = torch.linalg.inv(torch.linalg.cholesky(expected))
        error = whiten @ covariance @ whiten.T - torch.eye(2, dtype=torch.float64)
        shift = whiten @ (mean - level.alpha * MEAN)
        worst = max(worst, error.abs().max().item(), shift.abs().max().item())
    return worst


@every_sampler
@pytest.mark.parametrize("schedule", [Cosine(), Linear(), Karras()], ids=repr)
def test_gaussian_data_stay_gaussian_with_their_mean_and_covariance(kind: str, schedule: Schedule) -> None:
    if replaces_all_noise(kind):
        assert gaussian_deviation(kind, schedule, 4) < 0.01
        return
    coarse, fine = (gaussian_deviation(kind, schedule, steps) for steps in (100, 200))
    assert fine < 0.1
    assert fine < 0.65 * coarse or fine < 0.002


@every_sampler
@every_schedule
def test_around_a_known_image_the_noise_has_unit_variance_at_every_level(kind: str, schedule: Schedule) -> None:
    # Song et al. (2021), DDIM, Eq. 7, which lets one network serve every fraction of fresh noise.
    image = torch.tensor([0.3], dtype=torch.float64)
    sampler = Sampler(schedule, kind, steps=9)
    path = responses(sampler, lambda x, level, label=None: image.expand_as(x), image, torch.zeros(1, 1).double())
    for level, mean, covariance in path:
        torch.testing.assert_close(mean, level.alpha * image, rtol=0, atol=1e-11)
        torch.testing.assert_close(covariance, (level.sigma**2).reshape(1, 1), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("eta", [0.0, 0.5, 2.0, 4.0])
def test_gaussian_data_stay_gaussian_under_any_sde_noise(eta: float) -> None:
    """More noise and more drift cancel: the samples have the distribution of the data for every eta."""
    coarse, fine = (gaussian_deviation("dpm++2m-sde", Cosine(), steps, eta) for steps in (100, 200))
    assert fine < 0.1 and (fine < 0.65 * coarse or fine < 0.002)


@every_sampler
def test_temperature_0_adds_no_noise_after_the_start(kind: str, draws: Callable[..., Callable[[int], Tensor]]) -> None:
    denoise = GaussianDenoiser(MEAN, COVARIANCE)

    def silent(draw: int) -> Tensor:
        return draws(3, 2)(0) if draw == 0 else torch.full((3, 2), 1e6, dtype=torch.float64)

    *_, cold = Sampler(Cosine(), kind, steps=5, temperature=0.0)(denoise, silent)
    *_, mean = Sampler(Cosine(), kind, steps=5)(
        denoise, lambda draw: silent(0) if draw == 0 else torch.zeros(3, 2, dtype=torch.float64)
    )
    torch.testing.assert_close(cold.x, mean.x)


# one-dimensional, so that distribution functions and the ends of probability-flow paths are known exactly
MEANS, STDS, WEIGHTS = (torch.tensor(v, dtype=torch.float64) for v in ([-1.0, 0.8], [0.2, 0.35], [0.3, 0.7]))
COUNT = 4000


def mixture_cdf(level: Level, points: Tensor) -> Tensor:
    spread = torch.sqrt(level.alpha**2 * STDS**2 + level.sigma**2)
    return (WEIGHTS * torch.special.ndtr((points[..., None] - level.alpha * MEANS) / spread)).sum(-1)


def mixture_student(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
    """Return the end of the path through x: in one dimension the flow preserves quantiles."""
    grid = torch.linspace(-3, 3, 60_001, dtype=torch.float64)
    table = mixture_cdf(Level(1.0, 0.0), grid)
    place = torch.searchsorted(table, mixture_cdf(level, x[:, 0]).clamp(1e-9, 1 - 1e-9))
    return grid[place][:, None]


@every_sampler
@pytest.mark.parametrize("schedule", [Cosine(), Flow(), LogLinear(low=-12.0)], ids=repr)
def test_mixture_data_keep_their_distribution_and_weights(
    kind: str, schedule: Schedule, draws: Callable[..., Callable[[int], Tensor]]
) -> None:
    students = replaces_all_noise(kind)
    denoise = mixture_student if students else MixtureDenoiser(MEANS[:, None], STDS, WEIGHTS)
    steps = 4 if students else 160
    frames = list(Sampler(schedule, kind, steps=steps)(denoise, draws(COUNT, 1)))
    for frame in frames[:: steps // 4]:
        scale = torch.hypot(frame.level.alpha, frame.level.sigma)
        points = torch.linspace(-5, 5, 4001, dtype=torch.float64) * scale
        expected = mixture_cdf(frame.level, points)
        found = torch.searchsorted(frame.x[:, 0].sort().values, points, right=True) / COUNT
        # the energy distance is twice this integral (Szekely & Rizzo, 2013), with this mean for a true sample
        distance = torch.trapezoid((found - expected) ** 2, points)
        sampling = torch.trapezoid(expected * (1 - expected), points) / COUNT
        assert distance < 4 * sampling, frame.level
    left = (frames[-1].x < -0.3).double().mean().item()
    chance = mixture_cdf(frames[-1].level, torch.tensor(-0.3)).item()
    assert left == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / COUNT))
