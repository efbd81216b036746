"""The training loop: its steps, their reports, and steps that fail."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from raised import raised
from torch import Tensor

from inkwash.core import Cosine, NetDenoiser, Target
from inkwash.data import Dataset
from inkwash.objectives import Denoising
from inkwash.optim.optimizers import LRDecay, OptimizerConfig
from inkwash.training.batches import Batches, Split
from inkwash.training.events import Step
from inkwash.training.state import TrainingState
from inkwash.training.validation import ValidationSet

Train = Callable[..., Iterator[Step]]
Initial = Callable[..., TrainingState]
GOOD = Denoising(Cosine())


class FailsAt:
    """The objective `GOOD` with another loss at its k-th call."""

    def __init__(self, call: int, spoil: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.call, self.spoil, self.calls = call, spoil, 0

    def __call__(self, denoiser: Any, images: Tensor, labels: Tensor | None, u: Tensor, noise: Tensor) -> Tensor:
        self.calls += 1
        loss = GOOD(denoiser, images, labels, u, noise)
        if self.calls != self.call:
            return loss
        weight = next(denoiser.net.parameters())
        return self.spoil(loss, weight)


SPOILED = {
    "NaN loss": lambda loss, weight: loss * math.nan,
    "infinite loss": lambda loss, weight: loss * math.inf,
    # A finite loss with the infinite slope of a square root at zero.
    "NaN gradient": lambda loss, weight: loss + (0 * weight).abs().sqrt().sum(),
}


@pytest.mark.parametrize("kind", ["class-unet", "batchnorm-unet"])
@pytest.mark.parametrize("spoiled", SPOILED)
def test_nonfinite_loss_raises_and_leaves_the_state_unchanged(
    kind: str, spoiled: str, initial: Initial, train: Train
) -> None:
    state = initial(kind)
    list(train(state, 3))
    tensors = state.tensors()
    progress = copy.copy(state.progress)
    error = raised(lambda: list(train(state, 6, objective=FailsAt(1, SPOILED[spoiled]))))
    assert error.code == "non-finite" and "step 4" in str(error)
    assert state.progress == progress
    # BatchNorm statistics may change: training does not read them, and those of the EMA are recomputed.
    seen = {f"net.{name}" for name, _ in state.net.named_buffers()}
    changed = {name for name, value in state.tensors().items() if not torch.equal(value, tensors[name])}
    assert changed <= seen


def test_training_after_a_failed_step_equals_undisturbed_training(initial: Initial, train: Train) -> None:
    reference_run, disturbed = initial(), initial()
    list(train(reference_run, 6))
    raised(lambda: list(train(disturbed, 6, objective=FailsAt(4, SPOILED["NaN gradient"]))))
    list(train(disturbed, 6))
    expected = reference_run.tensors()
    assert all(torch.equal(value, expected[name]) for name, value in disturbed.tensors().items())
    assert disturbed.progress == reference_run.progress


def test_steps_are_numbered_from_one_to_the_total(initial: Initial, train: Train) -> None:
    state = initial()
    assert [step.number for step in train(state, 4)] == [1, 2, 3, 4]
    assert state.progress.step == 4
    assert list(train(state, 4)) == []


def test_step_equals_a_plain_torch_step(digits: Dataset, initial: Initial, train: Train) -> None:
    settings = OptimizerConfig(lr=0.01)
    state = initial("class-unet", settings)
    oracle = copy.deepcopy(state.net).train()
    plain = torch.optim.Adam(oracle.parameters(), lr=0.01)
    batch = Batches(digits, 8, 0, True, 0.1, torch.device("cpu"))(1)
    loss = GOOD(NetDenoiser(oracle, Target("v", 0.6)), *batch[:4]).mean()
    loss.backward()
    norm = torch.cat([p.grad.flatten() for p in oracle.parameters() if p.grad is not None]).norm()
    plain.step()
    (step,) = train(state, 1, settings)
    assert step.loss == pytest.approx(loss.item())
    assert step.gradient == pytest.approx(norm.item(), rel=1e-5)
    for own, other in zip(state.net.parameters(), oracle.parameters(), strict=True):
        # Adam's first step is the sign of the gradient, which rounding can flip near zero.
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)


def test_reported_gradient_norm_is_before_clipping(initial: Initial, train: Train) -> None:
    settings = OptimizerConfig(clip=0.01)
    state = initial("class-unet", settings)
    norms: list[float] = []

    def measure(optimizer: torch.optim.Optimizer, *_: object) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.cat([g.flatten() for g in gradients]).norm()))

    state.optimizer.register_step_pre_hook(measure)
    reported = [step.gradient for step in train(state, 3, settings)]
    assert all(norm == pytest.approx(0.01, rel=1e-3) for norm in norms)
    assert all(gradient > 0.01 for gradient in reported)


def test_reported_rate_equals_that_of_the_optimizer(initial: Initial, train: Train) -> None:
    settings = OptimizerConfig(lr=0.01, warmup=2, decay="cosine")
    state = initial("class-unet", settings)
    for step in train(state, 5, settings):
        assert step.rate == settings.rate(step.number, LRDecay(5).remaining_at(step.number))
        assert all(group["lr"] == step.rate for group in state.optimizer.param_groups)


def test_progress_sums_the_reported_losses(initial: Initial, train: Train) -> None:
    state = initial()
    losses = [step.loss for step in train(state, 5)]
    assert state.progress.loss_count == 5
    assert state.progress.loss_sum == pytest.approx(sum(losses))


def test_training_lowers_the_validation_loss(digits: Dataset, initial: Initial, train: Train) -> None:
    settings = OptimizerConfig(lr=3e-3)
    state = initial("class-unet", settings)
    measured = ValidationSet.of(digits, Split.of(len(digits)).validation, GOOD, True)

    def loss() -> float:
        return measured.loss(NetDenoiser(state.ema_net, Target("v", 0.6)), torch.device("cpu")).mean

    before = loss()
    list(train(state, 80, settings))
    assert loss() < 0.8 * before


def test_both_muon_rates_follow_the_decay(initial: Initial, train: Train) -> None:
    optimizer = OptimizerConfig("muon", lr=1e-3, inner_lr=0.02, decay="linear")
    state = initial(optimizer=optimizer)
    # Step 3 of 4 has half of the decay ahead.
    list(train(state, 3, optimizer, planned=4))
    rates = {group["muon"]: group["lr"] for group in state.optimizer.param_groups}
    assert rates == pytest.approx({True: 0.01, False: 5e-4})
