"""Muon: orthogonalization, steps equal to those of torch.optim, and restored states."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inkwash.optim.muon import Muon, orthogonalize
from inkwash.optim.optimizers import OptimizerConfig


def net() -> nn.Sequential:
    """Return a network with one inner convolution, at index 2."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.SiLU(), nn.Conv2d(16, 32, 3), nn.SiLU(), nn.Conv2d(32, 4, 1))


def kernel(trained: nn.Sequential) -> nn.Parameter:
    return trained[2].get_parameter("weight")


def step(trained: nn.Module, optimizer: torch.optim.Optimizer, times: int = 4) -> None:
    x = torch.linspace(-1, 1, 2 * 3 * 49).reshape(2, 3, 7, 7)
    for _ in range(times):
        optimizer.zero_grad()
        trained(x).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize("shape", [(32, 288), (64, 16), (20, 20)])
def test_orthogonal_has_singular_values_near_one_and_keeps_directions(shape: tuple[int, int]) -> None:
    given = torch.randn(5, *shape, generator=torch.Generator().manual_seed(1)) * torch.tensor(1e-3)
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    found = orthogonalize(given)
    values = torch.linalg.svdvals(found)
    # The iteration is fast but not exact, and slowest for small singular values of square matrices.
    assert values.max() < 1.3 and values.median() > 0.65
    turned = left.mT @ found @ right.mT
    assert torch.diagonal(turned, dim1=-2, dim2=-1).min() > 0
    rest = turned - torch.diag_embed(torch.diagonal(turned, dim1=-2, dim2=-1))
    assert rest.abs().max() < 0.05


def test_step_on_inner_convolutions_equals_torch_muon() -> None:
    own = net()
    matrix = nn.Parameter(kernel(own).detach().flatten(1).clone())
    ours = Muon(own.parameters(), lr=1e-3, weight_decay=0.1, inner_lr=0.05)
    theirs = torch.optim.Muon([matrix], lr=0.05, weight_decay=0.1, momentum=0.95)
    # Full rank: otherwise rounding errors would be scaled up to singular values of 1.
    x = torch.randn(64, 3, 14, 14, generator=torch.Generator().manual_seed(2))
    for _ in range(3):
        ours.zero_grad()
        own(x).square().sum().backward()
        gradient = kernel(own).grad
        assert gradient is not None
        matrix.grad = gradient.flatten(1).clone()
        ours.step()
        theirs.step()
    moved = matrix - kernel(net()).flatten(1)
    # torch scales the momentum differently, with the same direction; bfloat16 rounds both, small values most
    assert (kernel(own).flatten(1) - matrix).norm() < 0.1 * moved.norm()


def test_small_momentum_equals_torch_muon() -> None:
    generator = torch.Generator().manual_seed(3)
    start, *gradients = torch.randn(3, 16, 16, 3, 3, generator=generator)
    kernel, matrix = nn.Parameter(start.clone()), nn.Parameter(start.flatten(1).clone())
    ours = Muon([kernel], lr=1e-3, inner_lr=0.05, momentum=0.3)
    theirs = torch.optim.Muon([matrix], lr=0.05, weight_decay=0.0, momentum=0.3)
    # The first gradient is ten times the second: its remainder changes the second step.
    for gradient in (10 * gradients[0], gradients[1]):
        before = kernel.detach().flatten(1).clone(), matrix.detach().clone()
        kernel.grad, matrix.grad = gradient.clone(), gradient.flatten(1).clone()
        ours.step()
        theirs.step()
    moved, expected = kernel.detach().flatten(1) - before[0], matrix.detach() - before[1]
    assert (moved - expected).norm() < 0.05 * expected.norm()


def test_other_parameters_take_adamw_steps() -> None:
    own, twin = net(), net()
    ours = Muon(own.parameters(), lr=0.01, betas=(0.8, 0.99), weight_decay=0.1, inner_lr=0.0)
    twin[2].get_parameter("weight").requires_grad_(False)
    theirs = torch.optim.AdamW((p for p in twin.parameters() if p.requires_grad), 0.01, (0.8, 0.99), weight_decay=0.1)
    step(own, ours)
    step(twin, theirs)
    for ours_, theirs_ in zip(own.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours_, theirs_)


def test_restored_optimizer_reaches_the_same_weights() -> None:
    reference, resumed = net(), net()
    optimizer = Muon(reference.parameters())
    step(reference, optimizer, 4)
    first = Muon(resumed.parameters())
    step(resumed, first, 2)
    second = Muon(resumed.parameters())
    second.load_state_dict(first.state_dict())
    step(resumed, second, 2)
    for a, b in zip(reference.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_scheduled_rate_scales_both_groups() -> None:
    built = OptimizerConfig("muon", lr=1e-3, inner_lr=0.02).build(net().parameters())
    assert {(group["muon"], round(group["lr"] / group["lr_scale"], 12)) for group in built.param_groups} == {
        (True, 1e-3),
        (False, 1e-3),
    }
    assert [group["lr"] for group in built.param_groups] == pytest.approx([0.02, 1e-3])
