"""The models of an experiment: loaded where they exist, otherwise trained in run folders of the experiment's folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inkwash import data as datasets
from inkwash import model
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe, changed_sections
from inkwash.data import Dataset, ink
from inkwash.data.array_pixels import ValueRange
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import UsageError
from inkwash.evaluation.setting import Setting
from inkwash.io import checkpoints
from inkwash.io.names import checked_name, path_in
from inkwash.lab.experiment import Trained, Variant
from inkwash.lab.measures import LabProgress, LoadedVariant
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import resume
from inkwash.runs.start import start
from inkwash.training.batches import Split
from inkwash.training.events import Planned
from inkwash.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """A model to be trained: its resolved recipe, run folder and data."""

    trained: Trained
    recipe: Recipe
    folder: RunFolder
    data: Dataset
    device: torch.device

    @property
    def total(self) -> int:
        """The number of steps of the run."""
        training = self.recipe.training
        return Length.parse(training.length).steps(training.batch, Split.train_count(len(self.data)))

    @property
    def done(self) -> int:
        """The number of steps that are done. Raises `InkwashError` when no checkpoint is valid."""
        if not checkpoints.files_in(self.folder.checkpoints):
            return 0
        step: int = checkpoints.load_newest(self.folder.checkpoints).checkpoint.header["progress"]["step"]
        return step

    @property
    def milestones(self) -> int:
        """The number of checkpoints that the run keeps."""
        images = Split.train_count(len(self.data))
        return len(self.recipe.milestones.names(self.total, self.recipe.training.batch, images))

    def with_length(self, length: str) -> TrainingPlan:
        """Return the plan with another length."""
        return replace(self, recipe=_with_length(self.recipe, self.trained, length))

    def draft(self) -> Model:
        """Return the model, before training if it is incomplete: of the same speed and with the same capabilities.

        Raises `UsageError` when it cannot be built.
        """
        if self.done and self.done >= self.total:
            return model.load(self.folder.path, device=self.device.type)
        spec = DatasetSpec.of(self.data, self.recipe.data.std)
        net = model.check_forward(model.build_net(self.recipe, spec), spec).to(self.device).eval().requires_grad_(False)
        return Model(self.recipe.name, self.recipe, spec, net, 0, "untrained")

    def require_same_recipe(self) -> None:
        """Raise `UsageError` when the run folder has another recipe or length."""
        if not self.folder.recipe.is_file():
            return
        written = Recipe.from_dict(self.folder.read_recipe())
        changed = changed_sections(written.to_dict(), self.recipe.to_dict())
        if written.training.length != self.recipe.training.length:
            changed.append("length")
        if changed:
            raise UsageError(
                f"{self.folder.path} was trained with another recipe ({', '.join(changed)} changed): choose another --out",
                code="mismatch",
                field="out",
            )

    def train(self, source: str | None, progress: LabProgress, process_group: ProcessGroup = SINGLE_PROCESS) -> None:
        """Train the remaining steps, in all processes of `process_group`.

        `source` is the data as the user named it, for the record of the run. Raises `KeyboardInterrupt` when the run
        was stopped, after it was saved.
        """
        # Read by the main process only, because the others may not see its latest checkpoint yet.
        done = int(process_group.broadcast(str(self.done if process_group.is_main else 0)))
        if done >= self.total:
            return
        if process_group.any_process(process_group.is_main and self.folder.recipe.is_file()):
            run = resume(self.folder.path, self.data, None, self.device, process_group=process_group)
            text = f"resuming {self.folder.path} from step {done:,} of {self.total:,}"
            progress.message(f"{text}: {run.fallback_reason}" if run.fallback_reason else text)
        else:
            progress.message(f"training {self.folder.path}, {self.total:,} steps")
            run = start(self.recipe, source, self.folder.path, self.device, process_group=process_group)
        with progress.training(run) as report:
            for event in run.train():
                report(event)
        if run.trainer.stopping and not run.trainer.complete:
            raise KeyboardInterrupt

    def measure_images(self, minutes: float, process_group: ProcessGroup = SINGLE_PROCESS) -> float:
        """Return the number of images that can be trained on in `minutes`, by training up to the first plan."""
        chosen = recipe.with_length(self.recipe, Length(minutes, "minutes"))
        trainer = Trainer(chosen, self.data, device=self.device, process_group=process_group)
        steps = next(event.total for event in trainer if isinstance(event, Planned))
        return steps * chosen.training.batch


@dataclass(frozen=True, eq=False)
class Models:
    """The model or training plan of each `Variant.model`, and the data of all, None where they are not available."""

    sources: dict[str | Trained, Model | TrainingPlan]
    data: Dataset | None

    @property
    def plans(self) -> list[TrainingPlan]:
        """The models to be trained."""
        return [source for source in self.sources.values() if isinstance(source, TrainingPlan)]

    @property
    def spec(self) -> DatasetSpec:
        """The specification of the data that all models share."""
        first = next(iter(self.sources.values()))
        return first.spec if isinstance(first, Model) else DatasetSpec.of(first.data, first.recipe.data.std)

    def with_length(self, length: str) -> Models:
        """Return the same with another length of each training."""
        sources = {k: s.with_length(length) if isinstance(s, TrainingPlan) else s for k, s in self.sources.items()}
        return replace(self, sources=sources)

    def draft(self, variant: Variant) -> Setting:
        """Return the setting of a variant, of a model before training if it is incomplete."""
        source = self.sources[variant.model]
        return Setting(source if isinstance(source, Model) else source.draft(), variant.request)

    def load(self, variants: Sequence[Variant], device: str) -> Iterator[LoadedVariant]:
        """Yield every variant with its model; `each_milestone` yields one for each checkpoint, in the order of training."""
        for variant in variants:
            source = self.sources[variant.model]
            if isinstance(source, TrainingPlan):
                path, training = source.folder.path, str(source.trained)
            else:
                path, training = model.find(str(variant.model)).parent.parent, ""
            milestones = _milestones(path) if variant.each_milestone else []
            found = [(file.stem, model.load(file, device=device)) for file in milestones]
            if not found:
                latest = source if isinstance(source, Model) else model.load(path, device=device)
                found = [(variant.name, latest)]
            for name, loaded in sorted(found, key=lambda each: each[1].step):
                yield LoadedVariant(name, Setting(loaded, variant.request), training)


def resolve_models(
    variants: Sequence[Variant],
    source: str | None,
    length: str,
    runs: Path,
    device: torch.device,
    value_range: ValueRange | None = None,
) -> Models:
    """Return the models of `variants`: loaded, or planned as training runs in the folder `runs`.

    `source` names the data, by default that of the first recipe to be trained, with the `value_range` of its numbers.
    Raises `UsageError` for models that do not exist or were trained on different data.
    """
    data = None if source is None else datasets.load(source, value_range=value_range)
    found = {name: _loaded(name, data, device) for name in dict.fromkeys(each.model for each in variants)}
    trained = [each for each in found.values() if isinstance(each, Trained)]
    if trained:
        own = recipe.load(trained[0].recipe).data
        data = ink.inverted((datasets.load(own.name) if data is None else data).resized(own.size), own.invert)
    _require_same_data([each for each in found.values() if isinstance(each, Model)], data)

    def resolved(each: Model | Trained) -> Model | TrainingPlan:
        if isinstance(each, Model):
            return each
        assert data is not None
        base = recipe.load(each.recipe).with_changes(each.changes)
        base = replace(base, data=replace(base.data, range=value_range))
        suited = _with_length(base, each, length).for_classes(data.classes)
        return TrainingPlan(each, suited, RunFolder(path_in(runs, each.folder)), data, device)

    return Models({name: resolved(each) for name, each in found.items()}, data)


def _with_length(base: Recipe, trained: Trained, length: str) -> Recipe:
    total = Length.parse(length)
    if trained.checkpoint_fractions and total.unit != "minutes":
        milestones = tuple(
            str(Length(total.amount * fraction, total.unit)) for fraction in trained.checkpoint_fractions
        )
        base = replace(base, training=replace(base.training, milestones=milestones))
    return recipe.with_length(base, total)


def _loaded(name: str | Trained, data: Dataset | None, device: torch.device) -> Model | Trained:
    """Return the model of `name` where one was trained on `data`, otherwise its recipe to be trained."""
    if isinstance(name, Trained):
        return name
    recipes = recipe.bundled()
    if name in recipes and name not in model.bundled():
        return Trained(name)
    loaded = model.load(name, device=device.type)
    if data is None or loaded.spec.sha256 == data.sha256:
        return loaded
    if name in recipes:
        return Trained(name)
    raise UsageError(
        f"{name} was trained on {loaded.spec.data} ({loaded.spec.sha256[:12]}), --data is {data.name} "
        f"({data.sha256[:12]}): give the data that it was trained on",
        code="mismatch",
        field="data",
    )


def _require_same_data(models: Sequence[Model], data: Dataset | None) -> None:
    names = {each.spec.sha256: each.spec.data for each in models}
    if data is not None:
        names[data.sha256] = data.name
    if len(names) > 1:
        given = " and ".join(f"{name} ({sha256[:12]})" for sha256, name in names.items())
        raise UsageError(
            f"the models of an experiment must be of one data set, these are of {given}: give it by --data",
            code="mismatch",
            field="data",
        )


def _milestones(path: Path) -> list[Path]:
    folder = RunFolder(path)
    kept = [file for file in checkpoints.files_in(folder.checkpoints) if file.stem not in ("latest", "best")]
    for file in kept:
        checked_name(file.stem, f"the name of a checkpoint in {folder.checkpoints}", "name")
    return kept
