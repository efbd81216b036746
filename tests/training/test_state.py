"""Saving and restoring training states: exact resume, and checkpoints that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from raised import raised

from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.optim.optimizers import OPTIMIZERS, OptimizerConfig
from inkwash.training.events import Step
from inkwash.training.state import TrainingState

Train = Callable[..., Iterator[Step]]
Initial = Callable[..., TrainingState]


def written(state: TrainingState, path: Path) -> Checkpoint:
    checkpoints.save(path, Checkpoint({"progress": state.header()}, state.tensors()))
    return checkpoints.load(path)


@pytest.mark.parametrize("net", ["class-unet", "batchnorm-unet", "simple-unet"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_ten_steps_equal_five_plus_restored_five_bit_for_bit(
    tmp_path: Path, net: str, kind: str, initial: Initial, train: Train
) -> None:
    settings = OptimizerConfig(kind, lr=3e-3, weight_decay=0.1, clip=1.0, warmup=2, decay="cosine")
    reference, first, second = initial(net, settings), initial(net, settings), initial(net, settings)
    run = list(train(reference, 10, settings))
    halves = list(train(first, 5, settings, planned=10))
    second.restore(written(first, tmp_path / "half.safetensors"), "half")
    halves += train(second, 10, settings)
    assert halves == run
    assert second.progress == reference.progress
    expected, found = reference.tensors(), second.tensors()
    assert set(found) == set(expected)
    assert not [name for name, value in found.items() if not torch.equal(value, expected[name])]
    one, other = (written(state, tmp_path / f"{k}.safetensors") for k, state in enumerate((reference, second)))
    assert one.header == other.header
    assert (tmp_path / "0.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()


def test_best_loss_is_restored_before_and_after_the_first_validation(
    tmp_path: Path, initial: Initial, train: Train
) -> None:
    state, other = initial(), initial()
    list(train(state, 1))
    other.restore(written(state, tmp_path / "a.safetensors"), "a")
    assert other.progress == state.progress
    state.progress.best = 0.25
    other.restore(written(state, tmp_path / "a.safetensors"), "a")
    assert other.progress.best == 0.25


@pytest.mark.parametrize("other", ["batchnorm-unet", "simple-unet"])
def test_checkpoint_of_another_network_is_refused(tmp_path: Path, other: str, initial: Initial, train: Train) -> None:
    state = initial(other)
    list(train(state, 1))
    error = raised(lambda: initial("class-unet").restore(written(state, tmp_path / "a.safetensors"), "runs/x"))
    assert error.code == "mismatch" and "runs/x" in str(error)


def test_unconditional_checkpoint_is_refused_by_a_conditional_network(
    tmp_path: Path, initial: Initial, train: Train
) -> None:
    state = initial(classes=0)
    list(train(state, 1))
    checkpoint = written(state, tmp_path / "a.safetensors")
    assert raised(lambda: initial(classes=10).restore(checkpoint, "runs/x")).code == "mismatch"


@pytest.mark.parametrize("kept", ["net.", "average."])
def test_checkpoint_without_optimizer_is_refused(kept: str, initial: Initial, train: Train) -> None:
    state = initial()
    list(train(state, 1))
    tensors = {name: value for name, value in state.tensors().items() if name.startswith(kept)}
    checkpoint = Checkpoint({"progress": state.header()}, tensors)
    assert raised(lambda: initial().restore(checkpoint, "published.safetensors")).code == "unsupported"


def test_ema_shares_no_memory_and_needs_no_gradient(initial: Initial) -> None:
    state = initial()
    assert not any(weight.requires_grad for weight in state.ema_net.parameters())
    assert not state.ema_net.training
    apart = {weight.data_ptr() for weight in state.net.parameters()}
    assert not apart & {weight.data_ptr() for weight in state.ema_net.parameters()}
