"""A wrapper is a denoiser that changes the prediction of another one in its documented way only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inkwash.core import (
    SAMPLERS,
    Clipped,
    Cosine,
    Counted,
    EmpiricalDenoiser,
    GaussianDenoiser,
    Inpainted,
    Labelled,
    Level,
    Linear,
    NetDenoiser,
    Sampler,
    Schedule,
    Target,
    WeightedPair,
)

LEVEL = Cosine()(0.4)
X = torch.randn(5, 1, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def echo(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
    """Return 3 x, shifted by the label: a denoiser whose predictions are known."""
    return 3 * x + (0 if label is None else label.reshape(-1, 1, 1, 1))


class Echo(nn.Module):
    """A network that returns its input and stores its arguments."""

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        self.given = (x, c_noise, label)
        return x


def test_network_input_has_unit_variance_and_c_noise_of_each_example() -> None:
    net, std = Echo(), 0.4
    normal = torch.randn(2, 4, 1, 30, 30, generator=torch.Generator().manual_seed(1))
    for level in (Level(0.8, 0.6), Level(1.0, 40.0), Cosine()(torch.tensor([0.1, 0.4, 0.7, 1.0]))):
        NetDenoiser(net, Target("v", std))(level.mix(std * normal[0], normal[1]), level)
        x, c_noise, label = net.given
        assert x.flatten(1).std(1).tolist() == pytest.approx([1] * 4, abs=0.1)
        assert c_noise.dtype == torch.float32 and c_noise.shape == (4,) and label is None
        assert c_noise.tolist() == pytest.approx(level.c_noise.expand(4).tolist(), abs=1e-7)


def test_autocast_leaves_the_state_in_float32() -> None:
    net = nn.Linear(4, 4, bias=False)
    dtypes = []
    net.register_forward_hook(lambda module, given, output: dtypes.append(output.dtype))

    class Flat(nn.Module):
        def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
            return net(x)

    x = torch.ones(2, 4)
    exact = NetDenoiser(Flat(), Target("x0"))(x, LEVEL)
    rough = NetDenoiser(Flat(), Target("x0"), autocast=torch.bfloat16)(x, LEVEL)
    assert dtypes == [torch.float32, torch.bfloat16]
    assert exact.dtype == rough.dtype == torch.float32
    # eight bits of mantissa
    torch.testing.assert_close(rough, exact, rtol=2**-6, atol=2**-6)


def test_clipped_changes_only_values_outside_of_the_range() -> None:
    denoised = Clipped(echo, low=-0.5, high=2.0)(X, LEVEL)
    assert denoised.min() == -0.5 and denoised.max() == 2.0
    inside = (3 * X).abs() < 0.5
    assert inside.any() and torch.equal(denoised[inside], 3 * X[inside])


def test_counted_counts_and_changes_nothing() -> None:
    counted = Counted(echo)
    label = torch.arange(5)
    assert torch.equal(counted(X, LEVEL, label), echo(X, LEVEL, label))
    counted(X, LEVEL)
    assert counted.count == 2


def test_labelled_passes_its_fixed_label() -> None:
    label = torch.arange(5)
    assert torch.equal(Labelled(echo, label)(X, LEVEL), echo(X, LEVEL, label))
    assert torch.equal(Labelled(echo, label)(X, LEVEL, label + 7), echo(X, LEVEL, label))
    assert torch.equal(Labelled(echo, None)(X, LEVEL, label), echo(X, LEVEL))


def test_weighted_pair_interpolates_linearly() -> None:
    first, second = Labelled(echo, torch.zeros(5)), Labelled(echo, 10 * torch.ones(5))
    assert torch.equal(WeightedPair(first, second, 0.0)(X, LEVEL), first(X, LEVEL))
    assert torch.equal(WeightedPair(first, second, 1.0)(X, LEVEL), second(X, LEVEL))
    torch.testing.assert_close(WeightedPair(first, second, 0.3)(X, LEVEL), 3 * X + 3)
    each = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    torch.testing.assert_close(WeightedPair(first, second, each)(X, LEVEL), 3 * X + 10 * each.reshape(-1, 1, 1, 1))


def test_wrappers_nest_in_either_order() -> None:
    label = torch.arange(5)
    inner = Counted(echo)
    outer = Counted(Labelled(echo, label))
    assert torch.equal(outer(X, LEVEL), Labelled(inner, label)(X, LEVEL))
    assert outer.count == inner.count == 1


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("schedule", [Cosine(), Linear(T=30)], ids=repr)
def test_known_pixels_are_exact_in_the_sample(
    kind: str, schedule: Schedule, draws: Callable[..., Callable[[int], Tensor]]
) -> None:
    images, known = torch.randn(2, 6, 1, 2, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    mask = torch.tensor([[True, False, True], [False, False, True]])
    denoise = EmpiricalDenoiser(images)
    *_, last = Sampler(schedule, kind, steps=6)(Inpainted(denoise, known[:4], mask), draws(4, 1, 2, 3))
    assert torch.equal(last.x[..., mask], known[:4][..., mask])
    assert not torch.isclose(last.x[..., ~mask], known[:4][..., ~mask]).any()


def test_empty_mask_equals_the_denoiser_and_full_mask_the_image() -> None:
    gaussian = GaussianDenoiser(torch.zeros(2).double(), torch.eye(2).double())
    x, known = X.reshape(10, 2), torch.full((10, 2), 0.5, dtype=torch.float64)
    assert torch.equal(Inpainted(gaussian, known, torch.zeros(10, 2))(x, LEVEL), gaussian(x, LEVEL))
    assert torch.equal(Inpainted(gaussian, known, torch.ones(10, 2))(x, LEVEL), known)
