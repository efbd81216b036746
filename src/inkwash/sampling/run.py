"""Sampling: a request is resolved against a model, and one loop yields frames or batches of samples.

Every sample has its own seed, so that it is the same in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import nan
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from inkwash import __version__
from inkwash.core import Denoiser, Encoding, Frame, Labelled, Sampler, WithAttributes, encode
from inkwash.core.rng import Stream, normals
from inkwash.core.shapes import NULL_LABEL, Images, Labels, SampleValues, Seeds
from inkwash.data import decode
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling import encoding
from inkwash.sampling.attributes import assign_attributes
from inkwash.sampling.editing import Interpolation, Morph
from inkwash.sampling.labels import assign_labels, requested_labels, with_names
from inkwash.sampling.request import SampleRequest
from inkwash.text.progress import ProgressCallback

ImageArrays = UInt8[np.ndarray, "batch height width"] | UInt8[np.ndarray, "batch height width channels"]


class DefaultCounts(NamedTuple):
    """Number of samples when the request has no `n`, by kind of request."""

    images: int = 64
    points: int = 2000
    per_label: int = 10
    interpolation: int = 10


class SampleBatch(NamedTuple):
    """A batch of finished examples with their labels and seeds."""

    values: SampleValues
    labels: Labels
    seeds: Seeds

    def images(self) -> ImageArrays:
        """Return the images as [B, H, W] for grey ones, [B, H, W, C] for colour."""
        return to_arrays(self.values)


@dataclass(frozen=True, eq=False)
class SamplingRun:
    """A request resolved against a model: sampler and denoiser, built once, and the seeds and labels of all examples.

    `num_requested_labels` is the number of labels requested, at least 1; labels are assigned cyclically.
    `attributes` [N, A] are those of all examples, standardized, NaN where not requested; None where none is.
    `source` are the labels [N] and attributes [N, A] that an encoded image is encoded with; None for other requests.
    """

    request: SampleRequest
    model: Model
    sampler: Sampler
    denoiser: Denoiser
    seeds: Seeds
    labels: Labels
    num_requested_labels: int = 1
    interpolation: Interpolation | Morph | None = None
    attributes: Tensor | None = None
    source: tuple[Labels, Tensor | None] | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def encodes_without_class(self) -> bool:
        """Whether attributes of an encoded image are edited without its class, which often changes the class."""
        if self.source is None or not self.request.attributes:
            return False
        return self.model.conditional and bool((self.source[0] == NULL_LABEL).all())

    @property
    def num_requested(self) -> int:
        """The number of images in which each requested label and attribute value is sampled, at least 1."""
        several = [len(value) for value in (self.request.attributes or {}).values() if isinstance(value, tuple)]
        return max(self.num_requested_labels, *several) if several else self.num_requested_labels

    @property
    def omission(self) -> str | None:
        """What is requested and not sampled: there are fewer images than labels or attribute values; None for nothing."""
        if self.num_requested <= len(self):
            return None
        return f"of {self.num_requested} requested labels or attribute values {len(self)} are sampled"

    def subset(self, span: slice) -> SamplingRun:
        """Return a run of the examples in `span`."""
        interpolation = None if self.interpolation is None else self.interpolation.subset(span)
        attributes = None if self.attributes is None else self.attributes[span]
        source = None
        if self.source is not None:
            labels, values = self.source
            source = labels[span], None if values is None else values[span]
        return replace(
            self,
            seeds=self.seeds[span],
            labels=self.labels[span],
            interpolation=interpolation,
            attributes=attributes,
            source=source,
        )

    @torch.inference_mode()
    def frames(self) -> Iterator[Frame]:
        """Yield the frames of all examples as one batch, from noise to samples."""
        labelled, edit = self._conditioned(self.labels, self.attributes), self.request.edit
        denoiser = labelled if self.interpolation is None else self.interpolation.denoiser(labelled)
        init_image: Tensor | float = 0.0
        if edit is not None:
            denoiser, init_image = edit.inpainted(denoiser, self.model.device), edit.start(self.model.device)
        noise = self._noise if self.source is None else self.encoding().noises.__getitem__
        yield from self.sampler(denoiser, noise, init_image)

    @torch.inference_mode()
    def encoding(self) -> Encoding:
        """Return the noises of the encoded image for each example, and its reconstruction from them."""
        edit, device = self.request.edit, self.model.device
        assert edit is not None and self.source is not None
        images = edit.start(device).expand(len(self), *self.model.spec.shape)
        return encode(self.sampler, edit.inpainted(self._conditioned(*self.source), device), images, self._noise)

    def reconstruction_error(self) -> float | None:
        """Return the RMS difference in grey levels of the encoded image and its reconstruction; None for other requests."""
        if self.source is None or self.request.edit is None:
            return None
        found = to_output(self.model, self.subset(slice(1)).encoding().reconstruction)
        return float((found - self.request.edit.image.float()).square().mean().sqrt())

    def _conditioned(self, labels: Labels, attributes: Tensor | None) -> Labelled:
        """Return the denoiser conditioned on labels and attributes."""
        device = self.model.device
        has_labels = self.model.conditional and bool((labels != NULL_LABEL).any())
        base = self.denoiser if attributes is None else WithAttributes(self.denoiser, attributes.to(device))
        return Labelled(base, labels.to(device) if has_labels else None)

    def _noise(self, step: int) -> Images:
        """Return the standard normals of all examples for a step, 0 for the start."""

        def seed_noise(seeds: Tensor) -> Tensor:
            return normals(seeds, 0, step, Stream.SAMPLE, self.model.spec.shape)

        noise = (
            seed_noise(self.seeds) if self.interpolation is None else self.interpolation.noise(self.seeds, seed_noise)
        )
        return noise.to(self.model.device)

    def batches(self, size: int = 64, progress: ProgressCallback | None = None) -> Iterator[SampleBatch]:
        """Yield the finished examples in batches of at most `size`; memory does not grow with their number.

        `progress(done)` is called before each step and at the end of each batch with the number of finished examples; `done`
        is fractional within a batch.
        """
        for first in range(0, len(self), size):
            batch = self.subset(slice(first, first + size))
            for step, frame in enumerate(batch.frames()):
                if progress is not None:
                    progress(first + step * len(batch) / self.sampler.steps)
                # The last frame holds the samples.
                samples = frame.x
            yield SampleBatch(to_output(self.model, samples), batch.labels, batch.seeds)

    def metadata(self) -> dict[str, Any]:
        """Return the model, its weights, the sampler and the request as plain values, from which it can be repeated."""
        sampler = f"{self.sampler.kind}:{self.sampler.steps}"
        return self.model.metadata() | {
            "inkwash": __version__,
            "sampler": sampler,
            "request": with_names(self.request, self.model.spec.classes).to_dict(),
        }


def resolve(request: SampleRequest, model: Model, counts: DefaultCounts | None = None) -> SamplingRun:
    """Return `request` with all defaults of `model`, its sampler and its denoiser.

    Raises `UsageError` for what the model cannot do and for settings without effect.
    """
    edit = request.edit
    if edit is not None and edit.encode:
        request = encoding.with_defaults(request, model)
    sampler = sampler_for(request, model)
    denoiser = model.denoiser(request.guidance, request.interval, request.clip, request.precision)
    labels_from, labels_to = requested_labels(request, model.spec.classes)
    num_requested = 1 if labels_from is None else len(labels_from)
    interpolates = request.seed_to is not None or labels_to is not None
    seeds = _seeds(request, counts or DefaultCounts(), model.spec.is_points, interpolates, num_requested)
    labels = assign_labels(model, seeds, labels_from)
    if model.conditional and (labels == NULL_LABEL).all() and request.guidance not in (None, 1):
        message = f"guidance {request.guidance:g} has no effect without a label: leave guidance out, or give a label"
        raise UsageError(message, code="no-effect", field="guidance")
    interpolation = None
    if interpolates:
        end_seeds = seeds if request.seed_to is None else torch.full_like(seeds, request.seed_to)
        end_labels = assign_labels(model, end_seeds, labels_from if labels_to is None else labels_to)
        if ((end_labels == NULL_LABEL) != (labels == NULL_LABEL)).any():
            message = "label 'none' cannot be interpolated with a class: name a class at both ends"
            raise UsageError(message, code="conflict", field="label")
        interpolation = Interpolation.evenly(end_seeds, end_labels)
    attributes = assign_attributes(model, len(seeds), request.attributes, request.extrapolate)
    source = None
    if edit is not None and edit.encode:
        # Of several labels none is known to be that of the image.
        classes = {*(labels_from or ()), *(labels_to or ())}
        source_labels = labels if len(classes) == 1 else torch.full_like(labels, NULL_LABEL)
        own = None
        if model.spec.attributes:
            own = encoding.attributes_of(model, edit.image[None]).repeat(len(seeds), 1)
            own, attributes = encoding.conditions(
                model, own, torch.full_like(own, nan) if attributes is None else attributes
            )
        source = source_labels, own
    return SamplingRun(
        request, model, sampler, denoiser, seeds, labels, num_requested, interpolation, attributes, source
    )


def sampler_for(request: SampleRequest, model: Model) -> Sampler:
    """Return the sampler of `request`. Raises `UsageError` as `Model.sampler` does, and for settings without effect."""
    sampler = model.sampler(request.sampler, request.steps, request.eta, request.temperature, request.schedule)
    if request.edit is not None:
        request.edit.require_shape(model.spec.shape)
        sampler = replace(sampler, schedule=request.edit.truncated(sampler.schedule))
        if request.edit.encode and sampler.is_deterministic:
            message = (
                f"{sampler.kind} has no fresh noise to encode an image as: use one that has, such as {encoding.SAMPLER}"
            )
            raise UsageError(message, code="unsupported", field="sampler")
    if request.temperature != 1 and sampler.is_deterministic:
        message = f"temperature has no effect on {sampler.kind}, which adds no fresh noise: leave it out"
        raise UsageError(message, code="no-effect", field="temperature")
    guidance = model.recipe.sampling.guidance if request.guidance is None else request.guidance
    if tuple(request.interval) != (0, 1) and guidance == 1:
        message = "interval has no effect without guidance: give guidance as well, or leave it out"
        raise UsageError(message, code="no-effect", field="interval")
    return sampler


def to_output(model: Model, x: Images) -> SampleValues:
    """Return a state in the form that is stored: images as uint8, points as float32."""
    x = x.cpu()
    return x if model.spec.is_points else decode(x)


def to_arrays(values: UInt8[Tensor, "batch channels height width"]) -> ImageArrays:
    """Return images as arrays [N, H, W] for one channel, [N, H, W, C] for more."""
    array = values.permute(0, 2, 3, 1).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def _seeds(
    request: SampleRequest, counts: DefaultCounts, is_points: bool, interpolates: bool, num_requested: int
) -> Seeds:
    """Return the seeds of the request, or consecutive seeds from `request.seed`; equal seeds for an interpolation."""
    if isinstance(request.seed, tuple):
        return torch.tensor(request.seed)
    default = counts.points if is_points else counts.images
    if interpolates:
        default = counts.interpolation
    elif num_requested > 1:
        default = num_requested * counts.per_label
    count = request.n or default
    return torch.full((count,), request.seed) if interpolates else request.seed + torch.arange(count)
