"""From the arms of an experiment to their models: loaded where they are there, trained in ordinary run folders where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inkwash import data as datasets
from inkwash import model
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe, differing
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import UsageError
from inkwash.evaluation.sample_cache import Setting
from inkwash.io import checkpoints
from inkwash.io.names import checked_name, path_in
from inkwash.lab.experiment import Arm, Trained
from inkwash.lab.measurement import Ready, Watch
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import resume
from inkwash.runs.start import start
from inkwash.training.batches import Split
from inkwash.training.events import Planned
from inkwash.training.trainer import Trainer

BACKWARD = 3
"""How many times a forward pass a training step takes: forward, and twice that back; learnt guidance is not in it."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A model that is to be trained: its recipe, resolved but for its data's path, in `folder`, on `data`."""

    trained: Trained
    recipe: Recipe
    folder: RunFolder
    data: Dataset
    device: torch.device

    @property
    def words(self) -> str:
        """What is trained: the recipe and what is changed in it."""
        changes = ", ".join(self.trained.changes)
        return f"recipe {self.trained.recipe}" + (f" with {changes}" if changes else " as it is")

    @property
    def total(self) -> int:
        """The steps of the whole run."""
        training = self.recipe.training
        return Length.parse(training.length).steps(training.batch, Split.train_count(len(self.data)))

    @property
    def milestones(self) -> int:
        """How many checkpoints it will keep."""
        training = self.recipe.training
        return len(self.recipe.milestones.names(self.total, training.batch, Split.train_count(len(self.data))))

    @property
    def done(self) -> int:
        """The steps that are done. Raises `InkwashError` when no checkpoint is whole."""
        kept = bool(checkpoints.kept(self.folder.checkpoints))
        return 0 if not kept else int(checkpoints.newest(self.folder.checkpoints).checkpoint.header["progress"]["step"])

    def draft(self) -> Model:
        """Return the model, if need be as it is before training: as slow as it will be.

        Raises `UsageError` when it cannot be built.
        """
        if self.done and self.done >= self.total:
            return model.load(self.folder.path, device=self.device.type)
        spec = DatasetSpec.of(self.data, self.recipe.data.std)
        net = model.fitting(model.build_net(self.recipe, spec), spec).to(self.device).eval().requires_grad_(False)
        return Model(self.recipe.name, self.recipe, spec, net, 0, "untrained")

    def require_own(self) -> None:
        """Raise `UsageError` when the run folder holds another recipe or length than is asked for."""
        if not self.folder.recipe.is_file():
            return
        written = Recipe.from_dict(self.folder.written_recipe())
        changed = differing(written.to_dict(), self.recipe.to_dict())
        if written.training.length != self.recipe.training.length:
            changed.append("length")
        if changed:
            raise UsageError(
                f"{self.folder.path} was trained otherwise ({', '.join(changed)} changed): choose another --out"
            )

    def train(self, spec: str | None, watch: Watch, process_group: ProcessGroup = SINGLE_PROCESS) -> None:
        """Train what is left; `spec` is the data as the user named it, for the run's own record.

        Several `process_group` train together. Raises `KeyboardInterrupt` when the run was stopped, after it was saved.
        """
        # the first looks, for what it has just finished the others may not see yet
        done = int(process_group.broadcast(str(self.done if process_group.is_main else 0)))
        if done >= self.total:
            return
        if process_group.any(process_group.is_main and self.folder.recipe.is_file()):
            run = resume(self.folder.path, self.data, None, self.device, process_group=process_group)
            told = f"resuming {self.folder.path} from step {done:,} of {self.total:,}"
            watch.say(f"{told}: {run.fallback}" if run.fallback else told)
        else:
            watch.say(f"training {self.folder.path}, {self.total:,} steps")
            run = start(self.recipe, spec, self.folder.path, self.device, process_group=process_group)
        with watch.training(run) as show:
            for event in run.events():
                show(event)
        if run.trainer.stopping and not run.trainer.complete:
            raise KeyboardInterrupt


def replaced(arms: tuple[Arm, ...], run: str | None, name: str) -> tuple[Arm, ...]:
    """Return the arms of experiment `name` with their one model replaced by `run`, if any.

    Raises `UsageError` where the arms have several models, so that one would not do.
    """
    if run is None:
        return arms
    if len({arm.model for arm in arms}) > 1:
        raise UsageError(f"--run has no effect on {name}: its arms differ in their models; leave it out")
    return tuple(replace(arm, model=run) for arm in arms)


@dataclass(frozen=True, eq=False)
class Models:
    """The models of an experiment by what its arms call them, and the data that they learn, None where none is at hand."""

    found: dict[str | Trained, Model | Plan]
    data: Dataset | None

    @property
    def plans(self) -> list[Plan]:
        """What is to be trained."""
        return [source for source in self.found.values() if isinstance(source, Plan)]

    @property
    def spec(self) -> DatasetSpec:
        """The facts of the data that all models share."""
        first = next(iter(self.found.values()))
        return first.spec if isinstance(first, Model) else DatasetSpec.of(first.data, first.recipe.data.std)

    def images_in(self, minutes: float, process_group: ProcessGroup = SINGLE_PROCESS) -> str:
        """Return the images that the slowest of the plans trains on in so many minutes on this machine, as a length."""
        images = []
        for plan in self.plans:
            chosen = recipe.with_length(plan.recipe, Length(minutes, "minutes"))
            trainer = Trainer(chosen, plan.data, device=plan.device, process_group=process_group)
            images.append(_steps_in_budget(trainer) * chosen.training.batch)
        return str(Length(min(images), "images"))

    def lasting(self, length: str) -> Models:
        """Return the same with every training of another length."""
        found = {
            name: each if isinstance(each, Model) else replace(each, recipe=_recipe(each.trained, length))
            for name, each in self.found.items()
        }
        return replace(self, found=found)

    def draft(self, arm: Arm) -> Setting:
        """Return the setting of an arm, of an untrained model if need be: what it can do is known before it is trained."""
        source = self.found[arm.model]
        return Setting(source if isinstance(source, Model) else source.draft(), arm.settings)

    def ready(self, arms: Sequence[Arm], device: str) -> Iterator[Ready]:
        """Yield every arm with its model; one that wants each milestone becomes as many, in the order of training."""
        for arm in arms:
            source = self.found[arm.model]
            path = source.folder.path if isinstance(source, Plan) else model.find(str(arm.model)).parent.parent
            about = {"trained": f"here, {source.words}"} if isinstance(source, Plan) else {}
            kept = _milestones(path) if arm.each_milestone else []
            chosen = [(file.stem, model.load(file, device=device)) for file in kept]
            if not chosen:
                chosen = [(arm.name, source if isinstance(source, Model) else model.load(path, device=device))]
            for name, found in sorted(chosen, key=lambda each: each[1].step):
                yield _ready(name, arm, found, about)


def gather(arms: Sequence[Arm], spec: str | None, length: str, runs: Path, device: torch.device) -> Models:
    """Return where the model of each arm comes from: it is there, or it is planned as a run in the folder `runs`.

    `spec` names the data; without it a bundled model needs none, and what is trained learns its recipe's. Raises
    `UsageError` for models that are not there, or have learnt different data.
    """
    data = None if spec is None else datasets.load(spec)
    found: dict[str | Trained, Model | Trained] = {}
    for name in dict.fromkeys(arm.model for arm in arms):
        found[name] = name if isinstance(name, Trained) else _loaded(name, data, device)
    wanted = [each for each in found.values() if isinstance(each, Trained)]
    if wanted and data is None:
        data = datasets.load(recipe.load(wanted[0].recipe).data.name)
    if data is not None:
        data = data.resized(recipe.load(wanted[0].recipe).data.size) if wanted else data
    _require_one_data([each for each in found.values() if isinstance(each, Model)], data)
    resolved: dict[str | Trained, Model | Plan] = {}
    for name, each in found.items():
        if isinstance(each, Model):
            resolved[name] = each
        else:
            assert data is not None
            suited = _recipe(each, length).suiting(data.classes)
            resolved[name] = Plan(each, suited, RunFolder(path_in(runs, each.folder)), data, device)
    return Models(resolved, data)


def _recipe(trained: Trained, length: str) -> Recipe:
    chosen = recipe.load(trained.recipe).with_changes(trained.changes)
    whole = Length.parse(length)
    if trained.kept_at and whole.unit != "minutes":
        kept = tuple(str(Length(whole.amount * share, whole.unit)) for share in trained.kept_at)
        chosen = replace(chosen, training=replace(chosen.training, milestones=kept))
    return recipe.with_length(chosen, whole)


def _loaded(name: str, data: Dataset | None, device: torch.device) -> Model | Trained:
    """A model that is there and knows the data; else its recipe, to be trained."""
    recipes = recipe.bundled()
    if name in recipes and name not in model.bundled():
        return Trained(name)
    loaded = model.load(name, device=device.type)
    if data is None or loaded.spec.sha256 == data.sha256:
        return loaded
    if name in recipes:
        return Trained(name)
    raise UsageError(
        f"{name} learnt {loaded.spec.data} ({loaded.spec.sha256[:12]}), --data is {data.name} ({data.sha256[:12]}): "
        "give the data that it learnt"
    )


def _require_one_data(models: Sequence[Model], data: Dataset | None) -> None:
    known = {each.spec.sha256: each.spec.data for each in models}
    if data is not None:
        known[data.sha256] = data.name
    if len(known) > 1:
        names = " and ".join(f"{name} ({sha256[:12]})" for sha256, name in known.items())
        raise UsageError(f"the models of one experiment learn one data set, these {names}: give it by --data")


def _steps_in_budget(trainer: Trainer) -> int:
    """Return the steps that a length in minutes allows, by training up to the first plan."""
    return next(event.total for event in trainer if isinstance(event, Planned))


def _milestones(path: Path) -> list[Path]:
    folder = RunFolder(path)
    kept = [file for file in checkpoints.kept(folder.checkpoints) if file.stem not in ("latest", "best")]
    for file in kept:
        checked_name(file.stem, f"the name of a checkpoint in {folder.checkpoints}")
    return kept


def _ready(name: str, arm: Arm, found: Model, more: dict[str, str]) -> Ready:
    images = found.step * found.recipe.training.batch
    epochs = images / Split.train_count(found.spec.count)
    setting = Setting(found, arm.settings)
    about = {
        "model": f"{found.name} ({found.weights}), step {found.step:,}, {images:,} images, {epochs:.1f} epochs",
        "sampler": setting.sampler_words,
        "network in": setting.precision,
    }
    return Ready(name, setting, images, epochs, about | more)
