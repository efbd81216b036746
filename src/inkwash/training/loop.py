"""The training loop, a generator: one batch, one loss, one optimizer step, one EMA update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inkwash.core import NetDenoiser
from inkwash.distributed.process_group import SINGLE_PROCESS, MainProcessError, ProcessGroup
from inkwash.errors import InkwashError
from inkwash.optim.optimizers import OptimizerConfig
from inkwash.training import ema
from inkwash.training.batches import Batches
from inkwash.training.events import Step
from inkwash.training.state import TrainingState

Objective = Callable[[NetDenoiser, Tensor, Any, Tensor, Tensor], Tensor]
"""A loss of (denoiser, images, labels or `Condition` or None, u, noise) per example."""


@dataclass(frozen=True, eq=False)
class TrainingLoop:
    """An iterable that trains up to the last step of `state` and yields after each step.

    `denoiser` wraps the state's network, or its DistributedDataParallel wrapper when there are several processes; each
    of them computes the gradient of its shard of the batch. `half_life` of the EMA is in steps. Iterating raises
    `InkwashError` for a loss or gradient that is not finite, before the state is changed.
    """

    state: TrainingState
    denoiser: NetDenoiser
    objective: Objective
    batches: Batches
    optimizer: OptimizerConfig
    half_life: float
    process_group: ProcessGroup = SINGLE_PROCESS

    def __iter__(self) -> Iterator[Step]:
        state = self.state
        while state.progress.step < state.total_steps:
            # Read it at each step, because the consumer may restore a checkpoint, which replaces the progress.
            progress = state.progress
            number = progress.step + 1
            state.net.train()
            rate = self.optimizer.rate(number, state.lr_decay.remaining_at(number))
            for group in state.optimizer.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)
            loss, gradient_norm = self._backward(number)
            state.consistent = False
            state.optimizer.step()
            state.optimizer.zero_grad()
            decay = ema.decay(self.half_life, number)
            ema.update(state.ema_net, state.net, decay)
            progress.step, progress.start_left = number, progress.start_left * decay
            progress.loss_sum, progress.loss_count = progress.loss_sum + loss, progress.loss_count + 1
            state.consistent = True
            yield Step(number, loss, rate, gradient_norm)

    def _backward(self, number: int) -> tuple[float, float]:
        """Compute the gradient of step `number`; return the loss, and the norm of the gradient before clipping."""
        process_group = self.process_group
        batch = self.batches(number, process_group.shard(self.batches.size))
        loss = self.objective(self.denoiser, batch.images, batch.condition, batch.u, batch.noise).mean()
        if not process_group.is_single:
            # DistributedDataParallel averages over processes, whose shards may differ in size by one example.
            loss = loss * (len(batch.images) * process_group.world_size / self.batches.size)
        process_group.backward(loss)
        parameters = [p for p in self.state.net.parameters() if p.requires_grad]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.optimizer.clip or math.inf)
        # One reduction for both: a number that is not finite in one process stops all of them at this step.
        loss, not_finite = (
            process_group.all_reduce(torch.stack([loss.detach(), (~torch.isfinite(norm)).to(loss)]))
            / process_group.world_size
        )
        if not_finite or not torch.isfinite(loss):
            self.state.optimizer.zero_grad()
            if not process_group.is_main:
                raise MainProcessError("the main process prints the reason", InkwashError.exit_code)
            raise InkwashError(
                f"the loss or its gradient is not finite at step {number}: the last checkpoint is kept; "
                "start a new run with a lower --set optimizer.lr, or with --set optimizer.clip=1.0",
                code="non-finite",
            )
        return loss.item(), norm.item()
