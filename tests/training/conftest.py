"""Small networks, and the loop that trains them on 200 digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from inkwash.core import Cosine, NetDenoiser, Target
from inkwash.data import Dataset
from inkwash.hardware import devices
from inkwash.nets import NETS
from inkwash.objectives import Denoising
from inkwash.optim.optimizers import LRDecay, OptimizerConfig
from inkwash.training.batches import Batches
from inkwash.training.events import Step
from inkwash.training.loop import TrainingLoop
from inkwash.training.state import TrainingState

CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "class-unet": {"widths": (8, 16), "dim": 16},
    "batchnorm-unet": {"base": 8, "dim": 16},
    "simple-unet": {"base": 8},
}


@pytest.fixture
def initial() -> Callable[..., TrainingState]:
    """`initial(kind, optimizer, classes)` is a state before its first step, always with the same weights."""

    def build(kind: str = "class-unet", optimizer: OptimizerConfig | None = None, classes: int = 10) -> TrainingState:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = devices.to_device(NETS[kind](1, classes, **SMALL[kind]), CPU)
        return TrainingState.initial(net, (optimizer or OptimizerConfig()).build(net.parameters()))

    return build


@pytest.fixture
def train(digits: Dataset) -> Callable[..., Iterator[Step]]:
    """`train(state, total, ...)` is the loop over small batches of the digits up to step `total`."""

    def run(
        state: TrainingState,
        total: int,
        optimizer: OptimizerConfig | None = None,
        objective: Any = None,
        half_life: float = 4.0,
        planned: int | None = None,
    ) -> Iterator[Step]:
        denoiser = NetDenoiser(state.net, Target("v", 0.6))
        state.lr_decay = LRDecay(planned or total)
        batches = Batches(digits, 8, 0, True, 0.1, CPU)
        objective = objective or Denoising(Cosine())
        for step in TrainingLoop(state, denoiser, objective, batches, optimizer or OptimizerConfig(), half_life):
            yield step
            if step.number == total:
                return

    return run
