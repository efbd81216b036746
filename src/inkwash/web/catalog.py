"""What can be drawn from: the bundled models and the run folders of this machine, each by a name and never by a path."""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import torch

from inkwash import USUAL
from inkwash import data as datasets
from inkwash import model as models
from inkwash.config.recipe import Recipe
from inkwash.core import SAMPLERS, EmpiricalDenoiser
from inkwash.core.samplers import parse
from inkwash.data import encode
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError, unknown_name
from inkwash.io import checkpoints
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.sampling.run import SamplingSettings, labels_for, sample_batches
from inkwash.web.lru_cache import Held

KEPT = 3
"""Models held in memory at once; the one unused for longest goes."""
WARM = 20
"""Images that are drawn once before anyone asks: kernels are chosen by size."""
RESTING = 60.0
"""Seconds without a line in its metrics after which a run that never said its end counts as killed."""


def described(recipe: Recipe, spec: DatasetSpec, step: int) -> dict[str, Any]:
    """Return what the page must know of a model to ask for what it can do, plain values."""
    kind, steps = parse(recipe.sampling.sampler)
    rows = recipe.schedule.rows
    return {
        "about": recipe.about,
        "recipe": recipe.name,
        "step": step,
        "data": spec.data,
        "shape": list(spec.shape),
        "classes": list(spec.classes),
        "conditional": recipe.network.conditional,
        "network": recipe.network.kind,
        "target": recipe.target,
        "sampler": kind,
        "steps": steps or SAMPLERS[kind].steps or rows or 50,
        "most_steps": min(rows or 1000, 1000),
        "guidance": recipe.sampling.guidance,
        "guidable": recipe.network.conditional and recipe.training.label_dropout > 0,
        "learnt_guidance": recipe.training.guidance,
    }


@lru_cache(maxsize=256)
def _header(folder: Path, written: float) -> dict[str, Any]:
    """The header of the checkpoint that will be drawn from; its numbers are read to know, once a time it is `written`."""
    return checkpoints.newest(folder).checkpoint.header


@dataclass(frozen=True)
class Entry:
    """One model by its `name`: where its run folder is, and whether it came with inkwash."""

    name: str
    folder: RunFolder
    bundled: bool
    made: float = 0.0

    @property
    def source(self) -> str | None:
        """What the command line calls it: a bundled name, or where its folder lies, None where that is nobody's business."""
        if self.bundled:
            return self.name
        return None if self.folder.path.is_absolute() else str(self.folder.path)

    @cached_property
    def header(self) -> dict[str, Any]:
        """The facts and the recipe of its checkpoint, the furthest whole one where the latest is damaged.

        Raises `InkwashError` when none is whole.
        """
        if self.bundled:
            return checkpoints.header(self.folder.latest)
        return _header(self.folder.checkpoints, self.written)

    def describe(self) -> dict[str, Any]:
        """Return what the page says of it, plain values; a damaged checkpoint is told as such."""
        told: dict[str, Any] = {"name": self.name, "bundled": self.bundled, "training": self.training}
        try:
            recipe, spec = (
                Recipe.from_dict(self.header["recipe"], net_known=False),
                DatasetSpec.from_dict(self.header["facts"]),
            )
        except InkwashError as error:
            return told | {"broken": str(error)}
        return told | described(recipe, spec, self.header["progress"]["step"])

    @property
    def training(self) -> bool:
        """Whether it is being trained: its session has not said its end, and its metrics were written to a moment ago."""
        try:
            # a clock that was set back since makes no run one that trains
            fresh = not self.bundled and abs(time.time() - self.folder.metrics.stat().st_mtime) < RESTING
            return fresh and any(session["until_step"] is None for session in self.folder.sessions()[-1:])
        except (OSError, InkwashError, LookupError):
            return False

    @property
    def trained_on(self) -> str | None:
        """What its recipe says that it is trained on, as whoever started it gave it."""
        try:
            return str(self.folder.written_recipe()["data"]["name"])
        except (OSError, InkwashError, LookupError):
            return None

    @property
    def written(self) -> float:
        """When its checkpoint was written."""
        try:
            return self.folder.latest.stat().st_mtime
        except OSError:
            return 0.0


def _free(name: str, taken: Container[str]) -> str:
    """Return `name`, or with the first number after it that makes it one of its own."""
    numbered = (name if k == 1 else f"{name} ({k})" for k in count(1))
    return next(each for each in numbered if each not in taken)


@dataclass
class Catalog:
    """The bundled models, and the run folders that were `named` or lie in `root`; `data` is where data is looked for first."""

    named: tuple[Path, ...] = ()
    root: Path | None = None
    data: str | None = None
    _entries: dict[str, Entry] = field(default_factory=dict)
    _models: Held[tuple[str, float], Model] = field(default_factory=lambda: Held(KEPT))
    _exact: Held[str, EmpiricalDenoiser | None] = field(default_factory=lambda: Held(1))

    def __post_init__(self) -> None:
        for path in self.named:
            RunFolder.open(path)
        self.entries()

    def entries(self) -> list[Entry]:
        """Return all of them, in the order that they are offered in; folders that are new by now are found."""
        bundled = [name for name in models.bundled()]
        found = {name: RunFolder(models.find(name).parent.parent) for name in bundled}
        held = sorted(self.root.iterdir()) if self.root is not None and self.root.is_dir() else []
        for path in (*self.named, *held):
            folder = RunFolder(path)
            if folder.recipe.is_file() and checkpoints.kept(folder.checkpoints) and folder not in found.values():
                found[_free(path.resolve().name, found)] = folder
        fresh: dict[str, Entry] = {}
        for name, folder in found.items():
            made = Entry(name, folder, name in bundled).written
            before = self._entries.get(name)
            kept = before is not None and before.folder == folder and before.made == made
            fresh[name] = before if kept and before is not None else Entry(name, folder, name in bundled, made)
        # at one go: others read it meanwhile
        self._entries = fresh
        known = list(fresh.values())
        # the usual one, runs from the newest on, the other bundled ones
        return sorted(
            known, key=lambda entry: (entry.name != USUAL, entry.bundled, 0 if entry.bundled else -entry.written)
        )

    def entry(self, name: str) -> Entry:
        """Return the one called `name`. Raises `UsageError` with the nearest name when there is none."""
        if name not in self._entries:
            self.entries()
        if name not in self._entries:
            raise unknown_name("model", name, self._entries)
        return self._entries[name]

    def model(self, name: str) -> Model:
        """Return a model ready to draw from; of a run that trains, its newest checkpoint. Raises as `model.load` does."""
        entry = self.entry(name)
        return self._models.get((name, entry.written), lambda: models.load(entry.folder.path))

    def warm(self) -> None:
        """Load the usual model and draw from it once, so that the first to ask waits no longer than the next."""
        model = self.model(USUAL)
        for _ in sample_batches(
            model, torch.arange(WARM), labels_for(model, torch.arange(WARM)), SamplingSettings(steps=1)
        ):
            pass

    def exact(self, name: str) -> EmpiricalDenoiser:
        """Return the exact denoiser of a model's train set. Raises `UsageError` when its data is not on this machine."""
        entry = self.entry(name)
        spec = DatasetSpec.from_dict(entry.header["facts"])
        found = self._exact.get(spec.sha256, lambda: self._find(spec, entry.trained_on))
        if found is None:
            raise UsageError(
                f"exact: {spec.data}, which {name} learnt, was not found; start with 'inkwash serve --data' and its folder"
            )
        return found

    def _find(self, spec: DatasetSpec, trained_on: str | None) -> EmpiricalDenoiser | None:
        size = spec.shape[-1] if not spec.is_points else None
        for name in dict.fromkeys((self.data, trained_on, spec.data)):
            try:
                found = None if name is None else datasets.local(name, size)
            except InkwashError:
                found = None
            if found is not None and found.sha256 == spec.sha256:
                values = found.values.float() if spec.is_points else encode(found.values)
                return EmpiricalDenoiser(values, found.labels)
        return None
