"""The models that the page offers: bundled models and run folders of this machine, addressed by name, never by path."""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from inkwash import DEFAULT_MODEL
from inkwash import model as models
from inkwash.config.sections import DataConfig
from inkwash.core import EmpiricalDenoiser
from inkwash.data.array_pixels import ValueRange
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError, unknown_name
from inkwash.io import checkpoints
from inkwash.io.names import require_inside
from inkwash.model import Model, foreign
from inkwash.model.loading import read_recipe
from inkwash.runs.folder import RunFolder
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.web.descriptions import model_description
from inkwash.web.exact_denoisers import ExactDenoisers
from inkwash.web.lru_cache import LRUCache

FIRST_MODELS = ("one-step", DEFAULT_MODEL)
"""The models that are listed first, of those that are bundled; the first of them is the default of the page."""
MAX_LOADED = 3
"""Models in memory at once; the least recently used one is evicted."""
WARM_UP_IMAGES = 20
"""Images sampled once at the start, because kernels are chosen by size."""
STALE_AFTER = 60.0
"""Seconds without a new row of metrics after which a run without an end counts as killed."""


@lru_cache(maxsize=256)
def _header(folder: Path, written: float) -> dict[str, Any]:
    """Return the header of the newest intact checkpoint; cached until a checkpoint is `written`."""
    return checkpoints.load_newest(folder).checkpoint.header


@dataclass(frozen=True)
class CatalogEntry:
    """One model: its `name`, its run folder, and whether it is bundled with inkwash."""

    name: str
    folder: RunFolder
    bundled: bool
    checkpoint_mtime: float = 0.0

    @property
    def source(self) -> str | None:
        """Its name on the command line: a bundled name or a relative folder; None for an absolute path, which stays private."""
        if self.bundled:
            return self.name
        return None if self.folder.path.is_absolute() else str(self.folder.path)

    @cached_property
    def header(self) -> dict[str, Any]:
        """The header of its newest intact checkpoint. Raises `InkwashError` when none is intact."""
        if self.bundled or self.folder.path.is_file():
            return checkpoints.header(self.checkpoint)
        return _header(self.folder.checkpoints, self.written)

    @property
    def checkpoint(self) -> Path:
        """Its checkpoint: the latest of a run folder, or the file that takes the place of one."""
        return self.folder.path if self.folder.path.is_file() else self.folder.latest

    def describe(self) -> dict[str, Any]:
        """Return its description as plain values; for damaged checkpoints the error under "broken"."""
        found: dict[str, Any] = {"name": self.name, "bundled": self.bundled, "training": self.training}
        found["source"] = self.source
        try:
            recipe, spec = (
                read_recipe(self.header, self.name if self.bundled else None, check_network_options=False),
                DatasetSpec.from_dict(self.header["facts"]),
            )
        except InkwashError as error:
            return found | {"broken": str(error)}
        return found | model_description(recipe, spec, self.header["progress"]["step"])

    def read(self, path: Path) -> bytes:
        """Return the content of a file of the run. Raises `UsageError` for a symbolic link that leads outside of it."""
        # A run folder may come from others; the files of bundled models are links where the installer made them so.
        if not self.bundled:
            require_inside(path, self.folder.path)
        return path.read_bytes()

    @property
    def training(self) -> bool:
        """Whether it is being trained: its last session has no end, and its metrics were written recently."""
        try:
            # Use the absolute difference, because the clock may have been set back.
            fresh = not self.bundled and abs(time.time() - self.folder.metrics.stat().st_mtime) < STALE_AFTER
            return fresh and any(session["until_step"] is None for session in self.folder.sessions()[-1:])
        except (OSError, InkwashError, LookupError):
            return False

    @property
    def recipe_data(self) -> DataConfig | None:
        """The data set in its recipe, as given by the user who started it."""
        try:
            return DataConfig(**self.folder.read_recipe()["data"])
        except (OSError, InkwashError, LookupError):
            return None

    @property
    def written(self) -> float:
        """Modification time of its latest checkpoint, 0 when there is none."""
        try:
            return self.checkpoint.stat().st_mtime
        except OSError:
            return 0.0


def _free(name: str, taken: Container[str]) -> str:
    """Return `name`, with the first number appended that makes it unique."""
    numbered = (name if k == 1 else f"{name} ({k})" for k in count(1))
    return next(each for each in numbered if each not in taken)


@dataclass
class Catalog:
    """The bundled models and the run folders `named` or inside `root`; `data` is searched first for training data.

    `value_range` gives the values of black and white in `data`, by default those in the recipe of a model.
    """

    named: tuple[Path, ...] = ()
    root: Path | None = None
    data: str | None = None
    value_range: ValueRange | None = None
    _entries: dict[str, CatalogEntry] = field(default_factory=dict)
    _models: LRUCache[tuple[str, float], Model] = field(default_factory=lambda: LRUCache(MAX_LOADED))
    _exact: ExactDenoisers = field(default_factory=ExactDenoisers)

    def __post_init__(self) -> None:
        for path in self.named:
            if path.is_file():
                foreign.require_own(models.find(path))
            else:
                RunFolder.open(path)
        self.entries()

    def entries(self) -> list[CatalogEntry]:
        """Return all entries in the order of display; the run folders are listed anew at each call."""
        bundled = models.bundled()
        found = {name: RunFolder(models.find(name).parent.parent) for name in bundled}
        folders = sorted(self.root.iterdir()) if self.root is not None and self.root.is_dir() else []
        for path in (*self.named, *folders):
            folder = RunFolder(path)
            trained = folder.recipe.is_file() and checkpoints.files_in(folder.checkpoints)
            if ((path.is_file() and path in self.named) or trained) and folder not in found.values():
                found[_free(path.resolve().name.removesuffix(".safetensors"), found)] = folder
        fresh: dict[str, CatalogEntry] = {}
        for name, folder in found.items():
            written = CatalogEntry(name, folder, name in bundled).written
            before = self._entries.get(name)
            kept = before is not None and before.folder == folder and before.checkpoint_mtime == written
            fresh[name] = (
                before if kept and before is not None else CatalogEntry(name, folder, name in bundled, written)
            )
        # Use one assignment, because other threads read it meanwhile.
        self._entries = fresh
        known = list(fresh.values())
        first = [name for name in FIRST_MODELS if name in bundled]

        # List the first models, then runs from the newest on, then the other bundled models.
        def order(entry: CatalogEntry) -> tuple[int, bool, float]:
            rank = first.index(entry.name) if entry.name in first else len(first)
            return rank, entry.bundled, 0 if entry.bundled else -entry.written

        return sorted(known, key=order)

    def entry(self, name: str) -> CatalogEntry:
        """Return the entry called `name`. Raises `UsageError` with the nearest name when there is none."""
        if name not in self._entries:
            self.entries()
        if name not in self._entries:
            raise unknown_name("model", name, self._entries)
        return self._entries[name]

    def model(self, name: str) -> Model:
        """Return a loaded model, of a run in training its newest checkpoint. Raises as `model.load` does."""
        entry = self.entry(name)
        return self._models.get((name, entry.written), lambda: models.load(entry.folder.path))

    def warm_up(self) -> None:
        """Load the default model and sample once, so that the first request is as fast as the next ones."""
        model = self.model(self.entries()[0].name)
        for _ in resolve(SampleRequest(n=WARM_UP_IMAGES, steps=1), model).batches():
            pass

    def exact(self, name: str) -> EmpiricalDenoiser:
        """Return the exact denoiser of a model's training set. Raises `UsageError` when its data is not on this machine."""
        entry = self.entry(name)
        spec = DatasetSpec.from_dict(entry.header["facts"])
        known = entry.recipe_data or DataConfig(spec.data)
        own = (self.data, self.value_range or known.range)
        found = self._exact.of_training_set(spec, [own, (known.name, known.range), (spec.data, None)])
        if found is None:
            raise UsageError(
                f"the training data of {name} ({spec.data}) was not found; start with inkwash serve --data FOLDER",
                code="missing-file",
                field="exact",
            )
        return found

    def exact_or_sampled(self, name: str) -> tuple[EmpiricalDenoiser, bool]:
        """Return the exact denoiser of a model's training set and False, or of samples of the model and True."""
        try:
            return self.exact(name), False
        except InkwashError:
            return self._exact.of_samples((name, self.entry(name).written), self.model(name)), True
