"""Requests with a prompt: its classes and attributes in numbers, which are stored with the images beside its text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.attributes import Requested
from inkwash.sampling.encoding import with_changes
from inkwash.sampling.labels import requested_labels
from inkwash.sampling.prompts.grammar import parse_prompt
from inkwash.sampling.prompts.values import attribute_changes, attribute_values, format_prompt
from inkwash.sampling.request import SampleRequest


def with_prompt(request: SampleRequest, prompt: str, model: Model, allow_pictures: bool = True) -> SampleRequest:
    """Return `request` with the classes and attributes of `prompt`, one image of each unless it has an `n`.

    A prompt of one image is for all samples. Raises `UsageError` for a prompt that cannot be parsed or that the model
    cannot follow, for a class or attribute that is requested twice, and for several images in an interpolation. With
    `allow_pictures` False, as for the page, no file is read: a picture in the prompt is refused as well.
    """
    images = parse_prompt(prompt, model.spec.classes if model.conditional else ())
    if not allow_pictures and any(image.picture is not None for image in images):
        message = (
            "'like' in the prompt names a file, which is read on the command line only: set the attributes instead"
        )
        raise UsageError(message, code="unsupported", field="prompt")
    labels = tuple(image.label for image in images if image.label is not None)
    if labels and request.label is not None:
        message = "label and the prompt both name a class: leave one out"
        raise UsageError(message, code="conflict", field="label")
    if len(images) > 1 and request.seed_to is not None:
        message = f"the prompt has {len(images)} images: an interpolation between two seeds takes one"
        raise UsageError(message, code="conflict", field="prompt")
    described = [
        attribute_values(each, model.spec) if each.wanted or each.picture is not None else {} for each in images
    ]
    attributes = _columns(described)
    changes = _columns([attribute_changes(each, model.spec) for each in images])
    for name in (*attributes, *changes):
        if name in (request.attributes or {}) or (name in attributes and name in changes):
            message = (
                f"the prompt gives {name} for one image and compares it for another: write two prompts"
                if name in attributes and name in changes
                else f"attribute {name} is given and in the prompt: leave one out"
            )
            raise UsageError(message, code="conflict", field="attributes")
    if changes and (request.edit is None or not request.edit.encode):
        words = next(each.text for image in images for each in image.wanted.values() if each.change is not None)
        remedy = "give --from IMAGE --encode (in Python image, encode=True), or write like FILE"
        if not allow_pictures:
            remedy = 'use it in Edit with "Keep this digit, change its attributes" (models of several steps)'
        message = f"'{words}' in the prompt compares with an image: {remedy}"
        raise UsageError(message, code="missing-field", field="prompt")
    requested = replace(
        request,
        prompt=prompt,
        label=labels or request.label,
        attributes={**(request.attributes or {}), **attributes} or None,
        n=request.n or (len(images) if len(images) > 1 else None),
    )
    return with_changes(requested, changes, model)


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, tuple[float | None, ...]]:
    """Return the values of each name over the `rows`, None where one lacks it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: tuple(row.get(name) for row in rows) for name in names}


def prompt_in_numbers(request: SampleRequest, classes: tuple[str, ...]) -> str:
    """Return a prompt with the values of a request that had one, from which the same images are sampled."""
    labels, _ = requested_labels(request, classes)
    attributes: Requested = request.attributes or {}
    columns = {name: each if isinstance(each, tuple) else (each,) for name, each in attributes.items()}
    count = math.lcm(len(labels or (0,)), *map(len, columns.values()))
    rows = [_row(columns, index) for index in range(count)]
    return format_prompt([labels[index % len(labels)] if labels else None for index in range(count)], rows, classes)


def _row(columns: Mapping[str, tuple[float | None, ...]], index: int) -> dict[str, float]:
    """Return the attributes of the image at `index`, without those that it has not."""
    found = {name: values[index % len(values)] for name, values in columns.items()}
    return {name: value for name, value in found.items() if value is not None}
