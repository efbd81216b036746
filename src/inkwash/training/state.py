"""The training state: network, EMA network, optimizer and progress. A step depends on no other mutable value."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from inkwash.errors import InkwashError
from inkwash.io.checkpoints import Checkpoint
from inkwash.optim.optimizers import LRDecay


@dataclass
class TrainingProgress:
    """The numbers of a training state: steps done, weight of the initial parameters in the EMA, sum of unlogged losses.

    `best` is the lowest validation loss so far; `decay_start` and `decay_remaining` are `start` and `remaining` of the last
    `LRDecay`.
    """

    step: int = 0
    start_left: float = 1.0
    loss_sum: float = 0.0
    loss_count: int = 0
    best: float = math.inf
    decay_start: int = 0
    decay_remaining: float = 1.0


@dataclass
class TrainingState:
    """The network in training, its EMA, the optimizer, the progress, and the number of the last step, `total_steps`.

    `consistent` is False during a step or its validation, when the state must not be saved.
    """

    net: nn.Module
    ema_net: nn.Module
    optimizer: torch.optim.Optimizer
    progress: TrainingProgress = field(default_factory=TrainingProgress)
    total_steps: int = 0
    consistent: bool = True

    @property
    def lr_decay(self) -> LRDecay:
        """The decay of the learning rate up to the last step."""
        return LRDecay(self.total_steps, self.progress.decay_start, self.progress.decay_remaining)

    @lr_decay.setter
    def lr_decay(self, new: LRDecay) -> None:
        self.total_steps, self.progress.decay_start, self.progress.decay_remaining = new.total, new.start, new.remaining

    @classmethod
    def initial(cls, net: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState:
        """Return the state before the first step; the EMA starts as a copy of `net`."""
        return cls(net, copy.deepcopy(net).eval().requires_grad_(False), optimizer)

    def tensors(self) -> dict[str, Tensor]:
        """Return copies of all tensors on the CPU by flat names, for a checkpoint."""
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.ema_net.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{slot}": torch.as_tensor(value) for slot, value in slots.items()}
        return {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}

    def header(self) -> dict[str, Any]:
        """Return the progress as plain values; `best` is None before the first validation."""
        best = self.progress.best
        return vars(self.progress) | {"best": None if math.isinf(best) else best}

    def restore(self, checkpoint: Checkpoint, source: str) -> None:
        """Load `checkpoint`. Raises `InkwashError`, naming `source`, when it is of another network or optimizer."""
        if not checkpoint.part("optimizer") and checkpoint.header.get("progress", {}).get("step"):
            text = f"{source} has weights but no optimizer state: it can be sampled from, not trained further"
            raise InkwashError(text, code="unsupported")
        try:
            self.net.load_state_dict(checkpoint.part("net"))
            self.ema_net.load_state_dict(checkpoint.part("average"))
            slots: dict[int, dict[str, Tensor]] = {}
            for name, value in checkpoint.part("optimizer").items():
                index, _, slot = name.partition(".")
                slots.setdefault(int(index), {})[slot] = value
            parameters: list[Tensor] = [p for group in self.optimizer.param_groups for p in group["params"]]
            for position, values in slots.items():
                # Fused optimizers need each slot in the memory layout of its parameter.
                like = parameters[position]
                values |= {n: torch.empty_like(like).copy_(v) for n, v in values.items() if v.shape == like.shape}
            groups = self.optimizer.state_dict()["param_groups"]
            self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            reason = " ".join(str(error).split())[:160]
            message = f"{source} is of another recipe or network ({reason}): undo the change in recipe.toml, or start a new run"
            raise InkwashError(message, code="mismatch") from None
        saved = checkpoint.header["progress"]
        self.progress = TrainingProgress(**(saved | {"best": math.inf if saved["best"] is None else saved["best"]}))
