"""A trainer in a run folder: it writes metrics, checkpoints, sample grids and the card while the trainer trains."""

from __future__ import annotations

import copy
import shutil
import weakref
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from inkwash import model
from inkwash.errors import InkwashError
from inkwash.io import checkpoints, png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.names import path_in
from inkwash.model import Model
from inkwash.optim.optimizers import LRDecay
from inkwash.runs.card import write_card
from inkwash.runs.environment import commit
from inkwash.runs.events import RunEvent, Sampled, Saved
from inkwash.runs.folder import Log, RunFolder
from inkwash.runs.history import History, TrainedModel
from inkwash.text import html
from inkwash.training.events import Measured, Planned, Step, TrainingEvent
from inkwash.training.preview import preview, preview_classes
from inkwash.training.trainer import Trainer
from inkwash.viz.samples import grid_or_scatter


@dataclass
class Run:
    """A `trainer` whose state and results are written to `folder`, so that it can be stopped and resumed at any step.

    Iterating over a run trains it, as `train` does. Of several processes the main one writes. `fallback_reason` is the
    reason why an older checkpoint than the latest was resumed, `previous_lr_decay` the decay of the learning rate before
    the length of a resumed run was changed, and `short_reason` the reason why the recipe's section [short] was applied or
    not; they are None otherwise. `is_new` is whether this process created the folder.
    """

    trainer: Trainer
    folder: RunFolder
    fallback_reason: str | None = None
    previous_lr_decay: LRDecay | None = None
    short_reason: str | None = None
    is_new: bool = False
    _planned_total: int | None = field(default=None, init=False)
    _iteration: weakref.ref[Generator[RunEvent, None, None]] | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[RunEvent]:
        before = self._iteration() if self._iteration is not None else None
        if before is not None:
            # It was left by an exception whose traceback refers to it: it saves when it is closed.
            before.close()
        iteration = self.train()
        self._iteration = weakref.ref(iteration)
        return iteration

    def _repr_html_(self) -> str:
        trainer = self.trainer
        total = "" if trainer.total is None else f" of {trainer.total:,}"
        rows = [("folder", self.folder.path), ("step", f"{trainer.state.progress.step:,}{total}")]
        return html.table(f"run of {trainer.recipe.name} on {trainer.spec.data}", rows)

    @property
    def model(self) -> TrainedModel:
        """A copy of the EMA model at the current step, which does not change when training continues."""
        current = self.trainer.ema_model
        fields = vars(current) | {"net": copy.deepcopy(current.net), "path": self.folder.latest}
        return TrainedModel(**fields, history=self.history)

    @property
    def history(self) -> History:
        """The losses up to the current step."""
        return History.of(self.trainer.recipe, self.folder.rows())

    @property
    def is_main(self) -> bool:
        """Whether this process writes."""
        return self.trainer.process_group.is_main

    def restore(self) -> None:
        """Resume the latest checkpoint of the folder, or the one before if that is damaged (`fallback_reason` has the reason).

        Raises `InkwashError` when it does not fit recipe or data, or when no checkpoint is intact.
        """
        if self.is_main:
            for leftover in self.folder.checkpoints.glob(".*.safetensors"):
                leftover.unlink()  # a save that was killed before its rename
        source, checkpoint, self.fallback_reason = checkpoints.load_newest(self.folder.checkpoints)
        self.trainer.restore(checkpoint, str(source))
        if self.is_main:
            self.folder.truncate_metrics(self.trainer.state.progress.step)

    def train(self) -> Generator[RunEvent, None, None]:
        """Train up to the last step; yield the events of the trainer and every checkpoint and sample grid written.

        Nothing happens when the last step is done. The folder of a new run is removed when its first step cannot be
        computed, which is a fault of the network or the objective.
        """
        if self.trainer.complete:
            return
        try:
            yield from self._train()
        except (InkwashError, OSError):
            raise
        except Exception:
            if self.is_new and self.trainer.process_group.is_single and not self.trainer.state.progress.step:
                shutil.rmtree(self.folder.path, ignore_errors=True)
            raise

    def _train(self) -> Iterator[RunEvent]:
        trainer, folder = self.trainer, self.folder
        self._write_memorizing_loss()
        self._write_teacher_preview()
        seconds_before, begun = self.seconds_before(), trainer.clock()
        start = trainer.state.progress.step
        # Written before the first step, so that a session that is killed is recorded too.
        session = (
            folder.begin_session(trainer.device, commit(), trainer.process_group.world_size) if self.is_main else 0
        )
        with folder.log(start) if self.is_main else nullcontext(Log()) as log:
            try:
                if start == 0 and not folder.latest.is_file():
                    self._save_latest()
                for event in trainer:
                    yield from self._record(event, log, seconds_before + trainer.clock() - begun)
            except InkwashError:
                # Nothing is saved: after a non-finite loss the weights may be damaged, while the latest checkpoint is valid.
                raise
            except BaseException:
                self._save_latest()
                raise
            else:
                self._save_latest()
            finally:
                if self.is_main:
                    folder.end_session(session, trainer.clock() - begun, trainer.state.progress.step)
        self.write_card()

    def seconds_before(self) -> float:
        """Return the seconds of training in earlier sessions."""
        return max((row["seconds"] for row in self.folder.rows() if "seconds" in row), default=0.0)

    def write_card(self) -> None:
        """Write the plots and the card up to the current step."""
        trainer = self.trainer
        if self.is_main:
            write_card(
                self.folder, trainer.recipe, trainer.spec, trainer.state.progress, trainer.total, trainer.pretrained
            )

    def _record(self, event: TrainingEvent, log: Log, seconds: float) -> Iterator[RunEvent]:
        match event:
            case Step():
                self._log_step(event, log, seconds)
                yield event
            case Planned():
                self._write_plan(event, log)
                yield event
            case Measured(step, profile, _, milestone):
                values = {"loss": profile.mean, "codes": profile.codes, "losses": profile.losses}
                log.write("held-out", step, values | {"picture": milestone or ""})
                yield event
                yield from self._save(event)

    def _log_step(self, step: Step, log: Log, seconds: float) -> None:
        if step.mean_loss is None:
            return
        values = {
            "loss": step.mean_loss,
            "rate": step.rate,
            "gradient": step.gradient,
            "images": step.number * self.trainer.batches.size,
            "seconds": round(seconds, 2),
        }
        log.write("train", step.number, values)

    def _write_plan(self, plan: Planned, log: Log) -> None:
        if plan.total == self._planned_total or not self.is_main:
            return
        assert self.trainer.time_budget is not None
        self._planned_total = plan.total
        values = {"total": plan.total, "seconds_per_step": plan.pace, "left": self.trainer.time_budget.seconds_left}
        log.write("plan", plan.step, values)
        write_text(self.folder.recipe, self.trainer.recipe.to_toml())

    def _save(self, measured: Measured) -> Iterator[RunEvent]:
        """Write the sample grid of a milestone and the checkpoints of a validation."""
        step, milestone, trainer = measured.step, measured.milestone, self.trainer
        if milestone is not None:
            grid = path_in(self.folder.samples, f"{milestone}.png")
            self._write_preview(grid, trainer.ema_model)
            yield Sampled(step, grid)
        checkpoint = trainer.checkpoint()
        # The latest checkpoint is written last, so that a run that is killed before it repeats this validation.
        names = [checkpoints.LATEST] if milestone is None else [milestone, checkpoints.LATEST]
        if measured.improved:
            names.insert(0, "best")
        for name in names:
            path = path_in(self.folder.checkpoints, f"{name}.safetensors")
            if self.is_main:
                checkpoints.save(path, checkpoint)
            trainer.state.consistent = name == checkpoints.LATEST
            yield Saved(step, path)
        if milestone is not None and self.is_main:
            self.folder.delete_old_milestones(
                [*trainer.checkpoint_schedule.milestones.values()], trainer.recipe.training.keep
            )
            if not trainer.complete:
                self.write_card()

    def _save_latest(self) -> None:
        if self.trainer.state.consistent:
            checkpoint = self.trainer.checkpoint()
            if self.is_main:
                checkpoints.save(self.folder.latest, checkpoint)

    def _write_preview(self, path: Path, model: Model) -> None:
        batch = preview(model, self.trainer.process_group)
        if not self.is_main:
            return
        request = {"seed": 0, "n": len(batch.seeds), "sampler": model.recipe.sampling.preview, "milestone": path.stem}
        columns = len(preview_classes(model) or ()) or None
        png_metadata.save_png(
            grid_or_scatter(model, [batch], columns=columns, scale=2), path, model.metadata() | request
        )

    def _write_teacher_preview(self) -> None:
        """Sample from the teacher of a distilled run with the seeds of the previews, once per run."""
        path = path_in(self.folder.samples, "teacher.png")
        if self.trainer.process_group.any_process(
            self.is_main and self.folder.teacher.is_file() and not path.is_file()
        ):
            teacher = model.load(self.folder.teacher, device=self.trainer.device.type)
            self._write_preview(path, teacher)

    def _write_memorizing_loss(self) -> None:
        """Measure the loss of the memorizing denoiser and write it to the folder, once per run."""
        missing = self.is_main and not self.folder.has_memorizing_loss()
        if self.trainer.process_group.any_process(missing):
            profile = self.trainer.validator.memorizing_loss()
            if self.is_main:
                self.folder.write_memorizing_loss(None if profile is None else vars(profile))
