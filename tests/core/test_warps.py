"""A warp is a monotone map of u that preserves the clean end and composes with any schedule."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core import SCHEDULES, WARPS, Flow, Power, Shift, Stretch, Warp, Warped

line = torch.linspace(0, 1, 1001, dtype=torch.float64)
every_warp = pytest.mark.parametrize("name", WARPS)


@every_warp
def test_every_warp_maps_the_interval_onto_itself_in_order(name: str) -> None:
    warped = WARPS[name]()(line)
    assert warped[0] == 0 and warped[-1] == 1
    assert (warped.diff() > 0).all()


@every_warp
@pytest.mark.parametrize("other", WARPS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warps_compose_from_the_outside_in(name: str, other: str, schedule: str) -> None:
    inner, outer, plain = WARPS[name](), WARPS[other](), SCHEDULES[schedule]()
    nested = Warped(Warped(plain, inner), outer)(line[::50])
    direct = plain(inner(outer(line[::50])))
    assert torch.equal(nested.alpha, direct.alpha) and torch.equal(nested.sigma, direct.sigma)


def test_stretch_starts_below_the_noisiest_level() -> None:
    assert Warped(Flow(), Stretch(0.6)).terminal.sigma == pytest.approx(0.6)
    assert Stretch(0.6)(line)[0] == 0


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_powers_multiply_and_a_power_has_an_inverse(first: float, second: float) -> None:
    torch.testing.assert_close(Power(second)(Power(first)(line)), Power(first * second)(line), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(Power(1 / first)(Power(first)(line)), line, rtol=1e-6, atol=1e-9)


def test_a_power_above_one_crowds_levels_towards_the_clean_end() -> None:
    assert (Power(2.0)(line[1:-1]) < line[1:-1]).all()
    assert Power(2.0)(line[500]) == pytest.approx(0.25)


@given(st.floats(0.1, 10), st.floats(0.05, 0.95))
def test_a_shift_by_s_on_the_flow_path_lowers_the_log_snr_by_twice_log_s(s: float, u: float) -> None:
    # Esser et al. (2024) derive eq. 23 from this demand, which is what makes it right for s times the resolution
    shifted = Warped(Flow(), Shift(s))(u).log_snr
    assert shifted.item() == pytest.approx(Flow()(u).log_snr.item() - 2 * math.log(s), abs=1e-9)


def test_warp_none_is_the_identity() -> None:
    for neutral in (Warp(), Stretch(1.0), Power(1.0), Shift(1.0)):
        torch.testing.assert_close(neutral(line), line, rtol=0, atol=1e-16)
