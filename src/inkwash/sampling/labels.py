"""Class labels of samples: parsed from text, or drawn in the proportions of the train set."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from inkwash.core.rng import Stream, uniforms
from inkwash.errors import UsageError, unknown_name
from inkwash.model import Model

NO_LABEL = -1
"""The label of an unconditional sample."""


def assign_labels(model: Model, seeds: Tensor, wanted: Sequence[int] | None = None) -> Tensor:
    """Return the label of each seed int64 [N]: those `wanted` in turn, or, with None, one drawn for each seed.

    Drawn labels have the proportions of the train set; -1 is no label. Raises `UsageError` for a label outside the
    classes of the model, and for any label of an unconditional model.
    """
    classes = model.spec.classes
    if wanted is None:
        if not model.conditional:
            return torch.full((len(seeds),), NO_LABEL)
        place = uniforms(seeds, 0, 0, Stream.SAMPLE_LABEL)[:, 0]
        edges = torch.tensor(model.spec.proportions, dtype=torch.float64).cumsum(0)
        return torch.searchsorted(edges, place).clamp(max=len(classes) - 1)
    if not wanted:
        raise UsageError(
            "label is an empty list: name at least one class, or leave it out", code="invalid-value", field="label"
        )
    if not model.conditional and any(label != NO_LABEL for label in wanted):
        raise UsageError(
            f"label has no effect: {model.name} was trained without labels; leave it out",
            code="no-effect",
            field="label",
        )
    for label in wanted:
        if not NO_LABEL <= label < len(classes):
            raise _outside(label, classes)
    return torch.tensor(wanted).repeat(-(-len(seeds) // len(wanted)))[: len(seeds)]


def parse_labels(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels written as "7", "0-9", "1,3,5", a class name or "none".

    Raises `UsageError` for anything else, with the nearest class name.
    """
    if text == "none":
        return [NO_LABEL]
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
    return UsageError(
        f"label {label} is not a class of the model: give 0 to {len(classes) - 1} ({', '.join(classes)})",
        code="out-of-range",
        field="label",
    )
