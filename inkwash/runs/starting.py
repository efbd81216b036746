"""Starting a run, and going on with one."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from inkwash import data as datasets
from inkwash import hardware, recipe
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.files import write_text
from inkwash.recipe import Recipe
from inkwash.runs.course import Course
from inkwash.runs.folder import RunFolder
from inkwash.training.lengths import Length
from inkwash.training.loop import Objective

WARM_UP_STEPS, TIMED_STEPS = 3, 8
FEWEST_STEPS = 10
"""Steps below which a length in minutes is refused: what comes of them is noise."""
RESERVE = 0.97
"""The share of the minutes that is planned, for what a measurement of a few steps cannot see."""
PAUSED = 0.25
"""The share of the planned time that measurements and pictures may take at most."""


def is_run(what: str | Path) -> bool:
    """Return whether `what` means a run folder; a bundled recipe's name wins over a folder so called."""
    return str(what) not in recipe.bundled() and (Path(what) / "recipe.toml").is_file()


def start(
    chosen: Recipe,
    data: str | Path | Dataset | None = None,
    out: str | Path | None = None,
    device: torch.device | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
) -> Course:
    """Return a new run's course, its resolved recipe written into the run folder.

    `data` is a name, a path or a loaded set, by default the recipe's; `out` by default runs/NAME-1 or the next
    free number; `net` replaces the recipe's network, `objective` its loss. A length in minutes is measured here and
    becomes steps. Raises `UsageError` or `InkwashError` for what cannot be trained or written.
    """
    device = device or hardware.device()
    loaded = _loaded(chosen, data)
    spec = str(data) if isinstance(data, str | Path) else (chosen.data.name if data is None else loaded.name)
    chosen = replace(chosen, data=replace(chosen.data, name=spec))
    if net is not None:
        chosen = replace(chosen, network=replace(chosen.network, kind=type(net).__name__, options={}))
    folder = RunFolder.free(out or RunFolder.next_free(chosen.name))
    length = Length.parse(chosen.training.length)
    if length.unit == "minutes":
        chosen = planned(chosen, loaded, length.amount * 60, device, net, objective)
    course = Course(chosen, loaded, folder, device, net, objective)
    # made only now, so that a recipe that does not fit its data leaves no empty folder behind
    RunFolder.create(folder.path)
    write_text(folder.recipe, chosen.to_toml())
    return course


def go_on(
    path: str | Path,
    data: str | Path | Dataset | None = None,
    length: Length | None = None,
    device: torch.device | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
) -> Course:
    """Return the course of the run folder `path` from its latest checkpoint on, up to its own length or a new one.

    Raises `UsageError` when `path` is no run folder or has nothing left to do, `InkwashError` when its checkpoint
    is damaged or does not fit.
    """
    folder = RunFolder.open(path)
    written = Recipe.from_dict(folder.written_recipe(), net_known=net is None)
    planned_before = Length.parse(written.training.length)
    if length is not None:
        if length.unit == "minutes":
            raise UsageError("a run goes on by --steps, --epochs or --images: minutes are planned at its start only")
        written = recipe.with_length(written, length)
    course = Course(written, _loaded(written, data), folder, device or hardware.device(), net, objective)
    course.planned = planned_before.steps(written.training.batch, len(course.batches.split.train))
    if folder.latest.is_file():
        course.take_up()
    else:
        folder.forget_after(0)
    done = course.state.progress.step
    if done >= course.total:
        raise UsageError(f"{path} is complete at step {done:,}: give a longer --steps, --epochs or --images to go on")
    if length is not None:
        write_text(folder.recipe, written.to_toml())
    return course


def changed_rate(course: Course) -> str | None:
    """Say what a new total does to the learning rate of a run that was planned for another; None when nothing."""
    optimizer, step, before = course.recipe.optimizer, course.state.progress.step + 1, course.planned
    if optimizer.decay == "none" or before == course.total:
        return None
    old, new = optimizer.rate(step, before), optimizer.rate(step, course.total)
    return (
        f"the learning rate decays over the whole run: at step {step:,} it is {new:.3g} on the course of "
        f"{course.total:,} steps, and would have been {old:.3g} on that of {before:,}; "
        "the run differs from one that was planned this long from its start"
    )


def planned(
    chosen: Recipe,
    data: Dataset,
    seconds: float,
    device: torch.device,
    net: nn.Module | None = None,
    objective: Objective | None = None,
) -> Recipe:
    """Return `chosen` with the steps that fit into `seconds` on this machine, with their measurements and pictures.

    Times a few steps, one measurement and one picture on a state that is then thrown away. Where an epoch is only a
    few steps, as with a folder of some pictures, measuring after each would leave no time to train: they are then
    thinned out to a quarter of the time. Raises `UsageError` when what is left is no training.
    """
    import copy

    begun = time.perf_counter()
    with TemporaryDirectory() as place:
        probe = Course(
            recipe.with_length(chosen, Length(WARM_UP_STEPS + TIMED_STEPS, "steps")),
            data,
            RunFolder.create(Path(place) / "probe"),
            device,
            copy.deepcopy(net),
            objective,
        )
        moments = [time.perf_counter() for _ in probe.loop()]
        once = time.perf_counter()
        probe.measure_floor()
        once = time.perf_counter() - once
        pause = time.perf_counter()
        probe.measure()
        probe.draw_milestone(Path(place) / "probe.png")
        pause = time.perf_counter() - pause
    # the median of single steps, because other work on the machine only ever makes them longer
    spans = sorted(b - a for a, b in zip(moments[WARM_UP_STEPS - 1 :], moments[WARM_UP_STEPS:], strict=False))
    step = spans[len(spans) // 2]
    spent = once + time.perf_counter() - begun
    left = (seconds - spent) * RESERVE
    if left < FEWEST_STEPS * step + pause:
        needed = (spent + (FEWEST_STEPS * step + pause) / RESERVE) / 60
        raise UsageError(
            f"{seconds / 60:.2g} minutes are over before {FEWEST_STEPS} steps are done: measuring and pictures take "
            f"{spent + pause:.0f} seconds here, a step {step:.2g}; give at least {math.ceil(10 * needed) / 10:g} minutes, "
            "or --steps"
        )
    batch, count = chosen.training.batch, len(probe.batches.split.train)
    guess = max(1, int(left / step))
    pauses = set(chosen.milestones.names(guess, batch, count)) | set(range(probe.every, guess, probe.every))
    most = max(1, int(left * PAUSED / pause))
    if len(pauses) > most:
        rare = f"{max(1, guess // most)} steps"
        thinned = replace(chosen.training, checkpoint_every=rare, milestones=(f"every {rare}",))
        return recipe.with_length(
            replace(chosen, training=thinned), Length(max(1, int(left * (1 - PAUSED) / step)), "steps")
        )
    return recipe.with_length(chosen, Length(max(1, int((left - len(pauses) * pause) / step)), "steps"))


def _loaded(chosen: Recipe, data: str | Path | Dataset | None) -> Dataset:
    if isinstance(data, Dataset):
        return data.resized(chosen.data.size)
    return datasets.load(data if data is not None else chosen.data.name, chosen.data.size)
