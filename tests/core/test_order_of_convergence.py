"""Every deterministic sampler converges to the solution of the probability-flow ODE with its order.

On Gaussian data the solution is known: along an eigenvector of the covariance with standard deviation s, the state
less its mean is proportional to sqrt(alpha^2 s^2 + sigma^2) (Karras et al., 2022, the solution of their eq. 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.core import SAMPLERS, SCHEDULES, GaussianDenoiser, Level, LogLinear, Sampler, Schedule

# scaled-linear is another name of quadratic, and an order takes hundreds of steps to see
PATHS = {name: make() for make, name in {make: name for name, make in SCHEDULES.items()}.items()}
ORDERS = {"ddim": 1, "euler": 1, "heun": 2, "dpm++2m": 2, "dpm++3m": 3}

EDGE = 6.0
STDS = torch.tensor([0.3, 0.8, 1.5], dtype=torch.float64)
MEAN = torch.tensor([0.2, -1.0, 0.5], dtype=torch.float64)
AXES = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
DENOISE = GaussianDenoiser(MEAN, AXES @ torch.diag(STDS**2) @ AXES.T)


class Interior(Schedule):
    """The part of a schedule with log-SNR in [-6, 6]: the step to CLEAN and starts at alpha = 0 have other orders.

    A multistep rule begins with a step of order one and one of order two, whose errors a grid of equal steps would
    keep. The first two steps are therefore shorter, by the number of steps.
    """

    def __init__(self, inner: Schedule) -> None:
        self.inner = inner
        self.clean, self.noisy = inner.u_at_log_snr(EDGE), inner.u_at_log_snr(-EDGE)

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner.alpha_sigma(self.clean + u * (self.noisy - self.clean))

    def grid(self, n: int) -> Tensor:
        equal = torch.linspace(1, 0, n - 2, dtype=torch.float64)
        short = 1 - torch.tensor([1, 2], dtype=torch.float64) / n**2
        return torch.cat([equal[:1], short, equal[1:]])


def deterministic(kind: str) -> bool:
    """Return whether a sampler adds no fresh noise with its default eta."""
    return Sampler(LogLinear(), kind).is_deterministic


def error(kind: str, schedule: Schedule, n: int, draws: Callable[..., Callable[[int], Tensor]]) -> float:
    """Return the largest difference from the closed form at the cleanest level of the path."""
    *_, last, _ = frames = list(Sampler(schedule, kind, steps=n)(DENOISE, draws(4, 3), start=MEAN))
    first = frames[0]

    def along_axes(level: Level, x: Tensor) -> Tensor:
        return (x - level.alpha * MEAN) @ AXES / torch.sqrt((level.alpha * STDS) ** 2 + level.sigma**2)

    assert last.level.log_snr == pytest.approx(EDGE, abs=1e-6)
    return (along_axes(last.level, last.x) - along_axes(first.level, first.x)).abs().max().item()


def test_every_deterministic_sampler_has_a_tested_order() -> None:
    assert {kind for kind in SAMPLERS if deterministic(kind)} == ORDERS.keys()


@pytest.mark.parametrize("schedule", PATHS)
@pytest.mark.parametrize("kind", ORDERS)
def test_the_error_falls_with_the_order(
    kind: str, schedule: str, draws: Callable[..., Callable[[int], Tensor]]
) -> None:
    # the first two steps, of lower order, have an effect on the third order until about 400 steps
    interior, steps = Interior(PATHS[schedule]), (200, 400) if ORDERS[kind] == 3 else (100, 200)
    coarse, fine = (error(kind, interior, n, draws) for n in steps)
    slope = math.log(coarse / fine) / math.log(steps[1] / steps[0])
    assert slope == pytest.approx(ORDERS[kind], abs=0.2)
    assert fine < 0.5 * steps[1] ** -0.5


@pytest.mark.parametrize("schedule", PATHS)
@pytest.mark.parametrize(("kind", "degree"), [("ddim", 0), ("dpm++3m", 2)])
def test_polynomial_predictions_in_half_log_snr_are_integrated_exactly(
    kind: str, degree: int, schedule: str, draws: Callable[..., Callable[[int], Tensor]]
) -> None:
    # x / sigma grows by the integral of exp(l) * prediction(l) over l = log(alpha / sigma) (Lu et al., 2022, DPM++, eq. 8)
    coefficients = [0.7, -0.4, 0.25][: degree + 1]

    def denoised(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        place = level.log_snr / 2
        return sum(c * place**power for power, c in enumerate(coefficients)) + torch.zeros_like(x)

    def integral(level: Level) -> Tensor:
        place = level.log_snr / 2
        primitives = [torch.ones_like(place), place - 1, place**2 - 2 * place + 2]
        return torch.exp(place) * sum(c * p for c, p in zip(coefficients, primitives, strict=False))

    sampler = Sampler(Interior(PATHS[schedule]), kind, steps=12)
    *frames, _ = sampler(denoised, draws(2, 3))
    settled = frames[degree:]
    constants = torch.stack([frame.x / frame.level.sigma - integral(frame.level) for frame in settled])
    torch.testing.assert_close(constants, constants[:1].expand_as(constants), rtol=1e-8, atol=1e-8)
