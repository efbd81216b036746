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
from inkwash.attributes import standardized_training_set
from inkwash.config import recipe as recipes
from inkwash.config.inherited import continued_from
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import NetDenoiser, Target
from inkwash.data import DataSource, ink
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import renamed_fields
from inkwash.hardware import devices
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.io.limits import MAX_STEPS
from inkwash.model import Model
from inkwash.objectives.adversarial import AdversarialDistillation
from inkwash.sampling.run import SampleBatch
from inkwash.training import checkpoint_schedule, preview
from inkwash.training.batches import Batches
from inkwash.training.checkpoint_schedule import CheckpointSchedule
from inkwash.training.compatibility import require_same_run, require_trainable
from inkwash.training.distillation import DistillationValidator, class_changes, distillation, initial_net
from inkwash.training.events import Measured, Planned, Step, TrainingEvent
from inkwash.training.loop import Objective, TrainingLoop
from inkwash.training.objective import denoising_objective, training_objective
from inkwash.training.state import TrainingState
from inkwash.training.time_budget import Plan, TimeBudget
from inkwash.training.validation import LossByNoiseLevel, Validator

LOG_EVERY = 10


class Trainer:
    """Training of a recipe on a data set, in memory: iterating trains and yields `Step`, `Measured` and `Planned`.

        trainer = Trainer("fast", "digits")
        for event in trainer:
            print(event)
        samples = inkwash.sample(trainer.ema_model)

    An iteration can be interrupted; a new one continues after the last completed step, or after that of a checkpoint
    restored within the iteration. `recipe` and `data` are values or names, `data` by default the recipe's. `net` replaces
    the recipe's network and `objective` its loss; the validation loss is always that of the recipe. Training starts from
    the weights of the model `pretrained`, which a recipe with a [distillation] section distills into a student of one
    evaluation. With a length in minutes, the time limit starts at `since` of `clock`, by default now. Each process of a
    `process_group` creates a trainer.
    Raises `UsageError` when recipe, data and network do not fit each other.
    """

    def __init__(
        self,
        recipe: Recipe | str | Path,
        data: DataSource | None = None,
        *,
        net: nn.Module | None = None,
        objective: Objective | None = None,
        pretrained: Model | str | Path | None = None,
        device: torch.device | str = "auto",
        process_group: ProcessGroup = SINGLE_PROCESS,
        since: float | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        recipe = recipe if isinstance(recipe, Recipe) else recipes.load(recipe)
        if net is not None:
            model.require_module(net)
        if pretrained is not None and not isinstance(pretrained, Model):
            pretrained = model.load(pretrained, device="cpu")
        self.pretrained = None if pretrained is None else pretrained.metadata()
        if pretrained is not None:
            recipe = continued_from(recipe, pretrained.recipe, pretrained.spec.data_std)
        given = recipe.data.name if data is None else data
        with renamed_fields(size="data.size", range="data.range", invert="data.invert"):
            loaded = datasets.load(given, recipe.data.size, value_range=recipe.data.range)
            self.data = ink.inverted(loaded, recipe.data.invert)
        recipe = recipe.for_classes(self.data.classes)
        if net is not None:
            recipe = replace(recipe, network=replace(recipe.network, kind=type(net).__name__, options={}))
        # With a length in minutes, each plan replaces `recipe` by a copy with its length in steps.
        self.recipe = self.requested_recipe = recipe
        self.device = devices.device(device) if isinstance(device, str) else device
        self.process_group, self.clock, self.stopping = process_group, clock, False
        self.spec = DatasetSpec.of(self.data, recipe.data.std)
        specs, attributes = standardized_training_set(self.data, recipe.network.attributes)
        self.spec = replace(self.spec, attributes=specs)
        training, self.conditional = recipe.training, recipe.network.conditional
        self.class_changes = None if pretrained is None else class_changes(pretrained, self.spec)
        process_group.shard(training.batch)  # Raises for a batch smaller than the number of processes.
        distills = recipe.distillation is not None and objective is None
        self.batches = Batches(
            self.data,
            training.batch,
            training.seed,
            self.conditional,
            training.label_dropout,
            self.device,
            distills,
            attributes,
        )
        self.half_life = Length.parse(training.ema, "training.ema").steps(
            training.batch, self.num_images, "training.ema"
        )
        self.recipe_objective = denoising_objective(recipe)
        self.target = Target(recipe.target, self.spec.data_std)
        self.precision = devices.precision(training.precision, self.device)
        # Before the distillation, because it refuses a model of another shape.
        net = net if net is not None else initial_net(recipe, self.spec, pretrained)
        self.objective: Objective = objective or training_objective(recipe, self.spec, net)
        validation = self.batches, self.recipe_objective, self.target, self.precision, process_group
        if distills:
            self.objective = distillation(recipe, self.spec, pretrained, self.precision, self.device, process_group)
            self.validator: Validator = DistillationValidator(*validation, self.objective)
        else:
            self.validator = Validator(*validation)
        model.check_forward(net, self.spec, 0 if self.conditional else None)
        if self.conditional:
            model.check_labels(net, self.spec, training.label_dropout)
        net = devices.to_device(net, self.device)
        require_trainable(recipe, self.spec, net, process_group)
        self.state = TrainingState.initial(net, recipe.optimizer.build(net.parameters()))
        self.time_budget: TimeBudget | None = None
        length = Length.parse(training.length, "training.length")
        if length.unit == "minutes":
            self.time_budget = TimeBudget(60 * length.amount, since, clock)
            CheckpointSchedule.of(recipe, 1, self.num_images)  # Raises for invalid lengths now, not at the first plan.
            self.checkpoint_schedule, self.state.total_steps = CheckpointSchedule(MAX_STEPS, {}), MAX_STEPS
        else:
            self.state.total_steps = length.steps(training.batch, self.num_images)
            self.checkpoint_schedule = CheckpointSchedule.of(recipe, self.state.total_steps, self.num_images)
        self._batchnorm_step: int | None = None  # Step at which the BatchNorm statistics were last recomputed.

    @property
    def num_images(self) -> int:
        """The number of training examples, without those of the validation set."""
        return len(self.batches.split.train)

    @property
    def total(self) -> int | None:
        """The last step; None before the first plan of a length in minutes."""
        planned = self.time_budget is None or self.time_budget.planned
        return self.state.total_steps if planned else None

    @property
    def complete(self) -> bool:
        """Whether the last step is done."""
        return self.state.progress.step >= self.state.total_steps

    @property
    def ema_model(self) -> Model:
        """The EMA network as a model to sample from."""
        self._update_batchnorm()
        weights = checkpoints.weights_digest(self.state.ema_net.state_dict())
        return Model(self.recipe.name, self.recipe, self.spec, self.state.ema_net, self.state.progress.step, weights)

    def stop(self) -> None:
        """End the iteration after the current step, in all processes after the same one."""
        self.stopping = True

    def __iter__(self) -> Iterator[TrainingEvent]:
        """Train up to the last step; yield every step, validation and plan."""
        if self.time_budget is not None:
            self.time_budget.begin(self.state.progress.step)
        for event in self.steps():
            if self._plan_due(event.number):
                yield from self._plan(event.number)
            yield event._replace(mean_loss=self._mean_loss(event.number))
            # The consumer may have restored another step.
            if self.checkpoint_schedule.includes(event.number) and self.state.progress.step == event.number:
                yield from self._validate(event.number)
            self.stopping = self.process_group.any_process(self.stopping)
            if self.stopping:
                return

    def steps(self) -> Iterator[Step]:
        """Train up to the last step without validation and planning."""
        optimizer, group = self.recipe.optimizer, self.process_group
        return iter(
            TrainingLoop(self.state, self._denoiser, self.objective, self.batches, optimizer, self.half_life, group)
        )

    def validate(self) -> LossByNoiseLevel:
        """Return the loss of the EMA network on the validation set by noise level."""
        self._update_batchnorm()
        return self.validator.loss(self.state.ema_net)

    def preview(self) -> SampleBatch:
        """Sample from the EMA model, always from the same seeds: see `training.preview`."""
        return preview.preview(self.ema_model, self.process_group)

    def checkpoint(self) -> Checkpoint:
        """Return a copy of the complete state: training restored from it continues bit for bit."""
        self._update_batchnorm()
        # Store the data set's name instead of the user's path, so that equal runs write identical checkpoints.
        recipe = replace(self.recipe, data=replace(self.recipe.data, name=self.spec.data))
        header = {
            "recipe": recipe.to_dict(),
            "facts": self.spec.to_dict(),
            "progress": self.state.header(),
            "total": self.total,
        }
        if self.pretrained is not None:
            header["pretrained"] = self.pretrained
        tensors = self.state.tensors()
        if isinstance(self.objective, AdversarialDistillation):
            tensors |= {f"objective.{name}": value for name, value in self.objective.tensors().items()}
        return Checkpoint(header, tensors)

    def restore(self, checkpoint: Checkpoint | str | Path, source: str = "the checkpoint") -> None:
        """Continue from `checkpoint`, a value or a file. Raises `InkwashError`, naming `source`, when it does not fit."""
        if not isinstance(checkpoint, Checkpoint):
            source, checkpoint = str(checkpoint), checkpoints.load(checkpoint)
        checkpoints.require_header(source, checkpoint.header)
        require_same_run(checkpoint, self.recipe, self.spec, source)
        self.state.restore(checkpoint, source)
        self.pretrained = checkpoint.header.get("pretrained")
        if isinstance(self.objective, AdversarialDistillation):
            self.objective.restore(checkpoint.part("objective"))
        self._batchnorm_step = None
        done = self.state.progress.step
        if self.time_budget is not None and done:
            past = CheckpointSchedule.of(self.recipe, done, self.num_images)
            self.checkpoint_schedule = replace(self.checkpoint_schedule, milestones=past.milestones)

    def _validate(self, step: int) -> Iterator[TrainingEvent]:
        milestone, begun = self.checkpoint_schedule.milestones.get(step), self.clock()
        # The state is not saved until the consumer has handled the event: an interrupted run repeats the validation.
        self.state.consistent = False
        losses = self.validate()
        improved = losses.mean < self.state.progress.best
        self.state.progress.best = min(self.state.progress.best, losses.mean)
        yield Measured(step, losses, improved, milestone)
        self.state.consistent = True
        if self.time_budget is not None:
            calibrated = self.time_budget.calibrated
            self.time_budget.validated(step, self.clock() - begun, milestone is not None)
            if not calibrated:
                yield from self._plan(step, validated=True)

    def _plan_due(self, step: int) -> bool:
        """Return whether a length in minutes is planned anew after `step`, by the clock of the main process."""
        budget, process_group = self.time_budget, self.process_group
        return budget is not None and process_group.any_process(budget.due(step) and process_group.is_main)

    def _plan(self, step: int, validated: bool = False) -> Iterator[Planned]:
        """Plan the total after `step`, once a validation has been timed; `validated`: that after `step` is done."""
        budget, requested, images = self.time_budget, self.requested_recipe, self.num_images
        assert budget is not None
        if not budget.calibrated:
            # Schedule a validation (with preview and checkpoints) after this step, to time it.
            now = CheckpointSchedule.of(requested, step, images)
            self.checkpoint_schedule = self.checkpoint_schedule.replaced_from(step, now)
            return
        first = not budget.planned
        plan = budget.plan(step, lambda total: checkpoint_schedule.max_validations(requested, total, images))
        plan = Plan(*json.loads(self.process_group.broadcast(json.dumps(plan))))
        self.state.lr_decay = self.state.lr_decay.revised(step, plan.total)
        planned = checkpoint_schedule.with_validation_every(requested, plan.spacing)
        self.recipe = recipes.with_length(planned, Length(plan.total, "steps"))
        new = CheckpointSchedule.of(self.recipe, plan.total, images)
        self.checkpoint_schedule = self.checkpoint_schedule.replaced_from(step + 1 if validated else step, new)
        yield Planned(step, plan.total, plan.pace, first, budget.warning(plan) if first else None)

    def _mean_loss(self, step: int) -> float | None:
        progress = self.state.progress
        if step % LOG_EVERY and step != self.state.total_steps and step > LOG_EVERY:
            return None
        mean = progress.loss_sum / progress.loss_count
        progress.loss_sum, progress.loss_count = 0.0, 0
        return mean

    def _update_batchnorm(self) -> None:
        if self._batchnorm_step != self.state.progress.step:
            self.validator.update_batchnorm(self.state.ema_net)
            self._batchnorm_step = self.state.progress.step

    @cached_property
    def _denoiser(self) -> NetDenoiser:
        """The network in training, wrapped by DistributedDataParallel when there are several processes."""
        return NetDenoiser(self.process_group.wrap_ddp(self.state.net), self.target, self.precision)
