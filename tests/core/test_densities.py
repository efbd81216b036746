"""A density is a quantile function from uniform numbers to training levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core import DENSITIES, SCHEDULES, Betas, Flow, Linear, LogitNormal, LogNormal, Uniform

DISCRETE: Any = {name: make for name, make in SCHEDULES.items() if isinstance(make(), Betas)}
strata = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_densities_are_monotone_in_u(density: str, schedule: str) -> None:
    level = DENSITIES[density]()(SCHEDULES[schedule](), strata)
    assert level.alpha.shape == level.sigma.shape == strata.shape
    assert (level.c_noise.diff() >= 0).all() and level.c_noise[-1] > level.c_noise[0]
    assert (level.sigma > 0).all() and torch.isfinite(level.log_snr[:-1]).all()


@pytest.mark.parametrize("make", DISCRETE.values(), ids=DISCRETE)
@pytest.mark.parametrize("length", [1, 10, 300, 1000])
def test_uniform_density_covers_timesteps_equally(make: Callable[..., Betas], length: int) -> None:
    u = (torch.arange(6 * length, dtype=torch.float64) + 0.5) / (6 * length)
    schedule = make(T=length)
    codes, counts = Uniform()(schedule, u).c_noise.unique(return_counts=True)
    assert (counts == 6).all()
    rows = schedule(torch.arange(1, length + 1, dtype=torch.float64) / length).c_noise
    assert torch.equal(codes, rows)


@pytest.mark.parametrize("schedule", [name for name in SCHEDULES if name not in DISCRETE])
def test_uniform_density_is_the_identity_on_continuous_schedules(schedule: str) -> None:
    curve = SCHEDULES[schedule]()
    assert torch.equal(Uniform()(curve, strata).c_noise, curve(strata).c_noise)


def test_numbers_near_0_and_1_give_the_first_and_last_timestep() -> None:
    edges = torch.tensor([1e-12, 1 - 1e-12], dtype=torch.float64)
    level, schedule = Uniform()(Linear(T=7), edges), Linear(T=7)
    assert level.c_noise.tolist() == [schedule(1 / 7).c_noise.item(), schedule(1.0).c_noise.item()]


@given(st.floats(0.001, 0.999), st.floats(-2, 2), st.floats(0.2, 2))
def test_logit_normal_has_normal_logits(chance: float, mean: float, std: float) -> None:
    u = LogitNormal(mean, std)(Flow(), torch.tensor([chance], dtype=torch.float64)).sigma.item()
    assert math.log(u / (1 - u)) == pytest.approx(NormalDist(mean, std).inv_cdf(chance), abs=1e-9)


@given(st.floats(0.001, 0.999), st.floats(-2, 2), st.floats(0.2, 2))
def test_log_normal_density_has_normal_log_sigma_on_any_schedule(chance: float, mean: float, std: float) -> None:
    level = LogNormal(mean, std)(Flow(), torch.tensor([chance], dtype=torch.float64))
    log_noise = -level.log_snr.item() / 2
    assert log_noise == pytest.approx(NormalDist(mean, std).inv_cdf(chance), abs=1e-9)
    assert level.c_noise == LogNormal(mean, std)(Linear(), torch.tensor([chance], dtype=torch.float64)).c_noise
