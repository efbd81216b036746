"""Images encoded as noise and sampled again with other attributes or another label: what of an image is kept."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from inkwash.attributes import ATTRIBUTES, measure, standardize
from inkwash.core.shapes import NULL_LABEL
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.attributes import Requested
from inkwash.sampling.labels import requested_labels
from inkwash.sampling.request import SampleRequest

SAMPLER = "ddpm:50"
"""The sampler of edits: the noise of its cleanest level costs about 3 grey levels, that of 20 steps 5 (docs/words.md)."""


def with_defaults(request: SampleRequest, model: Model) -> SampleRequest:
    """Return a request to edit an encoded image with its own defaults in place of those of the recipe.

    They are the sampler, no label, and one image for each label and value. Raises `UsageError` for a temperature, which the
    noises of an encoded image have no room for.
    """
    if request.temperature != 1:
        message = "temperature has no effect on an encoded image, whose noises are its own: leave it out"
        raise UsageError(message, code="no-effect", field="temperature")
    labels, label_to = requested_labels(request, model.spec.classes)
    several = [value for value in (request.attributes or {}).values() if isinstance(value, tuple)]
    seeds = request.seed if isinstance(request.seed, tuple) else ()
    # An interpolation has the default number of images.
    interpolates = request.seed_to is not None or label_to is not None
    count = len(seeds) or math.lcm(len(labels or (0,)), *(len(value) or 1 for value in several))
    return replace(
        request,
        sampler=request.sampler or SAMPLER,
        label=(NULL_LABEL,) if request.label is None and model.conditional else request.label,
        n=request.n or (None if interpolates else count),
    )


def with_changes(request: SampleRequest, changes: Requested, model: Model) -> SampleRequest:
    """Return `request` with the attributes that its encoded image has, plus `changes`, as numbers.

    Raises `UsageError` without an encoded image, for one that has no such attribute, and for an attribute that is
    requested as well.
    """
    if not changes:
        return request
    if request.edit is None or not request.edit.encode:
        message = (
            "a change needs an image that it starts from: give --from IMAGE --encode (in Python image, encode=True)"
        )
        raise UsageError(message, code="missing-field", field="encode")
    attributes: dict[str, float | tuple[float | None, ...]] = dict(request.attributes or {})
    names = [spec.name for spec in model.spec.attributes]
    for name, given in changes.items():
        if name in attributes:
            message = f"attribute {name} is requested and changed: leave one out"
            raise UsageError(message, code="conflict", field="attributes")
        # An unknown name is refused where attributes are assigned.
        base = float(measure(request.edit.image[None], [name])[0, 0]) if name in names else 0.0
        if math.isnan(base):
            message = f"the image has no {name} to change: give an image of one digit, or {name} as a number"
            raise UsageError(message, code="invalid-data", field="image")
        several = given if isinstance(given, tuple) else (given,)
        attributes[name] = tuple(None if each is None else round(base + each, 3) for each in several)
    return replace(request, attributes=attributes)


def attributes_of(
    model: Model, images: UInt8[Tensor, "batch channels height width"]
) -> Float32[Tensor, "batch attributes"]:
    """Return the standardized attributes [N, A] of `images`. Raises `UsageError` for an image without ink."""
    if not images.flatten(1).any(1).all():
        message = "the image has no ink to measure: give an image of one digit, light on dark"
        raise UsageError(message, code="invalid-data", field="image")
    return standardize(measure(images, [spec.name for spec in model.spec.attributes]), model.spec.attributes)


def conditions(
    model: Model, own: Float32[Tensor, "batch attributes"], requested: Float32[Tensor, "batch attributes"]
) -> tuple[Float32[Tensor, "batch attributes"], Float32[Tensor, "batch attributes"]]:
    """Return the attributes [N, A] that images are encoded with and those that they are sampled with, all standardized.

    They are the images' `own`, and those `requested` in their place; NaN is for any. Attributes that follow from a
    requested one (`Attribute.coupled`) are unspecified in both: kept, they would contradict it.
    """
    names = [spec.name for spec in model.spec.attributes]
    kept, given = own.clone(), ~requested.isnan()
    for index, name in enumerate(names):
        for other in (names.index(each) for each in ATTRIBUTES[name].coupled if each in names):
            kept[given[:, index] & ~given[:, other], other] = math.nan
    return kept, torch.where(given, requested, kept)
