"""Resume a run from the latest checkpoint of its folder, up to its own length or a new one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe, with_length
from inkwash.data import DataSource
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.io import checkpoints
from inkwash.io.atomic import write_text
from inkwash.optim.optimizers import LRDecay
from inkwash.runs.folder import RunFolder
from inkwash.runs.run import Run
from inkwash.training.loop import Objective
from inkwash.training.trainer import Trainer


def resume(
    path: str | Path,
    data: DataSource | None = None,
    length: Length | None = None,
    device: torch.device | str = "auto",
    net: nn.Module | None = None,
    objective: Objective | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
    since: float | None = None,
    allow_complete: bool = False,
) -> Run:
    """Return the run in the folder `path` at its latest checkpoint, with a new `length` if one is given.

    The other arguments are those of `Trainer`. Raises `UsageError` when `path` is not a run folder, and when the run is
    complete unless `allow_complete`, `InkwashError` when its checkpoint is damaged or does not fit.
    """
    since = time.perf_counter() if since is None else since
    with process_group.main_first():
        folder = RunFolder.open(path)
        written = _written_recipe(folder, check_network_options=net is None)
        if written.distillation is not None and objective is None and not folder.teacher.is_file():
            message = (
                f"{folder.teacher} is missing, the model that this run distills: restore the file, or start a new run"
            )
            raise InkwashError(message, code="missing-file", field="run")
        try:
            trainer = Trainer(
                written if length is None else with_length(written, length),
                data,
                net=net,
                objective=objective,
                pretrained=folder.teacher if folder.teacher.is_file() else None,
                device=device,
                process_group=process_group,
                since=since,
            )
        except UsageError as error:
            if data is not None or (error.code, error.field) != ("missing-file", "data"):
                raise
            # The data may have been moved, or have been an object of Python.
            raise UsageError(
                f"the data of {path}, '{written.data.name}', are not found: give those that it was trained on, by --data or in "
                "Python by data=",
                code="missing-file",
                field="data",
            ) from error
        run = Run(trainer, folder)
        if checkpoints.files_in(folder.checkpoints):
            run.restore()
        elif run.is_main:
            folder.truncate_metrics(0)
        if trainer.complete and allow_complete:
            return run
        if trainer.complete:
            raise UsageError(
                f"{path} is complete at step {trainer.state.progress.step:,}: "
                "give --minutes, or a longer --steps, --epochs or --images to train further",
                code="no-effect",
                field="length",
            )
        _set_lr_decay(run, Length.parse(written.training.length), length)
        if length is not None and run.is_main:
            write_text(folder.recipe, trainer.recipe.to_toml())
    return run


def _written_recipe(folder: RunFolder, check_network_options: bool) -> Recipe:
    try:
        return Recipe.from_dict(folder.read_recipe(), check_network_options=check_network_options)
    except UsageError as error:
        raise UsageError(f"{folder.recipe}: {error}", code=error.code, field=error.field) from None


def _set_lr_decay(run: Run, before: Length, length: Length | None) -> None:
    """Set the decay of the learning rate for the remaining steps, where `length` replaces the length `before`."""
    trainer, state = run.trainer, run.trainer.state
    if before.unit != "minutes":
        total = before.steps(trainer.recipe.training.batch, trainer.num_images)
        run.previous_lr_decay = replace(state.lr_decay, total=total)
    if trainer.time_budget is not None:
        # The decay is that of a run which was given the time before and the new time at its start.
        seconds = trainer.time_budget.seconds
        remaining = seconds / (seconds + run.seconds_before())
        state.lr_decay = LRDecay(state.total_steps, state.progress.step, remaining)
    elif length is not None:
        state.lr_decay = LRDecay(state.total_steps)


def learning_rate_change(run: Run) -> str | None:
    """Return what a new length changes in the learning rate of a resumed run, None when nothing."""
    trainer = run.trainer
    optimizer, step = trainer.recipe.optimizer, trainer.state.progress.step + 1
    before, now = run.previous_lr_decay, trainer.state.lr_decay
    if optimizer.decay == "none" or before is None or before == now:
        return None
    old, new = (optimizer.rate(step, decay.remaining_at(step)) for decay in (before, now))
    return (
        f"the learning rate decays over the length of the run: at step {step:,} it is {new:.3g} with "
        f"{trainer.recipe.training.length}, and was to be {old:.3g} with {Length(before.total, 'steps')}; "
        "the result differs from a run that had the new length from its start"
    )


def process_count_change(run: Run) -> str | None:
    """Return what another number of processes than in the session before changes in a run, None when nothing."""
    before = next((session.get("processes") for session in reversed(run.folder.sessions())), None)
    now = run.trainer.process_group.world_size
    if before in (None, now):
        return None
    return (
        f"this run was trained by {_processes(before)}, and now by {_processes(now)}: batches stay the same, but sums are "
        "ordered differently, so that the last digits change"
    )


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"
