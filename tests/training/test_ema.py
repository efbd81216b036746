"""The EMA: its half-life, the weight of the initial parameters, and recomputed BatchNorm statistics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from inkwash.optim.optimizers import OptimizerConfig
from inkwash.training import ema
from inkwash.training.events import Step
from inkwash.training.state import TrainingState


@pytest.mark.parametrize("half_life", [1, 7, 250])
def test_weight_halves_after_one_half_life(half_life: int) -> None:
    average, net = nn.Linear(1, 1, bias=False).double(), nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(average.weight)
    nn.init.zeros_(net.weight)
    late = 1000 * half_life
    for step in range(late, late + half_life):
        ema.update(average, net, ema.decay(half_life, step))
    assert average.weight.item() == pytest.approx(0.5, abs=1e-6)


def test_decay_rises_up_to_that_of_the_half_life() -> None:
    keeps = [ema.decay(100, step) for step in range(1, 3_000)]
    assert all(0 <= keep < 1 for keep in keeps)
    assert all(before <= after for before, after in pairwise(keeps))
    assert keeps[1_000] < keeps[1_999] == keeps[-1]


def test_weight_of_the_start_has_its_closed_form() -> None:
    # With a half-life of step / 20 the weight is 2^(-20 H), with the harmonic number H.
    rest = math.prod(ema.decay(1e9, step) for step in range(1, 101))
    assert rest == pytest.approx(2 ** (-20 * sum(1 / k for k in range(1, 101))), rel=1e-9)


def test_half_life_zero_copies_the_network() -> None:
    assert ema.decay(0, 50) == 0
    average, net = nn.Linear(3, 2), nn.Linear(3, 2)
    ema.update(average, net, 0.0)
    assert torch.equal(average.weight, net.weight)


def test_decay_one_leaves_the_ema_unchanged() -> None:
    average, net = nn.Linear(3, 2), nn.Linear(3, 2)
    before = average.weight.clone()
    ema.update(average, net, 1.0)
    assert torch.equal(average.weight, before)


def test_start_left_equals_the_weight_of_the_initial_parameters(
    initial: Callable[..., TrainingState], train: Callable[..., Iterator[Step]]
) -> None:
    state = initial()
    # The network stays at 0 and its EMA starts at 1: the EMA equals the weight of the initial parameters.
    still = OptimizerConfig(lr=0.0)
    with torch.no_grad():
        for own, new in zip(state.ema_net.parameters(), state.net.parameters(), strict=True):
            own.fill_(1.0)
            new.zero_()
    for step in train(state, 60, still, half_life=500.0):
        if step.number in (1, 3, 60):
            left = state.progress.start_left
            weights = torch.cat([p.flatten() for p in state.ema_net.parameters()])
            torch.testing.assert_close(weights, torch.full_like(weights, left), rtol=1e-3, atol=1e-12)
    assert state.progress.start_left < 1e-20


class Normed(nn.Module):
    """Two BatchNorm layers in sequence, so that the statistics of the second depend on the first."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm1 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.second, self.norm2 = nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3, momentum=0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm2(self.second(torch.relu(self.norm1(self.first(x)))))


@pytest.fixture
def normed() -> tuple[Normed, list[Tensor]]:
    """A network in evaluation mode with random statistics, and five batches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Normed()
        batches = [3 + 2 * torch.randn(6, 1, 5, 5) for _ in range(5)]
        for norm in (net.norm1, net.norm2):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
            norm.get_buffer("running_mean").normal_()
            norm.get_buffer("running_var").uniform_(5, 9)
    return net.eval().requires_grad_(False), batches


def test_recomputed_statistics_equal_those_of_the_activations(normed: tuple[Normed, list[Tensor]]) -> None:
    net, batches = normed
    oracle = copy.deepcopy(net).train()
    seen: dict[str, list[Tensor]] = {"norm1": [], "norm2": []}
    for name, inputs in seen.items():
        getattr(oracle, name).register_forward_pre_hook(lambda _, x, inputs=inputs: inputs.append(x[0].double()))
    for batch in batches:
        oracle(batch)
    ema.update_batchnorm(net, lambda: (net(batch) for batch in batches))
    for name, inputs in seen.items():
        layer = getattr(net, name)
        means = torch.stack([x.transpose(0, 1).flatten(1).mean(1) for x in inputs]).mean(0)
        variances = torch.stack([x.transpose(0, 1).flatten(1).var(1) for x in inputs]).mean(0)
        torch.testing.assert_close(layer.running_mean.double(), means, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(layer.running_var.double(), variances, rtol=1e-5, atol=1e-5)


def test_recomputing_statistics_is_idempotent_and_leaves_weights_unchanged(normed: tuple[Normed, list[Tensor]]) -> None:
    net, batches = normed
    before = {name: weight.clone() for name, weight in net.named_parameters()}

    def recompute() -> dict[str, Tensor]:
        ema.update_batchnorm(net, lambda: (net(batch) for batch in batches))
        return {name: value.clone() for name, value in net.state_dict().items()}

    first, second = recompute(), recompute()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all(torch.equal(weight, before[name]) for name, weight in net.named_parameters())
    assert (net.norm1.momentum, net.norm2.momentum) == (0.1, 0.3)
    assert not any(layer.training for layer in net.modules())


def test_network_without_batchnorm_is_not_evaluated() -> None:
    def forward() -> Iterator[object]:
        raise AssertionError("forward was called")
        yield

    ema.update_batchnorm(nn.Linear(2, 2), forward)
