"""Images encoded as the noises of a path: the path returns, and the noises are those of closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inkwash.core import Cosine, Denoiser, EmpiricalDenoiser, GaussianDenoiser, MixtureDenoiser, Sampler, encode

IMAGES = torch.tensor([[0.5, 0.7, -2.0], [-0.4, -1.2, 1.0]], dtype=torch.float64)
MEAN, VARIANCES = torch.tensor([0.3, -1.0, 0.0]).double(), torch.tensor([0.2, 1.0, 2.5]).double()
GAUSSIAN = GaussianDenoiser(MEAN, torch.diag(VARIANCES))
MIXTURE = MixtureDenoiser(
    torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.5, 0.0]]).double(),
    torch.tensor([0.4, 0.2]).double(),
    torch.tensor([0.3, 0.7]).double(),
)
STOCHASTIC = [
    Sampler(Cosine(), "ddpm", 20),
    Sampler(Cosine(), "ddim", 20, eta=0.3),
    Sampler(Cosine(), "dpm++2m-sde", 12),
    Sampler(Cosine(), "dpm++2m-sde", 12, eta=0.2),
    Sampler(Cosine(), "consistency", 5),
]


def normals(shape: tuple[int, ...] = (2, 3), seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=torch.float64, generator=generator) for _ in range(401)]


@pytest.mark.parametrize("sampler", STOCHASTIC, ids=lambda each: f"{each.kind}-{each.eta}")
@pytest.mark.parametrize("denoise", [GAUSSIAN, MIXTURE], ids=["gaussian", "mixture"])
def test_the_path_from_the_noises_follows_the_forward_process(sampler: Sampler, denoise: Denoiser) -> None:
    noise = normals()
    found = encode(sampler, denoise, IMAGES, noise.__getitem__)
    assert len(found.noises) == sampler.steps
    frames = list(sampler(denoise, found.noises.__getitem__, IMAGES))
    assert torch.allclose(frames[-1].x, found.reconstruction, atol=1e-9)
    error = noise[0]
    for step, frame in enumerate(frames[:-1]):
        if step:
            fraction = sampler.fresh_noise_fraction(frames[step - 1].level, frame.level)
            error = (1 - fraction).sqrt() * error + fraction.sqrt() * noise[step]
        assert torch.allclose(frame.x, frame.level.mix(IMAGES, error), atol=1e-9)


def test_the_reconstruction_is_the_image_to_the_noise_of_the_cleanest_level() -> None:
    errors = []
    for steps in (10, 40, 160):
        found = encode(Sampler(Cosine(), "ddpm", steps), GAUSSIAN, IMAGES, normals().__getitem__)
        errors.append(float((found.reconstruction - IMAGES).abs().max()))
    assert errors[1] < errors[0] / 2 and errors[2] < errors[1] / 2


@pytest.mark.parametrize(("steps", "excess"), [(8, 1.0), (80, 0.2)])
def test_noises_of_the_learned_distribution_have_the_variance_of_the_reverse_step(steps: int, excess: float) -> None:
    # x_s given x_t has the variance of the posterior of each image and that of the image itself: Ho et al. (2020), Eq. 7.
    generator = torch.Generator().manual_seed(1)
    images = MEAN + VARIANCES.sqrt() * torch.randn(20_000, 3, dtype=torch.float64, generator=generator)
    sampler = Sampler(Cosine(), "ddpm", steps)
    found = encode(sampler, GAUSSIAN, images, normals((20_000, 3)).__getitem__)
    variances = []
    for now, nxt, noise in zip(sampler.levels[:-2], sampler.levels[1:-1], found.noises[1:], strict=True):
        transition = now.alpha / nxt.alpha
        step_variance = now.sigma**2 - transition**2 * nxt.sigma**2
        posterior = step_variance * nxt.sigma**2 / now.sigma**2
        image_variance = VARIANCES * now.sigma**2 / (now.alpha**2 * VARIANCES + now.sigma**2)
        weight = nxt.alpha * step_variance / now.sigma**2
        variances.append((posterior + weight**2 * image_variance) / posterior)
        assert noise.mean(0).abs().max() < 0.05
        assert torch.allclose(noise.var(0), variances[-1], rtol=0.05)
    # They are standard normals up to the size of the steps.
    assert float(torch.stack(variances).mean()) - 1 < excess


def test_noises_of_a_known_image_are_those_of_the_forward_process() -> None:
    noise = normals()
    found = encode(Sampler(Cosine(), "ddpm", 10), EmpiricalDenoiser(IMAGES[:1]), IMAGES[:1], lambda k: noise[k][:1])
    assert torch.equal(found.reconstruction, IMAGES[:1])
    assert all(torch.equal(each, noise[k][:1]) for k, each in enumerate(found.noises))


def test_another_condition_moves_an_image_as_its_distribution_moves() -> None:
    # The path is affine in the mean, so that a shifted mean shifts the image: by the whole shift up to that left at the start.
    shift = torch.tensor([0.5, -1.0, 2.0]).double()
    sampler = Sampler(Cosine(), "ddpm", 400)
    found = encode(sampler, GAUSSIAN, IMAGES, normals().__getitem__)
    moved = GaussianDenoiser(MEAN + shift, torch.diag(VARIANCES))
    edited = list(sampler(moved, found.noises.__getitem__, IMAGES))[-1].x
    assert torch.allclose(edited - IMAGES, shift.expand(2, 3), atol=0.02)
