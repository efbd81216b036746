"""The power spectrum: a wave has its power at its own frequency, and white noise the same power everywhere."""

from __future__ import annotations

import math

import pytest
import torch

from inkwash.metrics.power_spectrum import power_spectrum


@pytest.mark.parametrize(("rows", "columns", "found_at"), [(3, 0, 3), (0, 5, 5), (3, 4, 5)])
def test_wave_has_its_power_at_its_frequency(rows: int, columns: int, found_at: int) -> None:
    y, x = torch.meshgrid(torch.arange(28), torch.arange(20), indexing="ij")
    wave = torch.cos(2 * math.pi * (rows * y / 28 + columns * x / 20))
    (power,) = power_spectrum(wave[None, None])
    assert len(power) == 9 and int(power.argmax()) + 1 == found_at
    assert power.sum().item() == pytest.approx(power[found_at - 1].item())


def test_white_noise_of_variance_four_has_power_four_at_every_frequency() -> None:
    noise = 2 * torch.randn(4000, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        power_spectrum(noise).mean(0), torch.full((7,), 4.0, dtype=torch.float64), rtol=0.03, atol=0
    )


def test_mean_of_an_image_is_no_part_of_its_spectrum() -> None:
    image = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(power_spectrum(image), power_spectrum(image + 7))
