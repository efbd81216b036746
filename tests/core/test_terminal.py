"""What a schedule's end is called: the words change where training stops meeting pure noise, and nowhere else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core import NOISE, Level, Linear
from inkwash.core.levels import NEAR_PURE_NOISE, describe_terminal_snr, signal_fraction


def test_description_of_300_timesteps_with_betas_of_1000():
    # Ho et al. 2020 take T = 1000 with these betas; their 300 first-named steps leave 22 % of the image
    assert "close to pure noise" in describe_terminal_snr(Linear(T=1000).terminal)
    words = describe_terminal_snr(Linear(T=300).terminal)
    assert "22%" in words and "wrong start" in words


def test_description_of_pure_noise():
    assert describe_terminal_snr(NOISE) == "ends at pure noise, SNR 0"
    assert "SNR infinite" in describe_terminal_snr(Level(1.0, 0.0))


@given(st.floats(0, math.pi / 2), st.floats(1e-3, 1e3))
def test_signal_fraction_is_scale_invariant(angle, scale):
    left = signal_fraction(Level(scale * math.cos(angle), scale * math.sin(angle)))
    assert left == pytest.approx(math.cos(angle), abs=1e-12)


@pytest.mark.parametrize(("left", "wrong"), [(0.99 * NEAR_PURE_NOISE, False), (1.01 * NEAR_PURE_NOISE, True)])
def test_description_changes_at_the_threshold(left, wrong):
    assert ("wrong start" in describe_terminal_snr(Level(left, math.sqrt(1 - left**2)))) is wrong
