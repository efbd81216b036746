"""Image and noise follow from every target, the solution is scale-invariant, and targets equal those of their papers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from raised import raised
from torch import Tensor, nn

from inkwash.core import CLEAN, TARGETS, Cosine, Flow, Level, Linear, LogLinear, NetDenoiser, Schedule, Target

every_target = pytest.mark.parametrize("kind", TARGETS)
angles = st.floats(0.02, math.pi / 2 - 0.02)
lengths = st.floats(0.01, 100)
stds = st.floats(0.1, 10)

image, noise = torch.randn(2, 3, 1, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def level_at(angle: float, length: float = 1.0) -> Level:
    return Level(length * math.cos(angle), length * math.sin(angle))


class Fixed(nn.Module):
    """A network without training that depends on its input, the c_noise and the label."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        output = torch.tanh(x.flatten(1) @ self.weight + c_noise.to(x)[:, None])
        return output.reshape(x.shape) + (0 if label is None else label.to(x).reshape(-1, 1, 1, 1))


@every_target
@given(angle=angles, length=lengths, std=stds)
def test_image_and_noise_come_back(kind: str, angle: float, length: float, std: float) -> None:
    target, level = Target(kind, std), level_at(angle, length)
    x, output = level.mix(image, noise), target.of(level, image, noise)
    # the worst amplification of a rounding error is 1 / sin(0.02) for each of the two ends
    torch.testing.assert_close(target.image(level, x, output), image, rtol=0, atol=1e-10)
    torch.testing.assert_close(target.noise(level, x, output), noise, rtol=0, atol=1e-10)


@every_target
@given(angle=angles, length=lengths)
def test_solved_image_and_noise_mix_to_x_for_any_output(kind: str, angle: float, length: float) -> None:
    target, level = Target(kind, 0.6), level_at(angle, length)
    x, output = level.mix(image, noise), torch.sin(7 * image)
    again = level.mix(target.image(level, x, output), target.noise(level, x, output))
    torch.testing.assert_close(again, x, rtol=0, atol=1e-9 * max(1, length))


@every_target
def test_a_batch_of_levels_equals_one_level_per_example(kind: str) -> None:
    angle = torch.tensor([0.1, 0.7, 1.4], dtype=torch.float64)
    target, levels = Target(kind, 0.6), Level(torch.cos(angle), torch.sin(angle))
    x, output = levels.mix(image, noise), target.of(levels, image, noise)
    for i, one in enumerate(angle.tolist()):
        single, row = level_at(one), slice(i, i + 1)
        torch.testing.assert_close(output[row], target.of(single, image[row], noise[row]))
        torch.testing.assert_close(
            target.image(levels, x, output + 1)[row], target.image(single, x[row], output[row] + 1)
        )


@every_target
@given(angle=angles, scale=lengths, std=stds)
def test_solved_image_is_scale_invariant(kind: str, angle: float, scale: float, std: float) -> None:
    denoise = NetDenoiser(Fixed(), Target(kind, std))
    x = level_at(angle).mix(image, noise)
    torch.testing.assert_close(
        denoise(scale * x, level_at(angle, scale)), denoise(x, level_at(angle)), rtol=1e-8, atol=1e-8
    )


@every_target
@given(angle=angles)
def test_output_error_scales_to_the_image_by_sigma_over_determinant(kind: str, angle: float) -> None:
    target, level = Target(kind, 0.6), level_at(angle)
    x, output = level.mix(image, noise), target.of(level, image, noise)
    error = target.image(level, x, output + 1) - target.image(level, x, output)
    expected = (-level.sigma / target.determinant(level)).expand(error.shape)
    torch.testing.assert_close(error, expected, rtol=1e-9, atol=1e-9)


@given(angle=angles, length=lengths, std=stds)
def test_the_edm_target_has_unit_variance_and_is_uncorrelated_with_x(angle: float, length: float, std: float) -> None:
    level = level_at(angle, length)
    p, q = Target("edm", std).direction(level)
    # image of variance std^2 and noise of variance 1, independent
    assert (p**2 * std**2 + q**2).item() == pytest.approx(1, rel=1e-12)
    assert (p * level.alpha * std**2 + q * level.sigma).item() == pytest.approx(0, abs=1e-12 * length * (1 + std))


@given(angle=angles, length=lengths)
def test_v_is_orthogonal_to_x_with_unit_length(angle: float, length: float) -> None:
    level = level_at(angle, length)
    p, q = Target("v").direction(level)
    assert torch.hypot(p, q).item() == pytest.approx(1, rel=1e-14)
    assert (p * level.alpha + q * level.sigma).item() == pytest.approx(0, abs=1e-13 * length)
    assert q > 0


def velocity(schedule: Schedule, u: float) -> Tensor:
    """Return the derivatives of alpha and sigma by u."""
    place = torch.tensor(u, dtype=torch.float64, requires_grad=True)
    amounts = schedule.alpha_sigma(place)
    return torch.stack([torch.autograd.grad(amount, place, retain_graph=True)[0] for amount in amounts])


def test_flow_is_the_velocity_of_the_straight_path() -> None:
    assert torch.equal(velocity(Flow(), 0.3), torch.stack(Target("flow").direction(Flow()(0.3))))


@pytest.mark.parametrize("schedule", [Cosine(), Linear(), LogLinear()], ids=repr)
def test_v_is_the_derivative_along_variance_preserving_paths(schedule: Schedule) -> None:
    rates = velocity(schedule, 0.3)
    direction = torch.stack(Target("v").direction(schedule(0.3)))
    torch.testing.assert_close(rates / rates.norm(), direction, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["v", "flow", "edm", "x0"])
def test_image_is_defined_at_pure_noise_for_all_targets_but_eps(kind: str) -> None:
    level, target = Level(0.0, 1.0), Target(kind, 0.6)
    torch.testing.assert_close(target.image(level, noise, target.of(level, image, noise)), image)


@pytest.mark.parametrize("kind", ["v", "flow", "edm", "eps"])
def test_noise_is_defined_at_clean_for_all_targets_but_x0(kind: str) -> None:
    target = Target(kind, 0.6)
    torch.testing.assert_close(target.noise(CLEAN, image, target.of(CLEAN, image, noise)), noise)


def test_unknown_target_raises_usage_error_with_a_suggestion() -> None:
    error = raised(lambda: Target("edn"))
    assert (error.code, error.field) == ("unknown-name", "target") and "'edm'" in str(error)
