"""The training loop, a generator: one batch, one loss, one optimizer step, one EMA update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from inkwash.core import NetDenoiser
from inkwash.distributed.process_group import SINGLE_PROCESS, MainProcessError, ProcessGroup
from inkwash.errors import InkwashError
from inkwash.optim.optimizers import OptimizerConfig
from inkwash.training import ema
from inkwash.training.batches import Batches
from inkwash.training.events import Step
from inkwash.training.state import State

Objective = Callable[[NetDenoiser, Tensor, Tensor | None, Tensor, Tensor], Tensor]


def steps(
    state: State,
    denoiser: NetDenoiser,
    objective: Objective,
    batches: Batches,
    optimizer: OptimizerConfig,
    half_life: float,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> Iterator[Step]:
    """Train up to the last step of the state's horizon and yield after each step.

    `denoiser` wraps the state's network, or its DistributedDataParallel wrapper when there are several processes; each
    of them computes the gradient of its shard of the batch. `half_life` of the EMA is in steps. Raises `InkwashError`
    for a loss or gradient that is not finite, before the state is changed.
    """
    parameters = [p for p in state.net.parameters() if p.requires_grad]
    while state.progress.step < state.horizon.total:
        number = state.progress.step + 1
        state.net.train()
        rate = optimizer.rate(number, state.horizon.remaining_at(number))
        for group in state.optimizer.param_groups:
            group["lr"] = rate * group.get("times", 1.0)
        loss, gradient = _gradient(
            state, denoiser, objective, batches, parameters, number, optimizer.clip, process_group
        )
        state.consistent = False
        state.optimizer.step()
        state.optimizer.zero_grad()
        keep = ema.decay(half_life, number)
        ema.update(state.ema, state.net, keep)
        progress = state.progress
        progress.step, progress.start_left = number, progress.start_left * keep
        progress.loss_sum, progress.loss_count = progress.loss_sum + loss, progress.loss_count + 1
        state.consistent = True
        yield Step(number, loss, rate, gradient)


def _gradient(
    state: State,
    denoiser: NetDenoiser,
    objective: Objective,
    batches: Batches,
    parameters: list[nn.Parameter],
    number: int,
    clip: float,
    process_group: ProcessGroup,
) -> tuple[float, float]:
    batch = batches(number, process_group.shard(batches.size))
    loss = objective(denoiser, batch.images, batch.labels, batch.u, batch.noise).mean()
    if not process_group.is_single:
        # DistributedDataParallel averages over processes, whose shards may differ in size by one example.
        loss = loss * (len(batch.u) * process_group.world_size / batches.size)
    process_group.backward(loss)
    norm = torch.nn.utils.clip_grad_norm_(parameters, clip or math.inf)
    # One reduction for both: a number that is not finite in one process stops all of them at this step.
    loss, broken = (
        process_group.all_reduce(torch.stack([loss.detach(), (~torch.isfinite(norm)).to(loss)]))
        / process_group.world_size
    )
    if broken or not torch.isfinite(loss):
        state.optimizer.zero_grad()
        if not process_group.is_main:
            raise MainProcessError("the main process prints the reason", InkwashError.exit_code)
        raise InkwashError(
            f"the loss or its gradient is not finite at step {number}: the last checkpoint is kept; "
            "start a new run with a lower --set optimizer.lr, or with --set optimizer.clip=1.0",
            code="non-finite",
        )
    return loss.item(), norm.item()
