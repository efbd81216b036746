"""A CUDA device samples and trains as the CPU does, up to rounding; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

import inkwash
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.model import Model
from inkwash.training.trainer import Trainer

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
DISTILLED = ("distillation={start=0.7}", "sampling.sampler=ddim:1", "sampling.preview=ddim:1")


@pytest.mark.parametrize("name", ["fast", "digits", "moons"])
def test_samples_equal_those_of_the_cpu(name: str) -> None:
    cpu, cuda = (
        inkwash.sample(inkwash.load(name, device=device), n=8, seed=3).images.astype(float)
        for device in ("cpu", "cuda")
    )
    assert np.abs(cpu - cuda).max() <= (1 if cpu.ndim > 2 else 1e-2)


@pytest.mark.parametrize("changes", [(), DISTILLED])
def test_training_equals_that_of_the_cpu(
    changes: tuple[str, ...], tiny: Callable[..., Recipe], untrained: Callable[..., Model], digits: Dataset
) -> None:
    cpu, cuda = (
        [step.loss for step in Trainer(tiny(*changes), digits, pretrained=untrained(), device=device).steps()]
        for device in ("cpu", "cuda")
    )
    assert len(cuda) == 6 and cuda[0] == pytest.approx(cpu[0], rel=1e-2)


def test_checkpoint_of_cuda_is_resumed_on_the_cpu(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    cuda, cpu = (Trainer(tiny(), digits, device=device) for device in ("cuda", "cpu"))
    list(cuda.steps())
    cpu.restore(cuda.checkpoint())
    assert cpu.ema_model.weights == cuda.ema_model.weights


def test_bfloat16_training_is_finite(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    steps = list(Trainer(tiny("training.precision=bfloat16"), digits, device="cuda").steps())
    assert len(steps) == 6 and all(np.isfinite(step.loss) for step in steps)
