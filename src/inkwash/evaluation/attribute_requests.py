"""Requests for attributes that a model is tested with: those of test images, each alone, and sweeps of each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float32
from torch import Tensor

from inkwash.attributes import measure
from inkwash.core.rng import Stream, permutation
from inkwash.core.shapes import Labels
from inkwash.data import Dataset
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.evaluation.setting import Setting

ALONE_SHARE, SWEEP_SHARE = 20, 100
"""Images of which each attribute is requested alone, and images in each end of a sweep, as fractions 1/n of all."""
MIN_ALONE, MIN_SWEEP = 100, 50
"""Fewest of them, where there are as many images."""
SWEEP = 0.1, 0.9
"""Ends of a sweep: quantiles of the training images of the class."""


@dataclass(frozen=True, eq=False)
class AttributeRequests:
    """The class and the attributes of `count` test images as requests; `setting` has none of its own.

    `values` are the attributes [N, A] of the test images `images`, in the order of the model's.
    """

    setting: Setting
    images: Tensor
    labels: Labels | None
    values: Float32[Tensor, "images attributes"]

    @classmethod
    def of(cls, setting: Setting, data: Dataset, count: int) -> AttributeRequests | None:
        """Return the requests of at most `count` test images of `data`, None for a model without attributes.

        It is None as well for data without a test part, or without the labels that the model needs. Images of which an
        attribute cannot be measured are left out.
        """
        specs, conditional = setting.model.spec.attributes, setting.model.conditional
        if not specs or data.test_values is None or (conditional and data.test_labels is None):
            return None
        rows = permutation(0, 0, Stream.ATTRIBUTE_REQUESTS, len(data.test_values))[:count]
        images = data.test_values[rows]
        labels = data.test_labels[rows] if conditional and data.test_labels is not None else None
        values = measure(images, [spec.name for spec in specs])
        known = ~values.isnan().any(1)
        return cls(setting, images[known], None if labels is None else labels[known], values[known])

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> list[str]:
        """The attributes of the model."""
        return [spec.name for spec in self.setting.model.spec.attributes]

    @cached_property
    def alone_count(self) -> int:
        """The number of images of which each attribute is requested alone."""
        return min(len(self), max(MIN_ALONE, len(self) // ALONE_SHARE))

    @cached_property
    def sweep_count(self) -> int:
        """The number of images at each end of a sweep."""
        return min(len(self), max(MIN_SWEEP, len(self) // SWEEP_SHARE))

    def together(self) -> Requested:
        """Return the request of all attributes of each image."""
        return self._requested(self.values)

    def alone(self, index: int) -> Requested:
        """Return the request of one attribute, the others unspecified."""
        values = torch.full_like(self.values[: self.alone_count], math.nan)
        values[:, index] = self.values[: self.alone_count, index]
        return self._requested(values)

    def sweep(self, index: int, end: int, held: Collection[str] = ()) -> Requested:
        """Return the request of one attribute at an end of its sweep, those `held` at the image's, others unspecified."""
        values = self.values[: self.sweep_count].clone()
        values[:, [name not in held for name in self.names]] = math.nan
        values[:, index] = self.sweep_ends(index)[:, end]
        return self._requested(values)

    def sweep_ends(self, index: int) -> Float32[Tensor, "images ends"]:
        """Return both ends of the sweep of an attribute for each of its images: the quantiles of the image's class.

        Those of all images would be out of reach: no one is as wide as a wide zero.
        """
        spec = self.setting.model.spec.attributes[index]
        labels = [None] * self.sweep_count if self.labels is None else self.labels[: self.sweep_count].tolist()
        return torch.tensor([[spec.quantile(fraction, label) for fraction in SWEEP] for label in labels])

    def all(self) -> Iterator[Requested]:
        """Yield everything that is to be sampled."""
        yield self.together()
        for index in range(len(self.names)):
            yield from (self.sweep(index, end, held) for held in ((), self.names) for end in range(len(SWEEP)))
            yield self.alone(index)

    @property
    def total(self) -> int:
        """The number of samples of `all`."""
        return sum(each.count for each in self.all())

    def seconds(self) -> float:
        """Return the estimated seconds of sampling those that are not cached, timing some steps."""
        missing = sum(each.cache.missing(each.count) for each in self.all())
        return missing * self.setting.seconds_per_sample() if missing else 0.0

    def _requested(self, values: Tensor) -> Requested:
        """Return a request of `values`, one row for each of the first images; columns of NaN are not requested."""
        label = None if self.labels is None else tuple(self.labels[: len(values)].tolist())
        columns = zip(self.names, values.T, strict=True)
        attributes = {name: tuple(column.tolist()) for name, column in columns if not column.isnan().any()}
        request = replace(self.setting.request, label=label, attributes=attributes, extrapolate=True)
        return Requested(SampleCache(replace(self.setting, request=request)), len(values))


@dataclass(frozen=True, eq=False)
class Requested:
    """A cache with the number of samples to take from it."""

    cache: SampleCache
    count: int
