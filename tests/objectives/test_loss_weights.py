"""Weights of the image's error, converted to the space of each target, are those of their papers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inkwash.core import TARGETS, Cosine, Karras, Level, LogLinear, Target
from inkwash.objectives import WEIGHTS, EDMWeight, MinSNR, SoftMinSNR, Unweighted, Weight

LEVEL = LogLinear()(torch.linspace(0, 1, 201, dtype=torch.float64))
SNR = (LEVEL.alpha / LEVEL.sigma) ** 2


def in_target_space(weight: Weight, target: Target, level: Level = LEVEL) -> Tensor:
    """Return the factor of the squared error of the network, by the error that it makes in the image."""
    zero, one = torch.zeros(level.alpha.numel(), 1).double(), torch.ones(level.alpha.numel(), 1).double()
    error = target.image(level, zero, one).reshape(level.alpha.shape)
    return weight(level, target) * error**2


@pytest.mark.parametrize("kind", TARGETS)
def test_unweighted_is_one_in_target_space(kind: str) -> None:
    factor = in_target_space(Unweighted(), Target(kind, 0.6))
    torch.testing.assert_close(factor, torch.ones_like(factor))


@pytest.mark.parametrize("gamma", [1.0, 5.0])
def test_min_snr_equals_hang_et_al_for_each_target(gamma: float) -> None:
    least = torch.minimum(SNR, torch.tensor(gamma))
    # Hang et al. (2023), section 3.4: min(SNR, gamma) for the image, over SNR for the noise, over SNR + 1 for v
    for kind, expected in (("x0", least), ("eps", least / SNR), ("v", least / (SNR + 1))):
        torch.testing.assert_close(in_target_space(MinSNR(gamma), Target(kind)), expected)


def test_soft_min_snr_has_the_ends_of_min_snr_and_half_of_it_at_the_corner() -> None:
    soft, hard = (make(gamma=4.0)(LEVEL, Target("x0")) for make in (SoftMinSNR, MinSNR))
    assert (soft <= hard).all() and (soft >= hard / 2 - 1e-12).all()
    torch.testing.assert_close(soft[[0, -1]], hard[[0, -1]], rtol=1e-3, atol=0)
    corner = Level(2.0, 1.0)
    assert SoftMinSNR(gamma=4.0)(corner, Target("x0")).item() == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize("std", [0.3, 1.0, 2.0])
def test_the_edm_weight_is_one_for_the_edm_target(std: float) -> None:
    # Karras et al. (2022) choose it as 1 / c_out^2
    for level in (LEVEL, Karras()(torch.linspace(0, 1, 50, dtype=torch.float64))):
        factor = in_target_space(EDMWeight(), Target("edm", std), level)
        torch.testing.assert_close(factor, torch.ones_like(factor))


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_positive_and_scale_invariant(name: str) -> None:
    weight, target = WEIGHTS[name](), Target("edm", 0.6)
    found = weight(LEVEL, target)
    assert found.shape == LEVEL.alpha.shape and found.dtype == torch.float64
    assert (found > 0).all()
    torch.testing.assert_close(weight(Level(7 * LEVEL.alpha, 7 * LEVEL.sigma), target), found)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("kind", ["x0", "v", "flow", "edm"])
def test_every_weight_is_finite_in_pure_noise(name: str, kind: str) -> None:
    pure = Cosine().terminal
    assert torch.isfinite(in_target_space(WEIGHTS[name](), Target(kind, 0.6), pure))
