"""The exact denoisers are the posterior mean, by Tweedie's formula and by Bayes' rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from inkwash.core import Cosine, Denoiser, EmpiricalDenoiser, GaussianDenoiser, Level, MixtureDenoiser


def number(values: Sequence[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


MEAN, COVARIANCE = number([0.4, -0.7, 0.1]), number([[1.0, 0.5, 0.2], [0.5, 0.4, 0.0], [0.2, 0.0, 0.3]])
MEANS, STDS, WEIGHTS = (
    number([[-1.0, 0.3, 0.5], [0.8, 0.6, 0.0], [0.1, -1.2, 0.2]]),
    number([0.2, 0.5, 0.1]),
    number([0.5, 0.2, 0.3]),
)
IMAGES = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 0, 1, 1, 1, 2])

# Each exact denoiser with the mixture that is the distribution of its data: weights, means, covariances.
LAWS: dict[str, tuple[Denoiser, Tensor, Tensor, Tensor]] = {
    "gaussian": (GaussianDenoiser(MEAN, COVARIANCE), number([1.0]), MEAN[None], COVARIANCE[None]),
    "mixture": (
        MixtureDenoiser(MEANS, STDS, WEIGHTS),
        WEIGHTS,
        MEANS,
        STDS[:, None, None] ** 2 * torch.eye(3, dtype=torch.float64),
    ),
    "empirical": (EmpiricalDenoiser(IMAGES), torch.ones(6).double() / 6, IMAGES, torch.zeros(6, 3, 3).double()),
}
every_law = pytest.mark.parametrize("name", LAWS)

POINTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@every_law
@given(angle=st.floats(0.1, 1.5), length=st.floats(0.1, 10))
def test_the_image_is_tweedies_formula(name: str, angle: float, length: float) -> None:
    denoise, weights, means, covariances = LAWS[name]
    alpha, sigma = length * math.cos(angle), length * math.sin(angle)
    noisy = MultivariateNormal(alpha * means, alpha**2 * covariances + sigma**2 * torch.eye(3, dtype=torch.float64))
    x = (length * POINTS).requires_grad_()
    log_density = MixtureSameFamily(Categorical(weights), noisy).log_prob(x)
    score = torch.autograd.grad(log_density.sum(), x)[0]
    # E[alpha image | x] = x + sigma^2 score (Robbins, 1956; Efron, 2011)
    expected = (x + sigma**2 * score) / alpha
    torch.testing.assert_close(denoise(x, Level(alpha, sigma)), expected, rtol=1e-8, atol=1e-8)


@every_law
def test_a_batch_of_levels_equals_one_level_per_example(name: str) -> None:
    denoise = LAWS[name][0]
    u = torch.linspace(0.1, 1.0, len(POINTS), dtype=torch.float64)
    single = torch.cat([denoise(POINTS[i : i + 1], Cosine()(u[i])) for i in range(len(POINTS))])
    torch.testing.assert_close(denoise(POINTS, Cosine()(u)), single, rtol=1e-12, atol=1e-12)


@every_law
def test_denoised_pure_noise_is_the_data_mean(name: str) -> None:
    denoise, weights, means, _ = LAWS[name]
    expected = (weights[:, None] * means).sum(0).expand_as(POINTS)
    torch.testing.assert_close(denoise(POINTS, Level(0.0, 1.0)), expected)


@every_law
def test_dtype_of_x_is_kept(name: str) -> None:
    exact: dict[str, Denoiser] = {
        "gaussian": GaussianDenoiser(MEAN.float(), COVARIANCE.float()),
        "mixture": MixtureDenoiser(MEANS.float(), STDS.float(), WEIGHTS.float()),
        "empirical": EmpiricalDenoiser(IMAGES.float()),
    }
    image = exact[name](POINTS.float(), Cosine()(0.4))
    assert image.dtype == torch.float32
    torch.testing.assert_close(image.double(), LAWS[name][0](POINTS, Cosine()(0.4)), rtol=1e-4, atol=1e-5)


def test_empirical_is_bayes_rule_image_by_image() -> None:
    images = torch.randn(4, 1, 3, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    level = Level(0.8, 0.6)
    x = level.mix(images[:3], torch.randn(3, 1, 3, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64))
    denoised = EmpiricalDenoiser(images)(x, level)
    for row in range(3):
        chances = [math.exp(-((x[row] - 0.8 * image) ** 2).sum().item() / (2 * 0.6**2)) for image in images]
        expected = sum(chance * image for chance, image in zip(chances, images, strict=True)) / sum(chances)
        torch.testing.assert_close(denoised[row], expected, rtol=1e-10, atol=1e-10)


def test_empirical_denoiser_returns_the_nearest_image_at_low_noise() -> None:
    level = Level(1.0, 1e-4)
    torch.testing.assert_close(EmpiricalDenoiser(IMAGES)(IMAGES + 1e-5, level), IMAGES, rtol=0, atol=1e-12)


def test_a_label_restricts_the_images_and_a_negative_one_does_not() -> None:
    denoise, level = EmpiricalDenoiser(IMAGES, LABELS), Cosine()(0.7)
    label = torch.tensor([0, 1, 2, -1, 1])
    conditional = denoise(POINTS, level, label)
    for row, requested in enumerate(label.tolist()):
        kept = IMAGES if requested < 0 else IMAGES[requested == LABELS]
        single = EmpiricalDenoiser(kept)(POINTS[row : row + 1], level)
        torch.testing.assert_close(conditional[row : row + 1], single, rtol=1e-12, atol=1e-12)
    unlabelled = EmpiricalDenoiser(IMAGES)
    torch.testing.assert_close(denoise(POINTS, level), unlabelled(POINTS, level))
    torch.testing.assert_close(unlabelled(POINTS, level, label), unlabelled(POINTS, level))
