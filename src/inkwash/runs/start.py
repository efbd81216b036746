"""Starting a run, and going on with one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from inkwash import data as datasets
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset, Progress
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.io import checkpoints
from inkwash.io.atomic import write_text
from inkwash.optim.horizon import Horizon
from inkwash.runs.checkpointing import CheckpointSchedule
from inkwash.runs.folder import RunFolder
from inkwash.runs.training_run import Run
from inkwash.training.loop import Objective


def is_run(what: str | Path) -> bool:
    """Return whether `what` means a run folder; a bundled recipe's name wins over a folder so called."""
    return str(what) not in recipe.bundled() and (Path(what) / "recipe.toml").is_file()


def is_ours(path: str | Path, process_group: ProcessGroup) -> bool:
    """Return whether the run folder `path` was made by this launch of torchrun, as the first of `process_group` sees it."""
    note = RunFolder(Path(path)).launch
    own = (
        process_group.is_main
        and process_group.launch
        and note.is_file()
        and note.read_text(encoding="utf-8") == process_group.launch
    )
    return process_group.any(bool(own))


def start(
    chosen: Recipe,
    data: str | Path | Dataset | None = None,
    out: str | Path | None = None,
    device: torch.device | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    since: float | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
    reading: Progress | None = None,
) -> Run:
    """Return a new run's course, its resolved recipe written into the run folder.

    `data` is a name, a path or a loaded set, by default the recipe's; `out` by default runs/NAME-1 or the next
    free number; `net` replaces the recipe's network, `objective` its loss. On data without labels the network hears
    none. Several `process_group` start a run together: the first finds out whether it can be, and writes. A length in minutes
    counts from the moment `since` of time.perf_counter, by default now. `reading(what, share)` hears of data that takes
    time to read. Raises `UsageError` or `InkwashError` for what cannot be trained
    or written.
    """
    since = time.perf_counter() if since is None else since
    device = device or devices.device()
    with process_group.main_first():
        loaded = _loaded(chosen, data, reading)
        folder = RunFolder.free(out or RunFolder.next_free(chosen.name))
    folder = RunFolder(Path(process_group.broadcast(str(folder.path))))
    chosen = _fitted(chosen, data, loaded, net)
    with process_group.main_first():
        course = Run(chosen, loaded, folder, device, net, objective, process_group, since)
        # made only now, so that a recipe that does not fit its data leaves no empty folder behind
        if process_group.is_main:
            RunFolder.create(folder.path)
            if process_group.launch:
                write_text(folder.launch, process_group.launch)
            write_text(folder.recipe, chosen.to_toml())
    return course


def _fitted(chosen: Recipe, data: str | Path | Dataset | None, loaded: Dataset, net: nn.Module | None) -> Recipe:
    """Return the recipe with the data's name as it was given, classes as they are there, and the caller's own network."""
    spec = str(data) if isinstance(data, str | Path) else (chosen.data.name if data is None else loaded.name)
    meant, chosen = chosen.data.name, replace(chosen, data=replace(chosen.data, name=spec))
    if loaded.name != meant and chosen.experiment.objective:
        # a card of pictures of leaves does not speak of digits as if it meant them
        aim = f"{chosen.experiment.objective} (The recipe's words, for {meant}; this run is on {loaded.name}.)"
        chosen = replace(chosen, experiment=replace(chosen.experiment, objective=aim))
    chosen = chosen.suiting(loaded.classes)
    if net is not None:
        chosen = replace(chosen, network=replace(chosen.network, kind=type(net).__name__, options={}))
    return chosen


def resume(
    path: str | Path,
    data: str | Path | Dataset | None = None,
    length: Length | None = None,
    device: torch.device | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
    since: float | None = None,
) -> Run:
    """Return the course of the run folder `path` from its latest checkpoint on, up to its own length or a new one.

    A `length` in minutes counts from the moment `since` of time.perf_counter, by default now. Several `process_group` go on
    together. Raises `UsageError` when `path` is no run folder or has nothing left to do,
    `InkwashError` when its checkpoint is damaged or does not fit.
    """
    since = time.perf_counter() if since is None else since
    with process_group.main_first():
        return _taken_up(path, data, length, device, net, objective, process_group, since)


def _taken_up(
    path: str | Path,
    data: str | Path | Dataset | None,
    length: Length | None,
    device: torch.device | None,
    net: nn.Module | None,
    objective: Objective | None,
    process_group: ProcessGroup,
    since: float,
) -> Run:
    folder = RunFolder.open(path)
    try:
        written = Recipe.from_dict(folder.written_recipe(), net_known=net is None)
    except UsageError as error:
        raise UsageError(f"{folder.recipe}: {error}") from None
    before = Length.parse(written.training.length)
    if length is not None:
        written = recipe.with_length(written, length)
    loaded, place = _loaded(written, data), device or devices.device()
    course = Run(written, loaded, folder, place, net, objective, process_group, since)
    if checkpoints.kept(folder.checkpoints):
        course.take_up()
    elif process_group.is_main:
        folder.forget_after(0)
    done, state = course.state.progress.step, course.state
    if course.complete:
        raise UsageError(
            f"{path} is complete at step {done:,}: give --minutes, or a longer --steps, --epochs or --images to go on"
        )
    if before.unit != "minutes":
        total = before.steps(written.training.batch, len(course.batches.split.train))
        course.horizon_before = replace(state.horizon, total=total)
    if course.budget is not None:
        if done:
            past = CheckpointSchedule.of(written, done, len(course.batches.split.train))
            course.schedule = replace(course.schedule, milestones=past.milestones)
        # as in a run that was planned for both times from its start
        state.horizon = Horizon(
            state.total, done, course.budget.seconds / (course.budget.seconds + course.seconds_before())
        )
    elif length is not None:
        state.horizon = Horizon(state.total)
    if length is not None and process_group.is_main:
        write_text(folder.recipe, written.to_toml())
    return course


def changed_rate(course: Run) -> str | None:
    """Say what a new total does to the learning rate of a run that was planned for another; None when nothing."""
    optimizer, step = course.recipe.optimizer, course.state.progress.step + 1
    before, now = course.horizon_before, course.state.horizon
    if optimizer.decay == "none" or before in (None, now):
        return None
    old, new = (optimizer.rate(step, horizon.remaining_at(step)) for horizon in (before, now))
    return (
        f"the learning rate decays over the whole run: at step {step:,} it is {new:.3g} with a length of "
        f"{course.recipe.training.length}, and would have been {old:.3g} with {Length(before.total, 'steps')}; "
        "the run differs from one that was this long from its start"
    )


def changed_order(course: Run) -> str | None:
    """Say what another number of processes than in the session before does to a run; None when nothing."""
    before = next((session.get("processes") for session in reversed(course.folder.sessions())), None)
    now = course.process_group.world_size
    if before in (None, now):
        return None
    return (
        f"up to here {_processes(before)} trained this run, now {_processes(now)}: every batch is the same, its sums are "
        "ordered differently, so that the last digits are not those of a run that goes on as before"
    )


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _loaded(chosen: Recipe, data: str | Path | Dataset | None, reading: Progress | None = None) -> Dataset:
    if isinstance(data, Dataset):
        return data.resized(chosen.data.size)
    return datasets.load(data if data is not None else chosen.data.name, chosen.data.size, reading)
