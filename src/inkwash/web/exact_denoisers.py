"""The exact denoisers of the page: of the training set of a model where it is on this machine, else of its samples."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from inkwash import data as datasets
from inkwash.core import EmpiricalDenoiser
from inkwash.data import encode, ink
from inkwash.data.array_pixels import ValueRange
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.web.lru_cache import LRUCache

NUM_SAMPLES = 50
"""Samples of a model that stand in for its training set."""
MAX_STEPS = 10
"""Steps of these samples, of a model whose own sampler takes more."""
MAX_SAMPLED = 3

Source = tuple[str | None, ValueRange | None]


@dataclass
class ExactDenoisers:
    """Exact denoisers, the last ones kept: one of a training set, which is large, and some of samples."""

    _training: LRUCache[str, EmpiricalDenoiser | None] = field(default_factory=lambda: LRUCache(1))
    _samples: LRUCache[Hashable, EmpiricalDenoiser] = field(default_factory=lambda: LRUCache(MAX_SAMPLED))

    def of_training_set(self, spec: DatasetSpec, sources: Sequence[Source]) -> EmpiricalDenoiser | None:
        """Return the exact denoiser of the first of `sources` that has the training set of `spec`, None for none."""
        return self._training.get(spec.sha256, lambda: _find(spec, sources))

    def of_samples(self, key: Hashable, model: Model) -> EmpiricalDenoiser:
        """Return the exact denoiser of 50 samples of a model of images; `key` names its weights."""
        return self._samples.get(key, lambda: of_samples(model))


def of_samples(model: Model) -> EmpiricalDenoiser:
    """Return the exact denoiser of 50 samples of a model of images, of its classes in turn; always the same ones.

    They are sampled without guidance, in at most 10 evaluations of the network for each.
    """
    labels = tuple(range(len(model.spec.classes))) if model.conditional else None
    sampler = None if model.sampler().evaluations <= MAX_STEPS else f"dpm++2m:{MAX_STEPS}"
    request = SampleRequest(n=NUM_SAMPLES, label=labels, sampler=sampler, guidance=1.0)
    (batch,) = resolve(request, model).batches(NUM_SAMPLES)
    return EmpiricalDenoiser(encode(batch.values), batch.labels)


def _find(spec: DatasetSpec, sources: Sequence[Source]) -> EmpiricalDenoiser | None:
    size = spec.shape[-1] if not spec.is_points else None
    for name, value_range in dict.fromkeys(sources):
        try:
            found = None if name is None else datasets.load_offline(name, size, value_range)
        except InkwashError:
            found = None
        found = None if found is None else ink.of_hash(found, spec.sha256)
        if found is not None:
            values = found.values.float() if spec.is_points else encode(found.values)
            return EmpiricalDenoiser(values, found.labels)
    return None
