"""Sampling: a request is resolved against a model, and one loop yields frames or batches of samples.

Every sample has its own seed, so that it is the same in any batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkwash import __version__
from inkwash.core import Denoiser, Frame, Labelled, Sampler
from inkwash.core.rng import Stream, normals
from inkwash.data import decode
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.editing import Interpolation
from inkwash.sampling.labels import NO_LABEL, assign_labels, parse_labels, split_range
from inkwash.sampling.request import SampleRequest


class DefaultCounts(NamedTuple):
    """Numbers of samples of a request without `n`: images, points, for each of several labels, and of an interpolation."""

    images: int = 64
    points: int = 2000
    per_label: int = 10
    interpolation: int = 10


class SampleBatch(NamedTuple):
    """A batch of finished examples: uint8 images [B, C, H, W] or float32 points [B, D], labels and seeds int64 [B]."""

    values: Tensor
    labels: Tensor
    seeds: Tensor

    def images(self) -> NDArray[np.uint8]:
        """Return the images as uint8 [B, H, W] for grey ones, [B, H, W, C] for colour."""
        return to_arrays(self.values)


@dataclass(frozen=True, eq=False)
class SamplingRun:
    """A request resolved against a model: what is built once, and the seeds and labels int64 [N] of all examples.

    `num_requested_labels` is how many labels the request names, which repeat in this order.
    """

    request: SampleRequest
    model: Model
    sampler: Sampler
    denoiser: Denoiser
    seeds: Tensor
    labels: Tensor
    num_requested_labels: int = 1
    interpolation: Interpolation | None = None

    def __len__(self) -> int:
        return len(self.seeds)

    def part(self, span: slice) -> SamplingRun:
        """Return the run of some of the examples."""
        interpolation = None if self.interpolation is None else self.interpolation.part(span)
        return replace(self, seeds=self.seeds[span], labels=self.labels[span], interpolation=interpolation)

    @torch.inference_mode()
    def frames(self) -> Iterator[Frame]:
        """Yield the frames of all examples as one batch, from noise to samples."""
        device, edit, shape = self.model.device, self.request.edit, self.model.spec.shape
        conditional = self.model.conditional and bool((self.labels != NO_LABEL).any())
        labelled = Labelled(self.denoiser, self.labels.to(device) if conditional else None)
        denoiser = labelled if self.interpolation is None else self.interpolation.denoiser(labelled)
        start: Tensor | float = 0.0
        if edit is not None:
            denoiser, start = edit.inpainted(denoiser, device), edit.start(device)

        def noise(step: int) -> Tensor:
            def noise_of(seeds: Tensor) -> Tensor:
                return normals(seeds, 0, step, Stream.SAMPLE, shape)

            way = self.interpolation
            return (noise_of(self.seeds) if way is None else way.noise(self.seeds, noise_of)).to(device)

        yield from self.sampler(denoiser, noise, start)

    def batches(self, size: int = 64, progress: Callable[[float], object] | None = None) -> Iterator[SampleBatch]:
        """Yield the finished examples in batches of at most `size`; memory does not grow with their number.

        `progress(done)` is called after each step with the number of finished examples; an unfinished one counts for
        the fraction of its steps that are done.
        """
        for first in range(0, len(self), size):
            part = self.part(slice(first, first + size))
            for step, frame in enumerate(part.frames()):
                if progress is not None:
                    progress(first + step * len(part) / self.sampler.steps)
                last = frame.x
            yield SampleBatch(to_output(self.model, last), part.labels, part.seeds)

    def metadata(self) -> dict[str, Any]:
        """Return the model, its weights, the sampler and the request as plain values, from which it can be repeated."""
        sampler = f"{self.sampler.kind}:{self.sampler.steps}"
        return self.model.metadata() | {
            "inkwash": __version__,
            "sampler": sampler,
            "request": self.request.to_dict(),
        }


def resolve(request: SampleRequest, model: Model, counts: DefaultCounts | None = None) -> SamplingRun:
    """Return `request` with all defaults of `model`, its sampler and its denoiser.

    Raises `UsageError` for what the model cannot do and for settings without effect.
    """
    sampler = sampler_for(request, model)
    denoiser = model.denoiser(request.guidance, request.interval, request.clip, request.precision)
    near, far = _wanted_labels(request, model.spec.classes)
    interpolates = request.seed_to is not None or far is not None
    count = _count(request, counts or DefaultCounts(), model.spec.is_points, interpolates, len(near or ()))
    if isinstance(request.seed, tuple):
        seeds = torch.tensor(request.seed)
    else:
        seeds = torch.full((count,), request.seed) if interpolates else request.seed + torch.arange(count)
    labels = assign_labels(model, seeds, near)
    if model.conditional and (labels == NO_LABEL).all() and request.guidance not in (None, 1):
        raise UsageError(
            f"guidance {request.guidance:g} has no effect without a label: leave one of them out",
            code="no-effect",
            field="guidance",
        )
    interpolation = None
    if interpolates:
        seeds_to = seeds if request.seed_to is None else torch.full_like(seeds, request.seed_to)
        interpolation = Interpolation.evenly(seeds_to, assign_labels(model, seeds_to, near if far is None else far))
        if ((interpolation.labels == NO_LABEL) != (labels == NO_LABEL)).any():
            raise UsageError(
                "label 'none' cannot be interpolated with a class: name a class at both ends",
                code="conflict",
                field="label",
            )
    return SamplingRun(request, model, sampler, denoiser, seeds, labels, len(near or (0,)), interpolation)


def sampler_for(request: SampleRequest, model: Model) -> Sampler:
    """Return the sampler of `request`. Raises `UsageError` as `Model.sampler` does, and for settings without effect."""
    sampler = model.sampler(request.sampler, request.steps, request.eta, request.temperature, request.schedule)
    if request.edit is not None:
        request.edit.require(model.spec.shape)
        sampler = replace(sampler, schedule=request.edit.levels(sampler.schedule))
    if request.temperature != 1 and sampler.is_deterministic:
        raise UsageError(
            f"temperature has no effect on {sampler.kind}, which adds no fresh noise: leave it out",
            code="no-effect",
            field="temperature",
        )
    guidance = model.recipe.sampling.guidance if request.guidance is None else request.guidance
    if tuple(request.interval) != (0, 1) and guidance == 1:
        raise UsageError(
            "interval has no effect without guidance: give guidance as well, or leave it out",
            code="no-effect",
            field="interval",
        )
    return sampler


def to_output(model: Model, x: Tensor) -> Tensor:
    """Return a state [B, ...] in the form that is stored: images as uint8, points as float32."""
    x = x.cpu()
    return x if model.spec.is_points else decode(x)


def to_arrays(values: Tensor) -> NDArray[np.uint8]:
    """Return uint8 images [N, C, H, W] as arrays [N, H, W] for one channel, [N, H, W, C] for more."""
    array = values.permute(0, 2, 3, 1).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def _wanted_labels(request: SampleRequest, classes: tuple[str, ...]) -> tuple[list[int] | None, list[int] | None]:
    """Return the labels that the request names, and those of its far end; None where it names none."""
    far = None if request.label_to is None else [request.label_to]
    if not isinstance(request.label, str):
        return None if request.label is None else list(request.label), far
    near_text, far_text = split_range(request.label, classes)
    near = parse_labels(near_text, classes)
    if far_text is not None:
        if far is not None:
            raise UsageError(
                f"label '{request.label}' has two ends already: leave label_to out", code="conflict", field="label_to"
            )
        far = parse_labels(far_text, classes)
    if far is not None or request.seed_to is not None:
        for end in (near, far or near):
            if len(end) > 1:
                raise UsageError(
                    f"label '{request.label}' has {len(end)} classes at an end: an end takes one class",
                    code="conflict",
                    field="label",
                )
    return near, far


def _count(request: SampleRequest, counts: DefaultCounts, points: bool, interpolates: bool, labels: int) -> int:
    if isinstance(request.seed, tuple):
        return len(request.seed)
    if request.n is not None:
        return request.n
    if interpolates:
        return counts.interpolation
    return labels * counts.per_label if labels > 1 else counts.points if points else counts.images
