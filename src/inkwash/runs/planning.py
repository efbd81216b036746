"""Minutes become steps: a run in small tells what steps, measurements and pictures cost on this machine."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from inkwash import recipe
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.ranks import ALONE, Ranks
from inkwash.recipe import Recipe
from inkwash.runs.course import Course
from inkwash.runs.folder import RunFolder
from inkwash.training.lengths import MOST, Length
from inkwash.training.loop import Objective, Step

FIRST_STEPS = 2
"""Steps, each measured and drawn, of which only the last tells of later ones: the first pays for imports and buffers."""
TIMED_SHARE, TIMED_STEPS, TIMED_SECONDS = 0.02, 8, 6.0
"""How long steps are timed: this share of the minutes, at least so many steps, at most about so many seconds."""
FEWEST_STEPS = 10
"""Steps below which a length in minutes is refused: what comes of them is noise."""
RESERVE = 0.92
"""The share of the time left that is planned: machines slow down at long work, by 6 % where this was measured."""
PAUSED = 0.25
"""The share of the planned time that measurements and pictures may take at most."""


@dataclass(frozen=True)
class Costs:
    """Seconds that a run takes: `once` before its first step, each `step`, each `pause` to measure, draw and save.

    `images` it learns from.
    """

    once: float
    step: float
    pause: float
    images: int


def planned(
    chosen: Recipe,
    data: Dataset,
    seconds: float,
    device: torch.device,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    since: float | None = None,
    ranks: Ranks = ALONE,
) -> Recipe:
    """Return `chosen` with the steps that fit into `seconds` on this machine, with their measurements and pictures.

    The seconds count from the moment `since` of time.perf_counter, by default now. Several `ranks` plan together, and go
    by the clock of the first. Where an epoch is only a few steps, as with a folder of some pictures, measuring after each
    would leave no time to train: measurements are then thinned out to a quarter of the time. Raises `UsageError` when what
    is left is no training.
    """
    begun = time.perf_counter() if since is None else since
    found = costs(chosen, data, seconds, device, net, objective, ranks)
    spent = float(ranks.tell(repr(time.perf_counter() - begun))) + found.once
    left = (seconds - spent) * RESERVE
    if left < FEWEST_STEPS * found.step + found.pause:
        needed = (spent + (FEWEST_STEPS * found.step + found.pause) / RESERVE) / 60
        raise UsageError(
            f"{seconds / 60:.2g} minutes are over before {FEWEST_STEPS} steps are done: starting, measuring and pictures take "
            f"{spent + found.pause:.0f} seconds here, a step {found.step:.2g}; "
            f"give at least {math.ceil(10 * needed) / 10:g} minutes, or --steps"
        )
    batch, guess = chosen.training.batch, max(1, int(min(left / found.step, MOST)))
    every = Length.parse(chosen.training.checkpoint_every).steps(batch, found.images)
    milestones = chosen.milestones.names(guess, batch, found.images)
    # counted and not listed: of a year of minutes there are too many
    pauses = (guess - 1) // every + 1 + sum(step % every > 0 and step < guess for step in milestones)
    most = max(1, int(min(left * PAUSED / found.pause, MOST)))
    if pauses > most:
        rare = f"{math.ceil(guess / most)} steps"
        thinned = replace(chosen.training, checkpoint_every=rare, milestones=(f"every {rare}",))
        chosen, paused = replace(chosen, training=thinned), max(left * PAUSED, found.pause)
    else:
        paused = pauses * found.pause
    # what is more than MOST is refused where it is counted
    return recipe.with_length(chosen, Length(max(1, int(min((left - paused) / found.step, 2 * MOST))), "steps"))


def costs(
    chosen: Recipe,
    data: Dataset,
    seconds: float,
    device: torch.device,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    ranks: Ranks = ALONE,
) -> Costs:
    """Return what a run of about so many `seconds` costs: a few steps of it are run and thrown away.

    Several `ranks` run them together, and the first tells what it has measured.
    """
    often = replace(
        chosen.training, length=f"{FIRST_STEPS} steps", checkpoint_every="1 steps", milestones=("every 1 steps",)
    )
    with TemporaryDirectory() as place:
        folder = RunFolder.create(Path(place) / "small")
        small = Course(replace(chosen, training=often), data, folder, device, copy.deepcopy(net), objective, ranks)
        moments = [time.perf_counter()]
        for event in small.events():
            if isinstance(event, Step):
                moments.append(time.perf_counter())
        once, pause = moments[1] - moments[0], time.perf_counter() - moments[-1]
        small.total = int(1e9)
        step = _pace(small.loop(), min(TIMED_SHARE * seconds, TIMED_SECONDS), ranks)
    once, step, pause = json.loads(ranks.tell(json.dumps([once, step, pause])))
    return Costs(once, step, pause, len(small.batches.split.train))


def _pace(loop: Iterator[Step], seconds: float, ranks: Ranks) -> float:
    """Return the seconds of a step, the mean over about so many `seconds`: what holds steps up will do so again."""
    next(loop)
    begun, done = time.perf_counter(), 0
    # the clocks of several differ: they stop after the same step
    while ranks.any(done < TIMED_STEPS or time.perf_counter() - begun < seconds):
        next(loop)
        done += 1
    return (time.perf_counter() - begun) / done
