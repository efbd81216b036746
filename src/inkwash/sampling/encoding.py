"""Attribute edits of a given image: encode it as noise, change a condition, and sample from that noise again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from inkwash.attributes import measure, standardize
from inkwash.core import Denoiser, Labelled, WithAttributes
from inkwash.core.inversion import invert
from inkwash.core.shapes import NULL_LABEL, Images, Labels
from inkwash.data import encode as to_unit_range
from inkwash.errors import UsageError, renamed_fields
from inkwash.model import Model
from inkwash.sampling.labels import requested_labels
from inkwash.sampling.request import SampleRequest

STEPS = 50
"""Steps of an encoding; docs/words.md has the error of the reconstruction for other numbers."""


@torch.inference_mode()
def encode(
    model: Model,
    images: UInt8[Tensor, "batch channels height width"],
    labels: Labels | None = None,
    steps: int = STEPS,
    request: SampleRequest | None = None,
) -> Images:
    """Return the noise [B, C, H, W] that the deterministic path of `steps` steps of ddim leads from to `images`.

    The condition is `labels`, None for none, and the attributes measured on the images (`kept_attributes`). Predictions are
    neither clipped, as a clipped pixel has many noises, nor guided. `request` has the schedule and the precision.
    Raises `UsageError` for a model of points, images of another shape, and steps that the schedule does not allow.
    """
    request = request or SampleRequest()
    if model.spec.is_points or tuple(images.shape[1:]) != model.spec.shape or images.dtype != torch.uint8:
        have = "×".join(map(str, images.shape[1:]))
        message = f"images to encode are {images.dtype} of {have}: give uint8 images of {'×'.join(map(str, model.spec.shape))}"
        raise UsageError(message, code="mismatch", field="image")
    with renamed_fields(steps="encode"):
        sampler = model.sampler("ddim", steps, schedule=request.schedule)
    denoiser: Denoiser = model.denoiser(1.0, clip=False, precision=request.precision)
    attributes = kept_attributes(model, images)
    if attributes is not None:
        denoiser = WithAttributes(denoiser, attributes.to(model.device))
    conditional = Labelled(denoiser, None if labels is None else labels.to(model.device))
    return invert(sampler, conditional, to_unit_range(images).to(model.device))


def kept_attributes(
    model: Model, images: UInt8[Tensor, "batch channels height width"]
) -> Float32[Tensor, "batch attributes"] | None:
    """Return the standardized attributes of `images`; None for a model without attributes."""
    specs = model.spec.attributes
    return standardize(measure(images, [spec.name for spec in specs]), specs) if specs else None


def with_defaults(request: SampleRequest, model: Model) -> SampleRequest:
    """Return a request to edit an encoded image with its own defaults in place of those of the recipe.

    They reconstruct the image: ddim in as many steps, no guidance, no clipping, and no label unless one is given, which
    the image is encoded with; several are other labels for it. There is one image for each label and value.
    "thickness+" and "thickness-" become the measured thickness plus or minus their values.
    Raises `UsageError` for settings without effect on an encoded image.
    """
    assert request.edit is not None
    if request.seed != 0 or request.seed_to is not None:
        message = "seed has no effect on an encoded image, whose noise is its own: leave it out"
        raise UsageError(message, code="no-effect", field="seed")
    attributes = _absolute(request, model)
    labels, _ = requested_labels(request, model.spec.classes)
    several = [value for value in (attributes or {}).values() if isinstance(value, tuple)]
    return replace(
        request,
        sampler=request.sampler or ("ddim" if request.steps else f"ddim:{request.edit.encode}"),
        guidance=1.0 if request.guidance is None else request.guidance,
        clip=bool(request.clip),
        label=(NULL_LABEL,) if request.label is None and model.conditional else request.label,
        attributes=attributes,
        n=request.n or math.lcm(len(labels or (0,)), *(len(value) or 1 for value in several)),
    )


def _absolute(request: SampleRequest, model: Model) -> Mapping[str, float | tuple[float | None, ...]] | None:
    """Return the attributes of `request` with numbers in place of changes of what the image has."""
    found: dict[str, float | tuple[float | None, ...]] = {}
    names = [spec.name for spec in model.spec.attributes]
    for name, given in (request.attributes or {}).items():
        bare = name.rstrip("+-")
        absolute = given
        if name != bare and bare in names:
            assert request.edit is not None
            base, sign = float(measure(request.edit.image[None], [bare])[0, 0]), -1 if name.endswith("-") else 1
            if math.isnan(base):
                message = f"{name} has no effect: the image has no {bare} to measure; give {bare} as a number"
                raise UsageError(message, code="invalid-data", field="image")
            changes = given if isinstance(given, tuple) else (given,)
            absolute = tuple(None if each is None else round(base + sign * each, 3) for each in changes)
        key = bare if bare in names else name
        if key in found:
            message = f"attribute {key} is given twice: leave one out"
            raise UsageError(message, code="conflict", field="attributes")
        found[key] = absolute
    return found or None
