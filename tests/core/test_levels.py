"""A level mixes image and noise to x = alpha * image + sigma * noise, and solves for either; its SNR and c_noise."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core import CLEAN, NOISE, Level, Linear
from inkwash.core.levels import NEAR_PURE_NOISE, describe_terminal_snr, signal_fraction

amounts = st.floats(1e-3, 1e3)


@given(amounts, amounts)
def test_image_in_and_noise_in_invert_mix(alpha: float, sigma: float) -> None:
    level = Level(alpha, sigma)
    image, noise = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = level.mix(image, noise)
    tolerance = 1e-14 * (alpha + sigma)
    torch.testing.assert_close(level.noise_in(x, image), noise, rtol=0, atol=10 * tolerance / sigma)
    torch.testing.assert_close(level.image_in(x, noise), image, rtol=0, atol=10 * tolerance / alpha)


@pytest.mark.parametrize("shape", [(), (2,), (3, 4, 4)], ids=str)
def test_mix_with_batched_levels_equals_mix_per_example(shape: tuple[int, ...]) -> None:
    image, noise = torch.randn(2, 4, *shape, generator=torch.Generator().manual_seed(1))
    alpha, sigma = torch.rand(2, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    batch = Level(alpha, sigma).mix(image, noise)
    singles = torch.cat([Level(alpha[i], sigma[i]).mix(image[i : i + 1], noise[i : i + 1]) for i in range(4)])
    assert batch.dtype == torch.float32
    assert torch.equal(batch, singles)


@given(st.floats(-40, 40))
def test_c_noise_is_a_bounded_function_of_log_snr(log_snr: float) -> None:
    level = Level(math.exp(log_snr / 4), math.exp(-log_snr / 4))
    assert level.log_snr.item() == pytest.approx(log_snr, abs=1e-12)
    assert math.tan(math.pi / 2 * level.c_noise.item()) == pytest.approx(math.exp(-log_snr / 2), rel=1e-6)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(1e-3, 1e3))
def test_c_noise_is_scale_invariant(alpha: float, sigma: float, scale: float) -> None:
    c_noise = Level(alpha, sigma).c_noise.item()
    assert 0 <= c_noise <= 1
    assert Level(scale * alpha, scale * sigma).c_noise.item() == pytest.approx(c_noise, abs=1e-14)


def test_c_noise_is_exact_and_log_snr_infinite_at_the_ends() -> None:
    assert CLEAN.c_noise == 0 and CLEAN.log_snr == math.inf
    noise = Level(0.0, 1.0)
    assert noise.c_noise == 1 and noise.log_snr == -math.inf


def test_an_interval_of_levels_includes_both_ends() -> None:
    cleanest, noisiest = Level(0.9, 0.3), Level(0.3, 0.9)
    alpha, sigma = torch.tensor([[0.9, 0.6, 0.3, 0.95, 0.1], [0.3, 0.6, 0.9, 0.2, 0.99]], dtype=torch.float64)
    levels = Level(alpha, sigma)
    assert levels.within(cleanest, noisiest).tolist() == [True, True, True, False, False]


def test_repr_of_levels() -> None:
    assert repr(Level(0.25, 0.5)) == "Level(alpha=0.25, sigma=0.5)"
    assert repr(Level(torch.ones(3), torch.ones(3))) == "Level of 3 examples"


@given(st.floats(0, math.pi / 2), st.floats(1e-3, 1e3))
def test_signal_fraction_is_scale_invariant(angle: float, scale: float) -> None:
    fraction = signal_fraction(Level(scale * math.cos(angle), scale * math.sin(angle)))
    assert fraction == pytest.approx(math.cos(angle), abs=1e-12)


@pytest.mark.parametrize(
    ("level", "part"),
    [
        (NOISE, "pure noise, SNR 0"),
        (Level(1.0, 0.0), "SNR infinite"),
        (Linear(T=1000).terminal, "close to pure noise"),
        # Of 1000 steps with these betas (Ho et al., 2020), the first 300 leave 22 % of the image.
        (Linear(T=300).terminal, "signal fraction 22%"),
        (Level(0.99 * NEAR_PURE_NOISE, 1.0), "close to pure noise"),
        (Level(1.01 * NEAR_PURE_NOISE, 1.0), "signal fraction 2%"),
    ],
    ids=repr,
)
def test_description_of_the_terminal_snr(level: Level, part: str) -> None:
    assert part in describe_terminal_snr(level)
