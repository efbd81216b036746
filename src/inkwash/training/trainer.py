"""Training without files: a `Trainer` is an iterable of events, which `runs` writes into a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from inkwash import data as datasets
from inkwash import model
from inkwash.config import recipe as recipes
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import NetDenoiser, Target
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.hardware import devices
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.io.limits import MOST_STEPS
from inkwash.model import Model
from inkwash.objectives import Denoising
from inkwash.sampling.run import SampleBatch
from inkwash.training import checkpoint_schedule, preview
from inkwash.training.batches import Batches
from inkwash.training.checkpoint_schedule import CheckpointSchedule
from inkwash.training.compatibility import require_same_run, require_trainable
from inkwash.training.events import Measured, Planned, Step, TrainingEvent
from inkwash.training.loop import Objective, steps
from inkwash.training.state import State
from inkwash.training.time_budget import Plan, TimeBudget
from inkwash.training.validation import LossByNoiseLevel, Validator

LOG_EVERY = 10


class Trainer:
    """Training of a recipe on a data set, in memory: iterating trains and yields `Step`, `Measured` and `Planned`.

        trainer = Trainer("fast", "digits")
        for event in trainer:
            print(event)
        samples = inkwash.sample(trainer.ema)

    An iteration that is broken off can be followed by another one, which continues after the last step. `recipe` and
    `data` are values or names, `data` by default the recipe's. `net` replaces the recipe's network and `objective` its
    loss; the validation loss is always that of the recipe, so that runs can be compared. A length in minutes counts
    from the moment `since` of `clock`, by default now. Each process of a `process_group` has a trainer of its own.
    Raises `UsageError` when recipe, data and network do not fit each other.
    """

    def __init__(
        self,
        recipe: Recipe | str | Path,
        data: Dataset | str | Path | None = None,
        *,
        net: nn.Module | None = None,
        objective: Objective | None = None,
        device: torch.device | str = "auto",
        process_group: ProcessGroup = SINGLE_PROCESS,
        since: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        recipe = recipe if isinstance(recipe, Recipe) else recipes.load(recipe)
        self.data = datasets.load(recipe.data.name if data is None else data, recipe.data.size)
        recipe = recipe.for_classes(self.data.classes)
        if net is not None:
            recipe = replace(recipe, network=replace(recipe.network, kind=type(net).__name__, options={}))
        self.recipe = self.requested = recipe
        self.device = devices.device(device) if isinstance(device, str) else device
        self.process_group, self.clock, self.stopping = process_group, clock, False
        self.spec = DatasetSpec.of(self.data, recipe.data.std)
        training, self.conditional = recipe.training, recipe.network.conditional
        process_group.shard(training.batch)
        self.batches = Batches(
            self.data, training.batch, training.seed, self.conditional, training.label_dropout, self.device
        )
        self.half_life = Length.parse(training.ema, "training.ema").steps(training.batch, self.images, "training.ema")
        self.denoising = Denoising(
            recipe.schedule, recipe.density, recipe.weight, recipe.clip, training.guidance, training.guidance_interval
        )
        self.objective = objective or self.denoising
        self.target = Target(recipe.target, self.spec.data_std)
        self.precision = devices.precision(training.precision, self.device)
        self.validator = Validator(self.batches, self.denoising, self.target, self.precision, process_group)
        net = net if net is not None else model.build_net(recipe, self.spec)
        net = devices.lay_out(model.check_forward(net, self.spec), self.device)
        require_trainable(recipe, self.spec, net, process_group)
        self.state = State.fresh(net, recipe.optimizer.build(net.parameters()))
        self.budget: TimeBudget | None = None
        length = Length.parse(training.length)
        if length.unit == "minutes":
            self.budget = TimeBudget(60 * length.amount, since, clock)
            CheckpointSchedule.of(recipe, 1, self.images)  # raises for unreadable lengths now, not at the first plan
            self.schedule, self.state.total = CheckpointSchedule(MOST_STEPS, {}), MOST_STEPS
        else:
            self.state.total = length.steps(training.batch, self.images)
            self.schedule = CheckpointSchedule.of(recipe, self.state.total, self.images)
        self._statistics_step: int | None = None

    @property
    def images(self) -> int:
        """The number of examples that are trained on, without those of the validation set."""
        return len(self.batches.split.train)

    @property
    def total(self) -> int | None:
        """The last step; None before the first plan of a length in minutes."""
        return None if self.budget is not None and not self.budget.planned else self.state.total

    @property
    def complete(self) -> bool:
        """Whether the last step is done."""
        return self.state.progress.step >= self.state.total

    @property
    def ema(self) -> Model:
        """The EMA network as a model to sample from."""
        self._update_statistics()
        weights = checkpoints.digest(self.state.ema.state_dict())
        return Model(self.recipe.name, self.recipe, self.spec, self.state.ema, self.state.progress.step, weights)

    def stop(self) -> None:
        """End the iteration after the current step, in all processes after the same one."""
        self.stopping = True

    def __iter__(self) -> Iterator[TrainingEvent]:
        """Train up to the last step; yield every step, validation and plan."""
        if self.budget is not None:
            self.budget.begin(self.state.progress.step)
        for step in self.steps():
            if self._plan_due(step.number):
                yield from self._plan(step.number)
            yield step._replace(mean_loss=self._mean_loss(step.number))
            if self.schedule.includes(step.number):
                yield from self._measure(step.number)
            self.stopping = self.process_group.any(self.stopping)
            if self.stopping:
                return

    def steps(self) -> Iterator[Step]:
        """Train up to the last step without validation and planning."""
        return steps(
            self.state,
            self._denoiser,
            self.objective,
            self.batches,
            self.recipe.optimizer,
            self.half_life,
            self.process_group,
        )

    def validate(self) -> LossByNoiseLevel:
        """Return the loss of the EMA network on the validation set by noise level."""
        self._update_statistics()
        return self.validator.loss(self.state.ema)

    def preview(self) -> SampleBatch:
        """Sample from the EMA model, always from the same seeds: see `training.preview`."""
        return preview.preview(self.ema, self.process_group)

    def checkpoint(self) -> Checkpoint:
        """Return the complete state: training restored from it continues bit for bit."""
        self._update_statistics()
        # The data set's own name replaces the path that the user gave: equal runs make equal files in every folder.
        recipe = replace(self.recipe, data=replace(self.recipe.data, name=self.spec.data))
        header = {
            "recipe": recipe.to_dict(),
            "facts": self.spec.to_dict(),
            "progress": self.state.header(),
            "total": self.total,
        }
        return Checkpoint(header, self.state.tensors())

    def restore(self, checkpoint: Checkpoint | str | Path, source: str = "the checkpoint") -> None:
        """Continue from `checkpoint`, a value or a file. Raises `InkwashError`, naming `source`, when it does not fit."""
        if not isinstance(checkpoint, Checkpoint):
            source, checkpoint = str(checkpoint), checkpoints.load(checkpoint)
        checkpoints.require(source, checkpoint.header)
        require_same_run(checkpoint, self.recipe, self.spec, source)
        self.state.restore(checkpoint, source)
        self._statistics_step = None
        done = self.state.progress.step
        if self.budget is not None and done:
            past = CheckpointSchedule.of(self.recipe, done, self.images)
            self.schedule = replace(self.schedule, milestones=past.milestones)

    def _measure(self, step: int) -> Iterator[TrainingEvent]:
        milestone, begun = self.schedule.milestones.get(step), self.clock()
        # Until the consumer of the event has finished, an interrupted run must repeat this step and its validation.
        self.state.consistent = False
        profile = self.validate()
        improved = profile.mean < self.state.progress.best
        self.state.progress.best = min(self.state.progress.best, profile.mean)
        yield Measured(step, profile, improved, milestone)
        self.state.consistent = True
        if self.budget is not None:
            calibrated = self.budget.calibrated
            self.budget.measured(step, self.clock() - begun, milestone is not None)
            if not calibrated:
                yield from self._plan(step, measured=True)

    def _plan_due(self, step: int) -> bool:
        """Return whether a length in minutes is planned anew after `step`, by the clock of the main process."""
        return self.budget is not None and self.process_group.any(self.budget.due(step) and self.process_group.is_main)

    def _plan(self, step: int, measured: bool = False) -> Iterator[Planned]:
        """Plan the total after `step`, as the main process does; `measured` when the validation of `step` is done."""
        assert self.budget is not None
        if not self.budget.calibrated:
            # The cost of a measurement is unknown: one is made now, with its preview and checkpoints.
            now = CheckpointSchedule.of(self.requested, step, self.images)
            self.schedule = self.schedule.revised(now, step)
            return
        first = not self.budget.planned
        plan = self.budget.plan(step, lambda total: checkpoint_schedule.count(self.requested, total, self.images))
        plan = Plan(*json.loads(self.process_group.broadcast(json.dumps(plan))))
        self.state.horizon = self.state.horizon.revised(step, plan.total)
        thinned = checkpoint_schedule.thinned(self.requested, plan.spacing) if plan.spacing else self.requested
        self.recipe = recipes.with_length(thinned, Length(plan.total, "steps"))
        new = CheckpointSchedule.of(self.recipe, plan.total, self.images)
        self.schedule = self.schedule.revised(new, step + measured)
        yield Planned(step, plan.total, plan.pace, first, self.budget.warning(plan) if first else None)

    def _mean_loss(self, step: int) -> float | None:
        progress = self.state.progress
        if step % LOG_EVERY and step != self.state.total and step > LOG_EVERY:
            return None
        mean = progress.loss_sum / progress.loss_count
        progress.loss_sum, progress.loss_count = 0.0, 0
        return mean

    def _update_statistics(self) -> None:
        if self._statistics_step != self.state.progress.step:
            self.validator.update_statistics(self.state.ema)
            self._statistics_step = self.state.progress.step

    @cached_property
    def _denoiser(self) -> NetDenoiser:
        """The network in training, wrapped by DistributedDataParallel when there are several processes."""
        return NetDenoiser(self.process_group.wrap_ddp(self.state.net), self.target, self.precision)
