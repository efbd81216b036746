"""Metrics of predicted classes: accuracy, low-confidence rate, class proportions and their entropy, FD per class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.frechet import Moments, frechet_distance
from inkwash.metrics.input_checks import check_features, check_labels, check_width, invalid_input
from inkwash.metrics.tensor_types import ClassIndices, Features, Probabilities


@dataclass(frozen=True)
class Accuracy:
    """Fractions in [0, 1] of samples classified as their label: overall, of the worst class, and of each class.

    `per_class` is NaN for a class without samples; `worst_class` is the lowest of equals.
    """

    overall: float
    worst: float
    worst_class: int
    per_class: list[float]


def accuracy(probabilities: Probabilities, labels: Int[Tensor, " M"]) -> Accuracy:
    """Return the accuracy of the argmax of `probabilities` [N, K] for `labels` [N].

    Raises `UsageError` for a label outside 0..K-1 or another number of labels, `InkwashError` for invalid
    probabilities.
    """
    predicted, classes = _predicted(probabilities), probabilities.shape[1]
    check_labels(labels, len(probabilities), range(classes))
    right = torch.bincount(labels[predicted == labels], minlength=classes).double()
    per_class = (right / torch.bincount(labels, minlength=classes)).tolist()
    worst = min((value, label) for label, value in enumerate(per_class) if not math.isnan(value))
    return Accuracy((predicted == labels).double().mean().item(), *worst, per_class)


def low_confidence_rate(probabilities: Probabilities, threshold: float = 0.9) -> float:
    """Return the fraction of rows of `probabilities` [N, K] whose maximum is below `threshold`."""
    return (_check_probabilities(probabilities).max(1).values < threshold).double().mean().item()


def class_proportions(probabilities: Probabilities) -> list[float]:
    """Return the proportion of each class among the argmax of `probabilities` [N, K]; they sum to 1."""
    counts = torch.bincount(_predicted(probabilities), minlength=probabilities.shape[1])
    return (counts.double() / len(probabilities)).tolist()


def normalized_entropy(probabilities: Probabilities) -> float:
    """Return the entropy of `class_proportions` over log K, in [0, 1]: 1 for equal proportions, 0 for one class.

    Raises `UsageError` for K = 1.
    """
    proportions = torch.tensor(class_proportions(probabilities), dtype=torch.float64)
    if len(proportions) < 2:
        raise UsageError("entropy of labels: one class, at least 2 are needed; leave it out", code="unsupported")
    return (torch.special.entr(proportions).sum() / math.log(len(proportions))).item()


def per_class_frechet_distance(
    features: Features, labels: ClassIndices, references: dict[int, Moments]
) -> dict[int, float]:
    """Return FD of the rows of `features` [N, D] of each class, `labels` [N], to the reference of that class.

    A class of D rows or fewer is left out, because its covariance is singular. Raises `UsageError` for a label without
    a reference, and where every class has too few rows.
    """
    check_features(features, "features")
    check_labels(labels, len(features), references)
    width = features.shape[1]
    for moments in references.values():
        check_width(width, moments.mean.numel(), ("features", "the reference"))
    rows = {label: features[labels == label] for label in sorted(references)}
    distances = {
        label: frechet_distance(references[label], Moments.of(each))
        for label, each in rows.items()
        if len(each) > width
    }
    if not distances:
        largest = max(map(len, rows.values()), default=0)
        raise invalid_input(
            f"FD per class: at most {largest} images of a class, {width + 1} are needed; give more images", "features"
        )
    return distances


def _predicted(probabilities: Tensor) -> Tensor:
    return _check_probabilities(probabilities).argmax(1)


def _check_probabilities(probabilities: Tensor) -> Tensor:
    check_features(probabilities, "probabilities")
    if probabilities.min() < 0 or (probabilities.sum(1) - 1).abs().max() > 1e-3:
        raise InkwashError(
            "rows of probabilities must be in [0, 1] with sum 1, not logits", code="invalid-data", field="probabilities"
        )
    return probabilities
