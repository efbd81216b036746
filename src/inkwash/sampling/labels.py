"""Class labels of samples: those of a request, or random in the proportions of the training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from inkwash.core.rng import Stream, uniforms
from inkwash.core.shapes import NULL_LABEL, Labels, Seeds
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling import class_labels
from inkwash.sampling.request import SampleRequest


def assign_labels(model: Model, seeds: Seeds, requested: Sequence[int] | None = None) -> Labels:
    """Return the label of each seed: those `requested`, repeated cyclically, or, with None, a random one for each seed.

    Random labels have the proportions of the training set. Raises `UsageError` for a label outside the classes of the
    model, and for any label of an unconditional model.
    """
    classes = model.spec.classes
    if requested is None:
        if not model.conditional:
            return torch.full((len(seeds),), NULL_LABEL)
        u = uniforms(seeds, 0, 0, Stream.SAMPLE_LABEL)[:, 0]
        edges = torch.tensor(model.spec.proportions, dtype=torch.float64).cumsum(0)
        return torch.searchsorted(edges, u).clamp(max=len(classes) - 1)
    if not requested:
        message = "label is an empty list: name at least one class, or leave it out"
        raise UsageError(message, code="invalid-value", field="label")
    if not model.conditional and any(label != NULL_LABEL for label in requested):
        message = f"label has no effect: {model.name} was trained without labels; leave it out"
        raise UsageError(message, code="no-effect", field="label")
    for label in requested:
        if not NULL_LABEL <= label < len(classes):
            raise class_labels.outside(label, classes)
    return torch.tensor(requested).repeat(-(-len(seeds) // len(requested)))[: len(seeds)]


def requested_labels(request: SampleRequest, classes: tuple[str, ...]) -> tuple[list[int] | None, list[int] | None]:
    """Return the labels of `request`, and those at the end of an interpolation; None where it names none.

    Raises `UsageError` for text that names no class, and for an interpolation of several classes at one end.
    """
    end = None
    if request.label_to is not None:
        end = class_labels.indices(
            request.label_to if isinstance(request.label_to, tuple) else (request.label_to,), classes
        )
    if not isinstance(request.label, str):
        return None if request.label is None else class_labels.indices(request.label, classes), end
    start, far = class_labels.parse_interpolation(request.label, classes)
    if far is not None:
        if end is not None:
            message = f"label '{request.label}' and label_to both name the end of the interpolation: leave label_to out"
            raise UsageError(message, code="conflict", field="label_to")
        end = far
    if end is not None or request.seed_to is not None:
        count = max(len(start), len(end or start))
        if count > 1:
            message = (
                f"label '{request.label}' has {count} classes at one end of the interpolation: give one at each end"
            )
            raise UsageError(message, code="conflict", field="label")
    return start, end


def with_names(request: SampleRequest, classes: tuple[str, ...]) -> SampleRequest:
    """Return `request` with the names of its classes in place of text or indices, as it is stored in metadata."""
    if not classes:
        return request
    start, end = (
        None if found is None else class_labels.names(found, classes) for found in requested_labels(request, classes)
    )
    return replace(request, label=start, label_to=end)


def from_0_1_0(request: SampleRequest, classes: tuple[str, ...]) -> SampleRequest:
    """Return a request that was read from metadata, where text is of 0.1.0: its numbers are indices."""
    if not isinstance(request.label, str):
        return request
    near, dots, far = request.label.partition("..")
    if not dots or request.label in classes:
        return replace(request, label=tuple(class_labels.parse_index_text(request.label, classes)))
    start, end = (tuple(class_labels.parse_index_text(text, classes)) for text in (near, far))
    return replace(request, label=start, label_to=end)
