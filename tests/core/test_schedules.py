"""Every schedule is monotone from image to noise, has exact ends, and gives n different levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from raised import code_and_field

from inkwash.core import (
    CLEAN,
    NOISE,
    SCHEDULES,
    WARPS,
    Betas,
    Cosine,
    Flow,
    Karras,
    Level,
    Linear,
    LogLinear,
    Quadratic,
    Schedule,
    Sigmoid,
    Warped,
)
from inkwash.core.schedules import OpenEnd

PLAIN = {name: make() for name, make in SCHEDULES.items()}
WARP_NAMES = [warp for warp in WARPS if warp != "none"]
WARPED = {f"{name} warped by {warp}": Warped(PLAIN[name], WARPS[warp]()) for name in PLAIN for warp in WARP_NAMES}
EVERY = {**PLAIN, **WARPED}
DISCRETE: Any = {name: make for name, make in SCHEDULES.items() if isinstance(make(), Betas)}

every_schedule = pytest.mark.parametrize("schedule", EVERY.values(), ids=EVERY)
every_discrete = pytest.mark.parametrize("make", DISCRETE.values(), ids=DISCRETE)


def c_noise(levels: list[Level]) -> torch.Tensor:
    return torch.stack([level.c_noise for level in levels])


@every_schedule
def test_noise_grows_with_u(schedule: Schedule) -> None:
    level = schedule(torch.linspace(0, 1, 4001, dtype=torch.float64))
    assert level.alpha.dtype == level.sigma.dtype == torch.float64
    assert (level.alpha >= 0).all() and (level.sigma >= 0).all()
    assert (level.c_noise.diff() > 0).all()


@every_schedule
def test_schedule_of_a_batch_equals_schedule_of_each_u(schedule: Schedule) -> None:
    u = torch.linspace(0, 1, 13, dtype=torch.float64)
    together = schedule(u)
    for place, one in enumerate(u):
        single = schedule(one)
        torch.testing.assert_close(together.alpha[place], single.alpha, rtol=1e-13, atol=1e-16)
        torch.testing.assert_close(together.sigma[place], single.sigma, rtol=1e-13, atol=1e-16)


CLOSED = {name: schedule for name, schedule in EVERY.items() if schedule(0.0).sigma == 0}


def test_only_open_ended_schedules_are_not_clean_at_0() -> None:
    assert {name for name, schedule in PLAIN.items() if isinstance(schedule, OpenEnd)} == PLAIN.keys() - CLOSED.keys()


@pytest.mark.parametrize("schedule", CLOSED.values(), ids=CLOSED)
def test_the_clean_end_is_exact(schedule: Schedule) -> None:
    for level in (schedule(0.0), schedule(torch.zeros(9, dtype=torch.float64))):
        assert (level.alpha == 1).all() and (level.sigma == 0).all()


@pytest.mark.parametrize(
    "schedule",
    [Cosine(), Cosine(0.0), Cosine(0.1), Flow()]
    + [Sigmoid(start, end, tau) for start, end in ((-3, 3), (0, 3), (-3, 0.3)) for tau in (1.0, 0.9, 0.7)],
    ids=repr,
)
def test_the_noisy_end_is_exact_where_it_is_pure_noise(schedule: Schedule) -> None:
    for level in (schedule.terminal, schedule(torch.ones(9, dtype=torch.float64))):
        assert (level.alpha == 0).all() and (level.sigma == 1).all()


@pytest.mark.parametrize("name", [name for name in PLAIN if name not in ("flow", "karras")])
def test_variance_is_preserved(name: str) -> None:
    level = PLAIN[name](torch.linspace(0, 1, 101, dtype=torch.float64))
    torch.testing.assert_close(level.alpha**2 + level.sigma**2, torch.ones_like(level.alpha), rtol=0, atol=1e-14)


@every_schedule
@given(u=st.floats(0.01, 0.99))
@settings(max_examples=8)
def test_u_at_log_snr_inverts_log_snr(schedule: Schedule, u: float) -> None:
    assert schedule.u_at_log_snr(schedule(u).log_snr.item()) == pytest.approx(u, abs=1e-9)


@every_schedule
def test_u_at_log_snr_beyond_the_schedule_is_the_nearest_end(schedule: Schedule) -> None:
    # not 0: a sigma whose square is lost beside 1 is rounded to the clean end
    assert 0 <= schedule.u_at_log_snr(1e9) < 1e-7
    assert schedule.u_at_log_snr(-1e9) == 1


@every_schedule
@pytest.mark.parametrize("n", [1, 2, 7, 50, 333])
def test_levels_decrease_strictly_to_clean(schedule: Schedule, n: int) -> None:
    levels = schedule.levels(n)
    assert len(levels) == n + 1 and levels[-1] is CLEAN
    assert (c_noise(levels).diff() < 0).all()
    assert levels[0].c_noise == schedule.terminal.c_noise


@every_discrete
@pytest.mark.parametrize("length", [1, 2, 10, 37])
def test_levels_of_a_discrete_schedule_decrease_for_every_n(make: Callable[..., Betas], length: int) -> None:
    schedule = make(T=length)
    rows = {schedule(row / length).c_noise.item() for row in range(length + 1)}
    for n in range(1, length + 1):
        levels = schedule.levels(n)
        assert (c_noise(levels).diff() < 0).all()
        assert set(c_noise(levels).tolist()) <= rows


@every_discrete
@pytest.mark.parametrize("length", [1, 7, 300, 1000])
def test_num_timesteps_steps_use_every_timestep_once(make: Callable[..., Betas], length: int) -> None:
    schedule = make(T=length)
    alphas = torch.stack([level.alpha for level in schedule.levels(length)])
    expected = torch.cumprod(1 - schedule.betas(), 0).sqrt().flip(0)
    torch.testing.assert_close(alphas[:-1], expected, rtol=1e-12, atol=0)
    assert alphas[-1] == 1


@every_discrete
def test_more_steps_than_timesteps_raise_usage_error(make: Callable[..., Betas]) -> None:
    for schedule in (make(T=10), Warped(make(T=10))):
        assert code_and_field(lambda schedule=schedule: schedule.levels(11)) == ("out-of-range", "steps")


@pytest.mark.parametrize("name", ["cosine", "sigmoid", "flow"])
@pytest.mark.parametrize("n", [1, 3, 50])
def test_the_last_level_before_clean_is_one_nth(name: str, n: int) -> None:
    last = PLAIN[name].levels(n)[-2]
    assert last.c_noise == PLAIN[name](1 / n).c_noise


@every_discrete
def test_alpha_bar_is_exact_at_every_timestep(make: Callable[..., Betas]) -> None:
    # fifty decimal digits: the product itself, with neither logarithm nor rounding
    getcontext().prec = 50
    schedule, product = make(T=250), Decimal(1)
    for row, beta in enumerate(schedule.betas().tolist(), start=1):
        product *= 1 - Decimal(beta)
        level = schedule(row / 250)
        assert level.alpha.item() == pytest.approx(float(product.sqrt()), rel=1e-13)
        assert level.sigma.item() == pytest.approx(float((1 - product).sqrt()), rel=1e-13)


@every_discrete
def test_log_alpha_is_linear_between_timesteps(make: Callable[..., Betas]) -> None:
    schedule = make(T=8)
    ends = schedule(torch.arange(9, dtype=torch.float64) / 8).alpha
    middles = schedule((torch.arange(8, dtype=torch.float64) + 0.5) / 8).alpha
    torch.testing.assert_close(middles, (ends[:-1] * ends[1:]).sqrt(), rtol=1e-13, atol=0)


def test_linear_betas_with_300_timesteps_end_far_from_pure_noise() -> None:
    assert Linear(T=300).terminal.alpha.item() == pytest.approx(0.219, abs=5e-4)
    assert Linear(T=1000).terminal.alpha.item() == pytest.approx(6.35e-3, abs=5e-5)


def test_linear_betas_and_quadratic_roots_are_arithmetic_progressions() -> None:
    for betas, values in ((Linear().betas(), Linear().betas()), (Quadratic().betas(), Quadratic().betas().sqrt())):
        assert values.diff().std() < 1e-12 * values.diff().mean()
        assert (betas[0].item(), betas[-1].item()) == pytest.approx((1e-4, 0.02), rel=1e-12)


def test_cosine_without_offset_is_the_cosine() -> None:
    u = torch.linspace(0, 1, 41, dtype=torch.float64)
    level = Cosine(offset=0.0)(u)
    torch.testing.assert_close(level.alpha, torch.cos(math.pi / 2 * u), rtol=0, atol=1e-15)
    torch.testing.assert_close(level.sigma, torch.sin(math.pi / 2 * u), rtol=0, atol=1e-15)


def test_a_symmetric_sigmoid_mirrors_image_and_noise_and_a_slow_one_is_straight() -> None:
    u = torch.linspace(0, 1, 41, dtype=torch.float64)
    torch.testing.assert_close(Sigmoid()(u).alpha, Sigmoid()(1 - u).sigma, rtol=0, atol=1e-14)
    torch.testing.assert_close(Sigmoid(tau=1e3)(u).alpha ** 2, 1 - u, rtol=0, atol=1e-6)


def test_karras_levels_run_from_high_to_low_in_equal_steps_of_the_root() -> None:
    schedule = Karras(low=0.01, high=50.0, rho=5.0)
    levels = schedule.levels(11)[:-1]
    noise = torch.stack([level.sigma / level.alpha for level in levels])
    assert (noise[0].item(), noise[-1].item()) == pytest.approx((50.0, 0.01), rel=1e-12)
    roots = noise ** (1 / 5)
    torch.testing.assert_close(roots.diff(), roots.diff().mean().expand(10), rtol=1e-11, atol=0)


def test_log_linear_levels_run_from_low_to_high_in_equal_steps_of_log_snr() -> None:
    log_snr = torch.stack([level.log_snr for level in LogLinear(high=10.0, low=-6.0).levels(9)[:-1]])
    torch.testing.assert_close(log_snr, torch.linspace(-6, 10, 9, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"low": -1.0}, {"low": 90.0}, {"rho": 0.0}, {"rho": -7.0}, {"high": float("nan")}])
def test_karras_refuses_invalid_ranges_and_rho(options: dict[str, float]) -> None:
    assert code_and_field(lambda: Karras(**options)) == ("out-of-range", "schedule")


@every_schedule
def test_an_interval_in_u_lies_between_the_levels_at_its_ends(schedule: Schedule) -> None:
    cleanest, noisiest = schedule.between(0.2, 0.7)
    assert (cleanest.c_noise, noisiest.c_noise) == (schedule(0.2).c_noise, schedule(0.7).c_noise)
    cleanest, noisiest = schedule.between(0.0, 1.0)
    assert cleanest is CLEAN and noisiest is NOISE
