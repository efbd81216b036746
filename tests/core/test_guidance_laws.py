"""Guidance is linear in its weight, has the documented number of evaluations, and commutes with the target."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inkwash.core import TARGETS, Clipped, Cosine, Counted, EmpiricalDenoiser, Guided, Level, NetDenoiser, Target

IMAGES = torch.randn(8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
CLASSES = torch.arange(8) % 2
X = torch.randn(5, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
LABEL = torch.tensor([0, 1, 0, 1, 1])
LEVEL = Cosine()(0.6)
EXACT = EmpiricalDenoiser(IMAGES, CLASSES)


def test_cfg_weight_1_equals_conditional_at_one_evaluation() -> None:
    counted = Counted(EXACT)
    assert torch.equal(Guided(counted, 1.0)(X, LEVEL, LABEL), EXACT(X, LEVEL, LABEL))
    assert counted.count == 1


def test_cfg_weight_0_equals_unconditional() -> None:
    assert torch.equal(Guided(EXACT, 0.0)(X, LEVEL, LABEL), EXACT(X, LEVEL))
    assert not torch.allclose(EXACT(X, LEVEL, LABEL), EXACT(X, LEVEL))


def test_cfg_without_a_label_equals_unconditional() -> None:
    counted = Counted(EXACT)
    assert torch.equal(Guided(counted, 3.0)(X, LEVEL), EXACT(X, LEVEL))
    assert counted.count == 1
    null = torch.full((5,), -1)
    torch.testing.assert_close(Guided(EXACT, 3.0)(X, LEVEL, null), EXACT(X, LEVEL))


@given(st.floats(-2, 10), st.floats(-2, 10))
def test_guided_image_is_linear_in_the_weight(first: float, second: float) -> None:
    ends = [Guided(EXACT, weight)(X, LEVEL, LABEL) for weight in (first, second)]
    middle = Guided(EXACT, (first + second) / 2)(X, LEVEL, LABEL)
    torch.testing.assert_close(middle, (ends[0] + ends[1]) / 2, rtol=1e-9, atol=1e-9)


def test_guidance_applies_only_inside_its_interval() -> None:
    counted = Counted(EXACT)
    guided = Guided(counted, 2.0, cleanest=Cosine()(0.3), noisiest=Cosine()(0.7))
    for u, evaluations in ((0.2, 1), (0.3, 2), (0.5, 2), (0.7, 2), (0.8, 1)):
        counted.count = 0
        image = guided(X, Cosine()(u), LABEL)
        assert counted.count == evaluations, u
        conditional = EXACT(X, Cosine()(u), LABEL)
        assert torch.equal(image, conditional) == (evaluations == 1), u


def test_default_guidance_interval_includes_all_levels() -> None:
    for u in (1e-3, 0.5, 1.0):
        counted = Counted(EXACT)
        Guided(counted, 2.0)(X, Cosine()(u), LABEL)
        assert counted.count == 2


def test_guidance_interval_applies_per_example() -> None:
    u = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64)
    guided = Guided(EXACT, 2.0, cleanest=Cosine()(0.3), noisiest=Cosine()(0.7))
    singles = [guided(X[i : i + 1], Cosine()(u[i : i + 1]), LABEL[i : i + 1]) for i in range(5)]
    torch.testing.assert_close(guided(X, Cosine()(u), LABEL), torch.cat(singles))
    assert torch.equal(guided(X, Cosine()(u), LABEL)[0], EXACT(X, Cosine()(u), LABEL)[0])


class Conditional(nn.Module):
    """An untrained conditional network."""

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        shift = torch.zeros(len(x)) if label is None else 1.0 + label
        return torch.sin(3 * x + c_noise.to(x)[:, None] + shift.to(x)[:, None])


@pytest.mark.parametrize("kind", TARGETS)
@given(angle=st.floats(0.05, 1.5), weight=st.floats(-1, 8))
def test_guidance_commutes_with_the_target(kind: str, angle: float, weight: float) -> None:
    level, denoise = Level(math.cos(angle), math.sin(angle)), NetDenoiser(Conditional(), Target(kind, 0.6))
    without, with_label = denoise.output(X, level), denoise.output(X, level, LABEL)
    guided_output = without + weight * (with_label - without)
    expected = denoise.target.image(level, X, guided_output)
    torch.testing.assert_close(Guided(denoise, weight)(X, level, LABEL), expected, rtol=1e-8, atol=1e-8)


def test_clipped_unconditional_prediction_keeps_the_background_exact() -> None:
    """Both predictions are below black, by different amounts: guidance between the unclipped ones gives grey."""

    def network(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return torch.full_like(x, -1.8 if label is None else -1.1)

    assert (Clipped(Guided(network, 2.0))(X, LEVEL, LABEL) > -1).all()
    assert (Clipped(Guided(network, 2.0, unconditional=Clipped(network)))(X, LEVEL, LABEL) == -1).all()
