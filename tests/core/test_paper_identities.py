"""Steps equal the formulas of their papers: posterior of DDPM, DDIM, flow Euler, Heun, consistency sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, getcontext
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from inkwash.core import (
    CLEAN,
    SAMPLERS,
    SCHEDULES,
    Cosine,
    Flow,
    Karras,
    Level,
    Linear,
    Sampler,
    Schedule,
    Warped,
)
from inkwash.core.warps import Shift, Stretch

Draws = Callable[..., Callable[[int], Tensor]]

T = 300
TABLE = Linear(T=T, start=1e-4, end=0.02)


def arbitrary(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
    """An arbitrary denoiser, because the identities hold for every prediction."""
    return torch.sin(3 * x + 5 * level.c_noise.to(x))


@dataclass(frozen=True)
class Given(Schedule):
    """Two levels and nothing else: a single step, then the one to CLEAN."""

    first: Level
    second: Level

    def levels(self, n: int) -> list[Level]:
        return [self.first, self.second, CLEAN]


def step(kind: str, first: Level, second: Level, x: Tensor, fresh: Tensor | None = None, **settings: float) -> Tensor:
    """Return the state at `second` after one step from x at `first`; `fresh` is the noise of the step."""
    draws = [x / first.sigma, x if fresh is None else fresh]
    frames = list(Sampler(Given(first, second), kind, steps=2, **settings)(arbitrary, draws.__getitem__))
    return frames[1].x


X, FRESH = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def posterior_of_ho() -> list[tuple[Decimal, Decimal, Decimal]]:
    """Return for t = 1..T the weights of image and x in the posterior mean, and its variance, from the betas alone.

    Ho et al. (2020), Eq. 7, in fifty decimal digits: for small t doubles would lose the twelfth digit of 1 - alpha-bar.
    """
    getcontext().prec = 50
    rows, before = [], Decimal(1)
    for beta in map(Decimal, torch.linspace(1e-4, 0.02, T, dtype=torch.float64).tolist()):
        now = before * (1 - beta)
        of_image = before.sqrt() * beta / (1 - now)
        of_x = (1 - beta).sqrt() * (1 - before) / (1 - now)
        rows.append((of_image, of_x, (1 - before) / (1 - now) * beta))
        before = now
    return rows


def test_ddpm_is_hos_posterior_at_every_t(draws: Draws) -> None:
    noise, rows = draws(2, 3), posterior_of_ho()
    frames = list(Sampler(TABLE, "ddpm", steps=T)(arbitrary, noise))
    assert len(frames) == T + 1
    for t, (now, nxt) in zip(range(T, 0, -1), pairwise(frames), strict=True):
        of_image, of_x, variance = map(float, rows[t - 1])
        mean = of_image * now.denoised + of_x * now.x
        expected = mean + variance**0.5 * noise(T - t + 1)
        torch.testing.assert_close(nxt.x, expected, rtol=0, atol=1e-12)
    # at t = 1 the posterior is the image itself, without noise
    assert rows[0][1] == rows[0][2] == 0 and torch.equal(frames[-1].x, frames[-2].denoised)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_with_eta_1_is_ddpm(schedule: str, draws: Draws) -> None:
    paths = [
        list(Sampler(SCHEDULES[schedule](), kind, steps=8, eta=eta)(arbitrary, draws(2, 3)))
        for kind, eta in (("ddim", 1.0), ("ddpm", None))
    ]
    for one, other in zip(*paths, strict=True):
        assert torch.equal(one.x, other.x)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_ddim_is_songs_equation_12(eta: float) -> None:
    # alpha-bar, and sigma for the noise that is added, as in Song et al. (2021)
    first, second = TABLE(0.7), TABLE(0.5)
    bar, bar_before = first.alpha**2, second.alpha**2
    sigma = eta * torch.sqrt((1 - bar_before) / (1 - bar)) * torch.sqrt(1 - bar / bar_before)
    image = arbitrary(X, first)
    eps = (X - bar.sqrt() * image) / (1 - bar).sqrt()
    expected = bar_before.sqrt() * image + (1 - bar_before - sigma**2).sqrt() * eps + sigma * FRESH
    torch.testing.assert_close(step("ddim", first, second, X, FRESH, eta=eta), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0, 2.5])
def test_sde_dpm_solver_is_the_exponential_integrator_of_its_sde(eta: float) -> None:
    """One step in sigma / alpha, as in k-diffusion's sample_dpmpp_2m_sde without a past."""
    first, second = TABLE(0.7), TABLE(0.5)
    h = (second.log_snr - first.log_snr) / 2
    ratio = (second.sigma / second.alpha) / (first.sigma / first.alpha)
    decay = torch.exp(-h - eta * h)
    noise = second.sigma / second.alpha * torch.sqrt(1 - torch.exp(-2 * eta * h)) * FRESH
    expected = ratio * torch.exp(-eta * h) * X / first.alpha + (1 - decay) * arbitrary(X, first) + noise
    got = step("dpm++2m-sde", first, second, X, FRESH, eta=eta) / second.alpha
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


@given(u=st.floats(0.1, 1.0), fraction=st.floats(0.05, 0.95))
def test_eulers_method_on_the_velocity_is_ddim_on_the_flow_path(u: float, fraction: float) -> None:
    now, nxt = Flow()(u), Flow()(u * fraction)
    velocity = now.noise_in(X, arbitrary(X, now)) - arbitrary(X, now)
    expected = X + (u * fraction - u) * velocity
    for kind in ("euler", "ddim"):
        torch.testing.assert_close(step(kind, now, nxt, X), expected, rtol=0, atol=1e-11)


@given(noise=st.floats(0.05, 80), fraction=st.floats(0.05, 0.95))
def test_heun_is_the_trapezoid_on_the_ode_of_karras(noise: float, fraction: float) -> None:
    # dx/dsigma = (x - D(x; sigma)) / sigma with alpha = 1 (Karras et al., 2022, Eq. 4 and algorithm 1)
    def slope(x: Tensor, sigma: float) -> Tensor:
        return (x - arbitrary(x, Level(1.0, sigma))) / sigma

    x, width = noise * X, noise * fraction - noise
    first = slope(x, noise)
    second = slope(x + width * first, noise + width)
    expected = x + width * (first + second) / 2
    found = step("heun", Level(1.0, noise), Level(1.0, noise + width), x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", SAMPLERS)
@given(scales=st.tuples(*[st.floats(0.1, 10)] * 2))
def test_scaling_a_level_and_its_state_together_changes_nothing(kind: str, scales: tuple[float, float]) -> None:
    first, second = Cosine()(0.7), Cosine()(0.4)

    def seen_unscaled(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return torch.sin(3 * x / torch.hypot(level.alpha, level.sigma) + level.c_noise)

    def path(one: float, other: float) -> list[Tensor]:
        schedule = Given(*(Level(c * at.alpha, c * at.sigma) for c, at in ((one, first), (other, second))))
        frames = Sampler(schedule, kind, steps=2)(seen_unscaled, lambda draw: (X, FRESH)[draw], start=X)
        return [frame.x for frame in frames]

    plain, scaled = path(1.0, 1.0), path(*scales)
    for x, y, scale in zip(plain, scaled, (*scales, 1.0), strict=True):
        torch.testing.assert_close(y, scale * x, rtol=1e-9, atol=1e-9)


def test_consistency_is_multistep_consistency_sampling(draws: Draws) -> None:
    # Song et al. (2023), algorithm 1: x <- f(x, t), then noise of the next level on it, and again
    noise, levels = draws(2, 3), Karras().levels(4)
    x = levels[0].sigma * noise(0)
    for draw, (now, nxt) in enumerate(pairwise(levels[:-1]), start=1):
        x = arbitrary(x, now) + nxt.sigma * noise(draw)
    *_, last = Sampler(Karras(), "consistency", steps=4)(arbitrary, noise)
    torch.testing.assert_close(last.x, arbitrary(x, levels[-2]))


@pytest.mark.parametrize("kind", ["dpm++2m", "dpm++2m-sde", "dpm++3m"])
def test_multistep_rules_start_at_first_order(kind: str, draws: Draws) -> None:
    plain = {"dpm++2m-sde": "ddpm"}.get(kind, "euler")
    many, few = (list(Sampler(Linear(), one, steps=5)(arbitrary, draws(2, 3))) for one in (kind, plain))
    assert torch.equal(many[1].x, few[1].x)
    assert not torch.allclose(many[2].x, few[2].x)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_constant_prediction_is_reached_from_any_start(kind: str, draws: Draws) -> None:
    image = torch.tensor([0.3, -0.6, 0.1], dtype=torch.float64).expand(4, 3)
    for schedule in (Cosine(), Linear(), Warped(Flow(), Shift(2.0)), Warped(Flow(), Stretch(0.5))):
        *_, last = Sampler(schedule, kind, steps=5)(lambda x, level, label=None: image, draws(4, 3), start=-image)
        assert torch.equal(last.x, image)
