"""Class labels of samples: parsed from text, or random in the proportions of the training set."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from inkwash.core.rng import Stream, uniforms
from inkwash.core.shapes import NULL_LABEL, Labels, Seeds
from inkwash.errors import UsageError, unknown_name
from inkwash.model import Model
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
            raise _outside(label, classes)
    return torch.tensor(requested).repeat(-(-len(seeds) // len(requested)))[: len(seeds)]


def requested_labels(request: SampleRequest, classes: tuple[str, ...]) -> tuple[list[int] | None, list[int] | None]:
    """Return the labels of `request`, and those at the end of an interpolation; None where it names none.

    Raises `UsageError` for text that names no class, and for an interpolation of several classes at one end.
    """
    end = None if request.label_to is None else [request.label_to]
    if not isinstance(request.label, str):
        return None if request.label is None else list(request.label), end
    start_text, end_text = split_range(request.label, classes)
    start = parse_labels(start_text, classes)
    if end_text is not None:
        if end is not None:
            message = f"label '{request.label}' and label_to both name the end of the interpolation: leave label_to out"
            raise UsageError(message, code="conflict", field="label_to")
        end = parse_labels(end_text, classes)
    if end is not None or request.seed_to is not None:
        count = max(len(start), len(end or start))
        if count > 1:
            message = (
                f"label '{request.label}' has {count} classes at one end of the interpolation: give one at each end"
            )
            raise UsageError(message, code="conflict", field="label")
    return start, end


def parse_labels(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels written as "7", "0-9", "1,3,5", a class name or "none".

    Raises `UsageError` for anything else, with the nearest class name.
    """
    if text == "none":
        return [NULL_LABEL]
    # The text is compared before it is split, because a class name may contain a comma.
    if text.strip() in classes:
        return [classes.index(text.strip())]
    found: list[int] = []
    for part in text.split(","):
        # Eighteen digits are more than any number of classes, and Python refuses integers of thousands of digits.
        numbers = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", part.strip())
        if part.strip() in classes:
            found.append(classes.index(part.strip()))
        elif numbers:
            first, last = int(numbers[1]), int(numbers[2] or numbers[1])
            if classes and max(first, last) >= len(classes):
                raise _outside(max(first, last), classes)
            # Without classes every label is refused later, so a range that could be huge is not expanded.
            found += range(first, last + 1) if classes else (first, last)
        else:
            raise unknown_name("label", part.strip(), classes or ("none",))
    if not found:
        raise UsageError(f"label '{text}' names no class: write 7, 0-9 or 1,3,5", code="invalid-value", field="label")
    return found


def split_range(text: str, classes: tuple[str, ...] = ()) -> tuple[str, str | None]:
    """Return the two ends of an interpolation written "3..8", or the text and None."""
    near, dots, far = text.partition("..")
    return (near, far) if dots and text not in classes else (text, None)


def _outside(label: int, classes: Sequence[str]) -> UsageError:
    message = f"label {label} is not a class of the model: give 0 to {len(classes) - 1} ({', '.join(classes)})"
    return UsageError(message, code="out-of-range", field="label")
