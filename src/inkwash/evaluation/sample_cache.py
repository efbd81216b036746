"""A model with its sampling settings, and a cache of its samples keyed by weights, settings and seeds."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
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
from inkwash.config.registry_sections import encode_schedule
from inkwash.core import Sampler
from inkwash.distributed.process_group import ProcessGroup
from inkwash.hardware import devices
from inkwash.io import cache, npz
from inkwash.io.atomic import atomic
from inkwash.io.cache import optional_writes
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve, sampler_for
from inkwash.text.progress import ProgressCallback

CHUNK = 200
"""Samples in one file of the cache; an interrupted evaluation loses at most one chunk."""
BATCH = 100
TIMED_STEPS = 6
"""Steps that are timed, after the first."""


class CachedSamples(NamedTuple):
    """Samples with their requested classes, None for an unconditional model, and network evaluations per sample."""

    values: Tensor
    labels: Tensor | None
    evaluations: float


@dataclass(frozen=True, eq=False)
class Setting:
    """A model with sampling settings. Sample i has the seed i; labels have the train set's proportions."""

    model: Model
    request: SampleRequest

    @property
    def sampler(self) -> Sampler:
        """The sampler with all defaults resolved. Raises `UsageError` for one that the model does not support."""
        return sampler_for(self.request, self.model)

    def require_supported(self) -> None:
        """Raise `UsageError` for a sampler, guidance or precision that the model does not support."""
        _ = self.sampler
        self.model.denoiser(self.request.guidance, self.request.interval, self.request.clip, self.request.precision)

    @property
    def guidance(self) -> float:
        """The guidance weight, 1 without guidance."""
        default = self.model.recipe.sampling.guidance
        return default if self.request.guidance is None else self.request.guidance

    @property
    def name(self) -> str:
        """Model and sampler, as in "ddim-300 ddim:50" or "cfg-cosine dpm++2m:20 w 1.5"."""
        return f"{self.model.name} {self.sampler_name}"

    @property
    def sampler_name(self) -> str:
        """Sampler, steps, and the settings that differ from the defaults."""
        s, sampler = self.request, self.sampler
        options = {
            "w": f"{self.guidance:g}" if self.model.conditional else None,
            "eta": None if s.eta is None else f"{s.eta:g}",
            "temperature": None if s.temperature == 1 else f"{s.temperature:g}",
            "on": None if s.schedule is None else type(s.schedule).__name__.lower(),
        }
        given = [f"{key} {value}" for key, value in options.items() if value is not None]
        return " ".join([f"{sampler.kind}:{sampler.steps}", *given])

    @property
    def precision(self) -> str:
        """The floating-point type that the network computes in, as in "float32"."""
        return str(self._autocast or torch.float32).removeprefix("torch.")

    @property
    def _autocast(self) -> torch.dtype | None:
        return devices.precision(self.request.precision, self.model.device)

    def identity(self) -> dict[str, Any]:
        """Return everything but the seeds that determines the samples, as plain values."""
        s, sampler, recipe = self.request, self.sampler, self.model.recipe.to_dict()
        # other devices round differently, and plugins may define any of the names below
        device, plugin_hashes = self.model.device.type, plugins.hashes()
        optional = ({} if device == "cpu" else {"device": device}) | (
            {"own code": plugin_hashes} if plugin_hashes else {}
        )
        return optional | {
            "inkwash": __version__,
            "weights": self.model.weights,
            # the same weights give other samples with another recipe
            "recipe": {part: recipe[part] for part in ("target", "network", "schedule", "sampling")},
            "data": self.model.spec.sha256,
            "sampler": [sampler.kind, sampler.steps, sampler.eta, sampler.temperature],
            "schedule": encode_schedule(sampler.schedule) if s.schedule is not None else "model",
            "guidance": [self.guidance, *s.interval],
            "clip": recipe["clip"] or None if s.clip is None else s.clip,
            "precision": str(self._autocast),
        }

    @property
    def folder(self) -> Path:
        """The folder of its samples in the cache."""
        key = hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()
        return cache.folder() / "samples" / key[:24]

    def estimated_seconds(self, count: int) -> float:
        """Return the estimated seconds of sampling those of `count` samples that are not cached; times some steps."""
        missing = count - sum(min(_cached_count(path), stop - start) for path, start, stop in self._chunks(count))
        return missing * self.seconds_per_sample() if missing > 0 else 0.0

    def seconds_per_sample(self) -> float:
        """Return the seconds of one sample in a batch of 100, extrapolated from some steps that are timed now.

        Times stored with the cache would not be comparable: other settings were timed on another day.
        """
        trajectory = resolve(replace(self.request, n=BATCH), self.model).frames()
        times = [time.perf_counter()]
        for frame in islice(trajectory, 1 + TIMED_STEPS):
            # reading a value waits for an accelerator to finish the step
            frame.x.flatten()[0].item()
            times.append(time.perf_counter())
        durations = [after - before for before, after in pairwise(times)]
        # the first step includes warm-up; a single-step sampler has no other
        later = durations[1 : self.sampler.steps] or durations[:1]
        # the minimum, because other processes only make a step slower
        return min(later) * self.sampler.steps / BATCH

    def samples(self, count: int, progress: ProgressCallback | None = None) -> CachedSamples:
        """Return the samples of seeds 0 to `count` - 1, read from the cache or sampled now and cached.

        `progress` is called with the number of samples done. Raises `UsageError` for unsupported settings.
        """
        chunks = [self._chunk(path, start, stop, progress) for path, start, stop in self._chunks(count)]
        values = torch.cat([chunk.values for chunk in chunks])[:count]
        labels = torch.cat([chunk.labels for chunk in chunks])[:count] if self.model.conditional else None
        evaluations = sum(chunk.evaluations for chunk in chunks) / sum(len(chunk.values) for chunk in chunks)
        return CachedSamples(values, labels, evaluations)

    def sample_shard(self, count: int, process_group: ProcessGroup, progress: ProgressCallback | None = None) -> None:
        """Sample this process's share of `count` samples into the cache, and wait until all processes are done.

        `progress` is called with the share's fraction done, times `count`.
        """
        shard = list(self._chunks(count))[process_group.rank :: process_group.world_size]
        for done, (path, start, stop) in enumerate(shard, start=1):
            self._chunk(path, start, stop, None)
            if progress is not None:
                progress(count * done // len(shard))
        process_group.barrier()

    def _chunks(self, count: int) -> Iterator[tuple[Path, int, int]]:
        for start in range(0, count, CHUNK):
            yield self.folder / f"{start:08d}.npz", start, min(count, start + CHUNK)

    def _chunk(self, path: Path, start: int, stop: int, progress: ProgressCallback | None) -> _Chunk:
        cached = _load(path)
        have = 0 if cached is None else len(cached.values)
        if cached is None or have < stop - start:
            added = self._sample(start + have, stop, progress)
            cached = added if cached is None else cached.extended(added)
            with optional_writes():
                _save(path, cached)
        if progress is not None:
            progress(stop)
        return cached

    def _sample(self, start: int, stop: int, progress: ProgressCallback | None) -> _Chunk:
        run = resolve(replace(self.request, seed=start, n=stop - start), self.model)
        report = None if progress is None else lambda done: progress(start + done)
        with _counted_evaluations(self.model.net) as counter:
            batches = list(run.batches(BATCH, report))
        return _Chunk(torch.cat([batch.values for batch in batches]), run.labels, float(counter[0]))


class _Chunk(NamedTuple):
    """One file of the cache: values, labels, and the network evaluations of all its samples."""

    values: Tensor
    labels: Tensor
    evaluations: float

    def extended(self, other: _Chunk) -> _Chunk:
        """Return this chunk followed by `other`."""
        values, labels = torch.cat([self.values, other.values]), torch.cat([self.labels, other.labels])
        return _Chunk(values, labels, self.evaluations + other.evaluations)


@contextmanager
def _counted_evaluations(net: torch.nn.Module) -> Iterator[list[int]]:
    """Yield a list of one number, which counts the examples that pass through `net`."""
    counter = [0]

    def count(module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
        counter[0] += len(inputs[0])

    handle = net.register_forward_pre_hook(count)
    try:
        yield counter
    finally:
        handle.remove()


def _load(path: Path) -> _Chunk | None:
    """Return a chunk, None where its file is missing or damaged and it has to be sampled again."""
    if not path.is_file():
        return None
    try:
        arrays = npz.read(path.read_bytes())
        values, labels = (torch.from_numpy(arrays[key]) for key in ("values", "labels"))
        return _Chunk(values, labels, float(arrays["evaluations"]))
    except npz.READ_ERRORS:
        return None


def _cached_count(path: Path) -> int:
    chunk = _load(path)
    return 0 if chunk is None else len(chunk.values)


def _save(path: Path, chunk: _Chunk) -> None:
    evaluations = np.array(chunk.evaluations)
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, values=chunk.values.numpy(), labels=chunk.labels.numpy(), evaluations=evaluations)
