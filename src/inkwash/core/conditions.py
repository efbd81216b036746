"""What images are conditioned on beside a class: attributes, which ride along with the labels as one `Condition`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float32
from torch import Tensor

from inkwash.core.shapes import NULL_LABEL, Labels


@dataclass(frozen=True, eq=False)
class Condition:
    """Labels, None for none, and `attributes`, standardized, NaN where one is not specified; it is passed as a label."""

    labels: Labels | None
    attributes: Float32[Tensor, "batch attributes"]

    def __len__(self) -> int:
        return len(self.attributes)

    def __getitem__(self, rows: Tensor | slice) -> Condition:
        """Return the condition of the examples `rows`."""
        return Condition(None if self.labels is None else self.labels[rows], self.attributes[rows])

    def to(self, device: torch.device) -> Condition:
        """Return a copy on `device`."""
        return Condition(None if self.labels is None else self.labels.to(device), self.attributes.to(device))


Conditions = Labels | Condition
"""What a denoiser takes as its label: labels, or a `Condition`."""


def labels_of(condition: Conditions | None) -> Labels | None:
    """Return the labels of `condition`, None where it has none."""
    return condition.labels if isinstance(condition, Condition) else condition


def with_labels(condition: Conditions, labels: Labels | None) -> Conditions:
    """Return `condition` with other `labels` and its own attributes."""
    if isinstance(condition, Condition):
        return replace(condition, labels=labels)
    assert labels is not None
    return labels


def without_labels(condition: Conditions) -> Conditions:
    """Return `condition` with the null label for every example, and its attributes."""
    labels = labels_of(condition)
    return with_labels(condition, None if labels is None else torch.full_like(labels, NULL_LABEL))
