"""Samples to be judged, drawn once: kept in the cache by weights, settings and seeds, so that what was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkwash import __version__
from inkwash.config import plugins
from inkwash.config.schema import encode_schedule
from inkwash.core import Sampler
from inkwash.distributed.process_group import ProcessGroup
from inkwash.hardware import devices
from inkwash.io import cache, npz
from inkwash.io.atomic import atomic
from inkwash.io.cache import optional_writes
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve, sampler_for

CHUNK = 200
BATCH = 100
TIMED = 6
"""Steps that are timed, after the first."""

Progress = Callable[[float], object]


class Samples(NamedTuple):
    """Drawn examples with the labels that were asked for, None without; and the network evaluations of each."""

    values: Tensor
    asked: Tensor | None
    evaluations: float


@dataclass(frozen=True, eq=False)
class Setting:
    """A model with one way to draw from it; labels come in the train set's proportions, image i has the seed i."""

    model: Model
    settings: SampleRequest

    @property
    def sampler(self) -> Sampler:
        """The sampler with every default settled. Raises `UsageError` for what the model cannot do."""
        return sampler_for(self.settings, self.model)

    @property
    def guidance(self) -> float:
        """The weight of guidance, 1 for none."""
        own = self.model.recipe.sampling.guidance
        return own if self.settings.guidance is None else self.settings.guidance

    @property
    def words(self) -> str:
        """The setting in a few words, as in "ddim-300 ddim:50" or "cfg-cosine dpm++2m:20 w 1.5"."""
        parts = [self.model.name, self.sampler_words]
        return " ".join(parts)

    @property
    def sampler_words(self) -> str:
        """Sampler, steps, and what differs from the usual."""
        s, sampler = self.settings, self.sampler
        more = {
            "w": f"{self.guidance:g}" if self.model.conditional else None,
            "eta": None if s.eta is None else f"{s.eta:g}",
            "temperature": None if s.temperature == 1 else f"{s.temperature:g}",
            "on": None if s.schedule is None else type(s.schedule).__name__.lower(),
        }
        told = [f"{key} {value}" for key, value in more.items() if value is not None]
        return " ".join([f"{sampler.kind}:{sampler.steps}", *told])

    @property
    def precision(self) -> str:
        """What the network computes in, as in "float32"."""
        return str(self._cast or torch.float32).removeprefix("torch.")

    @property
    def _cast(self) -> torch.dtype | None:
        return devices.precision(self.settings.precision, self.model.device)

    def identity(self) -> dict[str, Any]:
        """Return all that decides the samples besides their seeds, as plain values."""
        s, sampler, recipe = self.settings, self.sampler, self.model.recipe.to_dict()
        # another device rounds otherwise and takes other seconds; the user's code may be behind any name below
        place, own = self.model.device.type, plugins.hashes()
        special = ({} if place == "cpu" else {"device": place}) | ({"own code": own} if own else {})
        return special | {
            "inkwash": __version__,
            "weights": self.model.weights,
            # the same weights under another recipe draw other images
            "recipe": {part: recipe[part] for part in ("target", "network", "schedule", "sampling")},
            "data": self.model.spec.sha256,
            "sampler": [sampler.kind, sampler.steps, sampler.eta, sampler.temperature],
            "schedule": encode_schedule(sampler.schedule) if s.schedule is not None else "model",
            "guidance": [self.guidance, *s.interval],
            "clip": recipe["clip"] or None if s.clip is None else s.clip,
            "precision": str(self._cast),
        }

    @property
    def folder(self) -> Path:
        """Where its samples are kept."""
        key = hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()
        return cache.folder() / "samples" / key[:24]

    def seconds_for(self, count: int) -> float:
        """Return a guess of the seconds that drawing `count` examples will take, less what is drawn already.

        Times some steps of one batch.
        """
        missing = count - sum(min(_held(path), stop - start) for path, start, stop in self._chunks(count))
        return missing * self.pace() if missing > 0 else 0.0

    def pace(self) -> float:
        """Return the seconds that one example takes in a batch of 100, timed now: some steps, carried on to all of them.

        Not of when the cache was filled, on a machine that was perhaps busy: settings compare as they are timed together.
        """
        path = resolve(replace(self.settings, n=BATCH), self.model).frames()
        moments = [time.perf_counter()]
        for frame in islice(path, 1 + TIMED):
            # a value read, so that an accelerator has done the step and not only heard of it
            frame.x.flatten()[0].item()
            moments.append(time.perf_counter())
        spans = [after - before for before, after in pairwise(moments)]
        # the first step pays for what later ones find ready; of a single step there is no other
        later = spans[1 : self.sampler.steps] or spans[:1]
        # the fastest: other work on the machine only ever makes a step longer
        return min(later) * self.sampler.steps / BATCH

    def samples(self, count: int, progress: Progress | None = None) -> Samples:
        """Return the examples of seeds 0 to `count` - 1, drawn now where the cache has them not.

        `progress(done)` hears how many there are. Raises `UsageError` for settings that the model cannot follow.
        """
        parts = [self._chunk(path, start, stop, progress) for path, start, stop in self._chunks(count)]
        values = torch.cat([part.values for part in parts])
        labels = torch.cat([part.labels for part in parts])
        drawn = sum(len(part.values) for part in parts)
        asked = labels if self.model.conditional else None
        evaluations = sum(part.evaluations for part in parts) / drawn
        return Samples(values[:count], None if asked is None else asked[:count], evaluations)

    def share(self, count: int, process_group: ProcessGroup, progress: Progress | None = None) -> None:
        """Draw this process's share of what `samples` will ask for, and return once all of them have theirs.

        `progress` hears of the own share as if it were all.
        """
        mine = list(self._chunks(count))[process_group.rank :: process_group.world_size]
        for place, (path, start, stop) in enumerate(mine):
            self._chunk(path, start, stop, None)
            if progress is not None:
                progress(count * (place + 1) // len(mine))
        process_group.barrier()

    def _chunks(self, count: int) -> Iterator[tuple[Path, int, int]]:
        for start in range(0, count, CHUNK):
            yield self.folder / f"{start:08d}.npz", start, min(count, start + CHUNK)

    def _chunk(self, path: Path, start: int, stop: int, progress: Progress | None) -> _Part:
        kept = _load(path)
        have = 0 if kept is None else len(kept.values)
        if kept is None or have < stop - start:
            fresh = self._draw(torch.arange(start + have, stop), progress)
            kept = fresh if kept is None else kept.and_more(fresh)
            with optional_writes():
                _save(path, kept)
        if progress is not None:
            progress(stop)
        return kept

    def _draw(self, seeds: Tensor, progress: Progress | None) -> _Part:
        first = int(seeds[0])
        run = resolve(replace(self.settings, seed=first, n=len(seeds)), self.model)
        with _counted(self.model.net) as rows:
            told = None if progress is None else lambda done: progress(first + done)
            drawn = list(run.batches(BATCH, told))
        return _Part(torch.cat([d.values for d in drawn]), run.labels, float(rows[0]))


class _Part(NamedTuple):
    """A chunk: examples, labels, and the network evaluations that all of them took."""

    values: Tensor
    labels: Tensor
    evaluations: float

    def and_more(self, other: _Part) -> _Part:
        """Return this chunk with `other` after it."""
        values, labels = torch.cat([self.values, other.values]), torch.cat([self.labels, other.labels])
        return _Part(values, labels, self.evaluations + other.evaluations)


@contextmanager
def _counted(net: torch.nn.Module) -> Iterator[list[int]]:
    """Yield a list whose one number counts the examples that pass through `net`."""
    rows = [0]

    def count(module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        rows[0] += len(given[0])

    handle = net.register_forward_pre_hook(count)
    try:
        yield rows
    finally:
        handle.remove()


def _load(path: Path) -> _Part | None:
    """Return a chunk, or None where there is none or its file is damaged: it is then drawn again."""
    if not path.is_file():
        return None
    try:
        held = npz.read(path.read_bytes())
        return _Part(torch.from_numpy(held["values"]), torch.from_numpy(held["labels"]), float(held["evaluations"]))
    except npz.DAMAGES:
        return None


def _held(path: Path) -> int:
    part = _load(path)
    return 0 if part is None else len(part.values)


def _save(path: Path, part: _Part) -> None:
    evaluations = np.array(part.evaluations)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, values=part.values.numpy(), labels=part.labels.numpy(), evaluations=evaluations)
