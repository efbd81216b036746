"""A cache of the samples of a setting: files of samples in a folder that depends on weights and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkwash.distributed.process_group import ProcessGroup
from inkwash.evaluation.setting import BATCH, Setting
from inkwash.io import cache, npz
from inkwash.io.atomic import atomic
from inkwash.io.cache import optional_writes
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.text.progress import ProgressCallback

CHUNK = 200
"""Samples in one file of the cache; an interrupted evaluation loses at most one chunk."""


class CachedSamples(NamedTuple):
    """Samples with their requested classes, None for an unconditional model, and network evaluations per sample."""

    values: Tensor
    labels: Tensor | None
    evaluations: float


@dataclass(frozen=True, eq=False)
class SampleCache:
    """The cached samples of a setting. Sample i has the seed i.

    Its label and attributes are those at i of the request, which are repeated cyclically; without a request of labels
    they have the training set's proportions.
    """

    setting: Setting

    @property
    def folder(self) -> Path:
        """The folder of the samples."""
        key = hashlib.sha256(json.dumps(self.setting.identity(), sort_keys=True).encode()).hexdigest()
        return cache.folder() / "samples" / key[:24]

    def estimated_seconds(self, count: int) -> float:
        """Return the estimated seconds of sampling those of `count` samples that are not cached; times some steps."""
        missing = self.missing(count)
        return missing * self.setting.seconds_per_sample() if missing > 0 else 0.0

    def missing(self, count: int) -> int:
        """Return how many of `count` samples are not cached."""
        return count - sum(min(_cached_count(path), stop - start) for path, start, stop in self._chunks(count))

    def samples(self, count: int, progress: ProgressCallback | None = None) -> CachedSamples:
        """Return the samples of seeds 0 to `count` - 1, read from the cache or sampled now and cached.

        `progress` is called with the number of samples done. Raises `UsageError` for unsupported settings.
        """
        chunks = [self._chunk(path, start, stop, progress) for path, start, stop in self._chunks(count)]
        values = torch.cat([chunk.values for chunk in chunks])[:count]
        labels = torch.cat([chunk.labels for chunk in chunks])[:count] if self.setting.model.conditional else None
        evaluations = sum(chunk.evaluations for chunk in chunks) / sum(len(chunk.values) for chunk in chunks)
        return CachedSamples(values, labels, evaluations)

    def parts(self, count: int) -> list[Callable[[], object]]:
        """Return a function for each chunk of `count` samples, which samples it into the cache."""
        return [partial(self._chunk, path, start, stop, None) for path, start, stop in self._chunks(count)]

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
        run = resolve(_part(self.setting.request, start, stop), self.setting.model)
        report = None if progress is None else lambda done: progress(start + done)
        with _counted_evaluations(self.setting.model.net) as counter:
            batches = list(run.batches(BATCH, report))
        return _Chunk(torch.cat([batch.values for batch in batches]), run.labels, float(counter[0]))


def sample_shard(
    caches: Sequence[tuple[SampleCache, int]], process_group: ProcessGroup, progress: ProgressCallback | None = None
) -> None:
    """Sample this process's shard of so many samples into each cache, and wait until all processes are done.

    `progress` is called with the number of all samples times the fraction of the shard that is done.
    """
    total = sum(count for _, count in caches)
    parts = [part for cache, count in caches for part in cache.parts(count)]
    shard = parts[process_group.rank :: process_group.world_size]
    for done, sample_part in enumerate(shard, start=1):
        sample_part()
        if progress is not None:
            progress(total * done // len(shard))
    process_group.barrier()


def _part(request: SampleRequest, start: int, stop: int) -> SampleRequest:
    """Return the request of the samples from `start` to before `stop` of all."""

    def part(values: Any) -> Any:
        return tuple(values[i % len(values)] for i in range(start, stop)) if isinstance(values, tuple) else values

    attributes = None if request.attributes is None else {name: part(each) for name, each in request.attributes.items()}
    return replace(request, seed=start, n=stop - start, label=part(request.label), attributes=attributes)


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
