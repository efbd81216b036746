"""The course of a run: train, measure, keep, draw, in a run folder that can be left and taken up at any step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from inkwash import model
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe, differing, with_length
from inkwash.core import NetDenoiser, Target
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.hardware import devices
from inkwash.io import checkpoints, png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.checkpoints import Checkpoint
from inkwash.io.limits import MOST_STEPS
from inkwash.io.names import path_in
from inkwash.model import Model
from inkwash.objectives import Denoising
from inkwash.optim.horizon import Horizon
from inkwash.runs import checkpointing
from inkwash.runs.card import write_record
from inkwash.runs.checkpointing import CheckpointSchedule
from inkwash.runs.events import Event, Measured, Planned, Sampled, Saved
from inkwash.runs.folder import Log, RunFolder, commit
from inkwash.runs.time_budget import Plan, TimeBudget
from inkwash.runs.validation import Measuring
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import SampleBatch, resolve
from inkwash.training.batches import Batches
from inkwash.training.loop import Objective, Step, steps
from inkwash.training.state import State
from inkwash.viz.samples import grid_or_scatter

LOG_EVERY = 10


@dataclass
class Run:
    """A run of `recipe` on `data` in `folder`. A length in minutes counts from the moment `since` of `clock`, by default now.

    `net` replaces the recipe's network by the caller's own, `objective` what is minimised; the held-out loss stays
    that of the recipe, so that runs can be compared. Several `process_group` go through it together, each with its own course;
    the first writes.
    """

    recipe: Recipe
    data: Dataset
    folder: RunFolder
    device: torch.device
    net: nn.Module | None = None
    objective: Objective | None = None
    process_group: ProcessGroup = SINGLE_PROCESS
    since: float | None = None
    clock: Callable[[], float] = time.perf_counter
    asked: Recipe = field(init=False)
    state: State = field(init=False)
    schedule: CheckpointSchedule = field(init=False)
    budget: TimeBudget | None = field(default=None, init=False)
    horizon_before: Horizon | None = field(default=None, init=False)
    stopping: bool = field(default=False, init=False)
    fallen_back: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.asked = self.recipe
        training = self.recipe.training
        self.spec = DatasetSpec.of(self.data, self.recipe.data.std)
        self.conditional = self.recipe.network.conditional
        self.spec.num_classes(self.conditional)
        if self.recipe.clip and self.spec.is_points:
            raise UsageError(f"clip has no meaning for {self.spec.data}, whose points have no range: --set clip=false")
        self.process_group.shard(training.batch)
        self.batches = Batches(
            self.data, training.batch, training.seed, self.conditional, training.label_dropout, self.device
        )
        count = len(self.batches.split.train)
        self.half_life = Length.parse(training.ema, "training.ema").steps(training.batch, count, "training.ema")
        length, chosen = Length.parse(training.length), self.recipe
        if length.unit == "minutes":
            self.budget = TimeBudget(60 * length.amount, self.since, self.clock)
            # what cannot be read is refused now, and not at the first plan
            CheckpointSchedule.of(chosen, 1, count)
            self.schedule, total = CheckpointSchedule(MOST_STEPS, {}), MOST_STEPS
        else:
            total = length.steps(training.batch, count)
            self.schedule = CheckpointSchedule.of(chosen, total, count)
        self.denoising = Denoising(
            chosen.schedule, chosen.density, chosen.weight, chosen.clip, training.guidance, training.guidance_interval
        )
        self.target = Target(self.recipe.target, self.spec.data_std)
        self.precision = devices.precision(training.precision, self.device)
        net = self.net if self.net is not None else model.build_net(self.recipe, self.spec)
        net = devices.lay_out(model.fitting(net, self.spec), self.device)
        if (
            training.guidance != 1
            and not self.process_group.is_single
            and any(isinstance(p, nn.BatchNorm2d) for p in net.modules())
        ):
            raise UsageError(
                "guidance cannot be learnt by BatchNorm in several processes, whose second evaluations differ in size: "
                "set training.guidance=1, or train in one"
            )
        self.state = State.fresh(net, self.recipe.optimizer.build(net.parameters()))
        self.state.total = total
        self.measuring = Measuring(
            self.data,
            self.batches,
            self.denoising,
            self.target,
            self.precision,
            self.conditional,
            self.device,
            self.folder,
            self.process_group,
        )

    def take_up(self) -> None:
        """Go on from the folder's latest checkpoint, or from the one before where that is damaged (`fallen_back` says so).

        Raises `InkwashError` when it does not fit recipe or data, or when none is whole.
        """
        for leftover in self.folder.checkpoints.glob(".*.safetensors") if self.process_group.is_main else ():
            leftover.unlink()  # a save that was killed before its rename
        source, checkpoint, self.fallen_back = checkpoints.newest(self.folder.checkpoints)
        known = DatasetSpec.from_dict(checkpoint.header["facts"])
        if known.sha256 != self.spec.sha256:
            raise InkwashError(
                f"{self.folder.path} was trained on {known.data} ({known.sha256[:12]}), this is {self.spec.data} "
                f"({self.spec.sha256[:12]}): give the same --data, or start a new run"
            )
        self.state.restore(checkpoint, str(source))
        changed = differing(checkpoint.header["recipe"], self.recipe.to_dict())
        if changed:
            raise InkwashError(
                f"{source} is of another recipe ({', '.join(changed)} changed): "
                "undo the change in recipe.toml, or start a new run"
            )
        if self.process_group.is_main:
            self.folder.forget_after(self.state.progress.step)

    @property
    def total(self) -> int | None:
        """The last step, None where a length in minutes is not planned yet."""
        return None if self.budget is not None and not self.budget.planned else self.state.total

    @property
    def complete(self) -> bool:
        """Whether the last step is done."""
        return self.state.progress.step >= self.state.total

    def average(self) -> Model:
        """Return the averaged network as a model to draw from."""
        weights = checkpoints.digest(self.state.average.state_dict())
        return Model(self.recipe.name, self.recipe, self.spec, self.state.average, self.state.progress.step, weights)

    def stop(self) -> None:
        """Ask the run to save and end after the step that it is in."""
        self.stopping = True

    @cached_property
    def learner(self) -> NetDenoiser:
        """The network in training, which several ranks have together."""
        return NetDenoiser(self.process_group.wrap_ddp(self.state.net), self.target, self.precision)

    def loop(self) -> Iterator[Step]:
        """Train up to the last step, yielding after each one; nothing is measured, drawn or written."""
        return steps(
            self.state,
            self.learner,
            self.objective or self.denoising,
            self.batches,
            self.recipe.optimizer,
            self.half_life,
            self.process_group,
        )

    def events(self) -> Iterator[Event]:
        """Train up to the last step, yielding every step, measurement, checkpoint and picture as it comes."""
        self.measuring.floor()
        spent, begun = self.seconds_before(), self.clock()
        loop = self.loop()
        if self.budget is not None:
            self.budget.begin(self.state.progress.step)
        # said before the first step: a session that is killed has been on this machine all the same
        first = self.process_group.is_main
        session = self.folder.begin_session(self.device, commit(), self.process_group.world_size) if first else 0
        with self.folder.log(self.state.progress.step) if first else nullcontext(Log()) as log:
            try:
                if self.state.progress.step == 0 and not self.folder.latest.is_file():
                    self._keep_latest()
                for step in loop:
                    if self.plan_due(step.number):
                        yield from self._plan(step.number, log)
                    self._log(log, step, spent + self.clock() - begun)
                    yield step
                    yield from self._after(step.number, log)
                    # asked of all, so that they end after the same step
                    self.stopping = self.process_group.any(self.stopping)
                    if self.stopping:
                        break
            except InkwashError:
                raise  # the checkpoint before is the last good state: the one just before a loss that broke may not be
            except BaseException:
                self._keep_latest()
                raise
            else:
                self._keep_latest()
            finally:
                if self.process_group.is_main:
                    self.folder.end_session(session, self.clock() - begun, self.state.progress.step)
        if self.process_group.is_main:
            self.write_record()

    def seconds_before(self) -> float:
        """Return the seconds that the run has taken in the sessions before."""
        return max((row["seconds"] for row in self.folder.rows() if "seconds" in row), default=0.0)

    def write_record(self) -> None:
        """Write plots and card as far as the run has come."""
        write_record(self.folder, self.recipe, self.spec, self.state.progress, self.total)

    def draw_milestone(self, path: Path) -> None:
        """Draw the same seeds as at every milestone: 64 images or 2,000 points; a class a column, at most ten of them."""
        average = self.average()
        classes = list(range(len(self.spec.classes)))[:10] if self.conditional and not self.spec.is_points else None
        count = 2000 if self.spec.is_points else (8 * len(classes) if classes else 64)
        request = SampleRequest(
            n=count,
            label=None if classes is None else tuple(classes),
            sampler=self.recipe.sampling.preview,
            precision=self.recipe.training.precision,
        )
        run = resolve(request, average)
        (own,) = run.part(self.process_group.shard(count)).batches(size=count)
        drawn = [SampleBatch(self.process_group.all_gather(own.values, count), run.labels, run.seeds)]
        if not self.process_group.is_main:
            return
        spec = average.metadata() | {
            "seed": 0,
            "n": count,
            "sampler": self.recipe.sampling.preview,
            "milestone": path.stem,
        }
        png_metadata.save_png(
            grid_or_scatter(average, drawn, columns=len(classes) if classes else None, scale=2), path, spec
        )

    def checkpoint(self) -> Checkpoint:
        """Return the whole state with what describes it."""
        # the data's own name, not the path that it was given by: equal runs write equal files wherever the data lies
        recipe = replace(self.recipe, data=replace(self.recipe.data, name=self.spec.data))
        header = {
            "recipe": recipe.to_dict(),
            "facts": self.spec.to_dict(),
            "progress": self.state.header(),
            "total": self.total,
        }
        return Checkpoint(header, self.state.tensors())

    def plan_due(self, step: int) -> bool:
        """Return whether to plan a length in minutes anew after `step`, by the clock of the first process."""
        return self.budget is not None and self.process_group.any(self.budget.due(step) and self.process_group.is_main)

    def plan(self, step: int, measured: bool = False) -> Plan:
        """Set the last step to what the time left allows after `step`, as the first process finds it.

        `measured` tells that the measurement after `step` is already made.
        """
        assert self.budget is not None
        images = len(self.batches.split.train)
        plan = self.budget.plan(step, lambda total: checkpointing.count(self.asked, total, images))
        plan = Plan(*json.loads(self.process_group.broadcast(json.dumps(plan))))
        self.state.horizon = self.state.horizon.revised(step, plan.total)
        chosen = checkpointing.thinned(self.asked, plan.spacing) if plan.spacing else self.asked
        self.recipe = with_length(chosen, Length(plan.total, "steps"))
        self.schedule = self.schedule.revised(CheckpointSchedule.of(self.recipe, plan.total, images), step + measured)
        return plan

    def _plan(self, step: int, log: Log, measured: bool = False) -> Iterator[Event]:
        assert self.budget is not None
        if not self.budget.calibrated:
            # what a measurement costs is not known yet: one is made now, with its grid and checkpoints
            now = CheckpointSchedule.of(self.asked, step, len(self.batches.split.train))
            self.schedule = self.schedule.revised(now, step)
            return
        first, before = not self.budget.planned, self.state.total
        plan = self.plan(step, measured)
        if plan.total != before and self.process_group.is_main:
            log.write("plan", step, {"total": plan.total, "seconds_per_step": plan.pace, "left": self.budget.left})
            write_text(self.folder.recipe, self.recipe.to_toml())
        yield Planned(step, plan.total, plan.pace, first, self.budget.warning(plan) if first else None)

    def _after(self, step: int, log: Log) -> Iterator[Event]:
        if not self.schedule.includes(step):
            return
        milestone, begun = self.schedule.milestones.get(step), self.clock()
        # a run that dies from here on goes back to the checkpoint before, and does all of this again
        self.state.whole = False
        profile = self.measuring.loss(self.state.average)
        measured = {"loss": profile.mean, "codes": profile.codes, "losses": profile.losses}
        log.write("held-out", step, measured | {"picture": milestone or ""})
        yield Measured(step, profile)
        better = profile.mean < self.state.progress.best
        self.state.progress.best = min(self.state.progress.best, profile.mean)
        if milestone is not None:
            picture = path_in(self.folder.samples, f"{milestone}.png")
            self.draw_milestone(picture)
            yield Sampled(step, picture)
        # latest comes last: what it holds as done is on the disk
        names = ["best"] * better + ([milestone] if milestone is not None else []) + ["latest"]
        for name in names:
            path = path_in(self.folder.checkpoints, f"{name}.safetensors")
            if self.process_group.is_main:
                checkpoints.save(path, self.checkpoint())
            self.state.whole = name == "latest"
            yield Saved(step, path)
        if milestone is not None and self.process_group.is_main:
            self.folder.thin_out([*self.schedule.milestones.values()], self.recipe.training.keep)
            if not self.complete:
                self.write_record()
        if self.budget is not None:
            calibrated = self.budget.calibrated
            self.budget.measured(step, self.clock() - begun, milestone is not None)
            if not calibrated:
                yield from self._plan(step, log, measured=True)

    def _log(self, log: Log, step: Step, seconds: float) -> None:
        progress = self.state.progress
        if step.number % LOG_EVERY and step.number != self.state.total and step.number > LOG_EVERY:
            return
        values = {
            "loss": progress.loss_sum / progress.loss_count,
            "rate": step.rate,
            "gradient": step.gradient,
            "images": step.number * self.batches.size,
            "seconds": round(seconds, 2),
        }
        progress.loss_sum, progress.loss_count = 0.0, 0
        log.write("train", step.number, values)

    def _keep_latest(self) -> None:
        if self.state.whole:
            self.measuring.renew_statistics(self.state.average)
            if self.process_group.is_main:
                checkpoints.save(self.folder.latest, self.checkpoint())
