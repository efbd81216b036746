"""Start a run: a trainer in a new run folder."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from inkwash import data as datasets
from inkwash import model
from inkwash.config import inherited
from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset, DataSource
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import InkwashError, UsageError, renamed_fields
from inkwash.io import checkpoints
from inkwash.io.atomic import write_text
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.runs.run import Run
from inkwash.text.progress import StageProgressCallback
from inkwash.training.distillation import require_teacher
from inkwash.training.loop import Objective
from inkwash.training.short_runs import resolve_short
from inkwash.training.trainer import Trainer


def is_run(what: str | Path) -> bool:
    """Return whether `what` is a run folder; the name of a bundled recipe takes precedence over a folder."""
    named = isinstance(what, str | Path) and str(what) not in recipes.bundled()
    return named and (Path(what) / "recipe.toml").is_file()


def created_by_this_launch(path: str | Path, process_group: ProcessGroup) -> bool:
    """Return whether this launch of torchrun created the run folder `path`, as the main process finds."""
    note = RunFolder(Path(path)).launch
    own = (
        process_group.is_main
        and process_group.launch_id
        and note.is_file()
        and note.read_text(encoding="utf-8") == process_group.launch_id
    )
    return process_group.any_process(bool(own))


def completed_by_this_launch(path: str | Path, process_group: ProcessGroup) -> bool:
    """Return whether the run of this launch in the folder `path` is complete, as the main process finds."""
    if not created_by_this_launch(path, process_group):
        return False
    try:
        header = checkpoints.header(RunFolder(Path(path)).latest)
        complete = header["progress"]["step"] >= header["total"]
    except (InkwashError, LookupError, TypeError):
        complete = False
    return process_group.any_process(process_group.is_main and complete)


def start(
    recipe: Recipe,
    data: DataSource | None = None,
    out: str | Path | None = None,
    device: torch.device | str = "auto",
    net: nn.Module | None = None,
    objective: Objective | None = None,
    since: float | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
    reading: StageProgressCallback | None = None,
    pretrained: Model | str | Path | None = None,
) -> Run:
    """Return a new run with its resolved recipe written to the run folder; its section [short] is resolved here.

    `data` is a name, a path or a data set, by default the recipe's; `out` is by default runs/NAME-1 or the next free
    number. On data without labels the network is unconditional. `reading(what, fraction)` is called while data are read;
    the other arguments are those of `Trainer`. Raises `UsageError` or `InkwashError` when the recipe cannot be trained
    or the folder cannot be written.
    """
    since = time.perf_counter() if since is None else since
    # Before the data, which may have to be downloaded.
    if pretrained is not None and not isinstance(pretrained, Model):
        pretrained = model.load(pretrained, device="cpu")
    if pretrained is not None and net is None:
        inherited.require_consistent(recipe, pretrained.recipe, pretrained.name)
    if recipe.distillation is not None and objective is None:
        require_teacher(recipe, pretrained)
    with process_group.main_first(), renamed_fields(size="data.size", range="data.range"):
        if isinstance(data, Dataset) and recipe.data.range is not None:
            raise UsageError(
                f"range has no effect on the Dataset '{data.name}', whose pixels are 0 to 255: leave it out",
                code="no-effect",
                field="range",
            )
        given = recipe.data.name if data is None else data
        loaded = datasets.load(given, recipe.data.size, reading, recipe.data.range)
        folder = RunFolder.unused(out or RunFolder.next_unused(recipe.name))
    folder = RunFolder(Path(process_group.broadcast(str(folder.path))))
    recipe = _with_data_name(recipe, data, loaded)

    def trainer_of(recipe: Recipe) -> Trainer:
        return Trainer(
            recipe,
            loaded,
            net=net,
            objective=objective,
            pretrained=pretrained,
            device=device,
            process_group=process_group,
            since=since,
        )

    reason = None
    if net is not None or pretrained is not None:
        recipe = replace(recipe, short=None)
    else:
        recipe, reason = resolve_short(recipe, trainer_of, since)
    with process_group.main_first():
        trainer = trainer_of(recipe)
        # Created after the trainer, so that a recipe that does not fit its data leaves no empty folder behind.
        if process_group.is_main:
            RunFolder.create(folder.path)
            if process_group.launch_id:
                write_text(folder.launch, process_group.launch_id)
            if pretrained is not None and recipe.distillation is not None:
                checkpoints.save(folder.teacher, pretrained.checkpoint())
            write_text(folder.recipe, trainer.recipe.to_toml())
    return Run(trainer, folder, short_reason=reason, is_new=True)


def _with_data_name(recipe: Recipe, data: DataSource | None, loaded: Dataset) -> Recipe:
    """Return `recipe` with the data name that the user gave, from which a resumed run loads the data."""
    given = str(data) if isinstance(data, str | Path) else (recipe.data.name if data is None else loaded.name)
    planned, named = recipe.data.name, replace(recipe, data=replace(recipe.data, name=given))
    if loaded.name == planned or not recipe.experiment.objective:
        return named
    # The card must not describe other data than the run was trained on.
    aim = f"{recipe.experiment.objective} (Written by the recipe for {planned}; this run is on {loaded.name}.)"
    return replace(named, experiment=replace(named.experiment, objective=aim))
