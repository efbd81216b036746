"""Metrics of predicted classes: accuracy, low-confidence rate, class proportions and their entropy, FD per class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.features import check_features, check_width
from inkwash.metrics.frechet import Moments, distance


@dataclass(frozen=True)
class Accuracy:
    """Fractions in [0, 1] of samples classified as their label: overall, of the worst class, and of each class.

    `each` has one number a class, NaN for a class without samples; `worst_class` is the lowest of equals.
    """

    overall: float
    worst: float
    worst_class: int
    each: list[float]


def accuracy(probabilities: Tensor, labels: Tensor) -> Accuracy:
    """Return the accuracy of the argmax of `probabilities` [N, K] for `labels`, int64 [N].

    Raises `UsageError` for a label outside 0..K-1 or another number of labels, `InkwashError` for invalid
    probabilities.
    """
    predicted, classes = _predicted(probabilities), probabilities.shape[1]
    _check_labels(labels, len(probabilities), range(classes))
    right = torch.bincount(labels[predicted == labels], minlength=classes).double()
    each = (right / torch.bincount(labels, minlength=classes)).tolist()
    worst = min((value, label) for label, value in enumerate(each) if not math.isnan(value))
    return Accuracy((predicted == labels).double().mean().item(), *worst, each)


def low_confidence_rate(probabilities: Tensor, threshold: float = 0.9) -> float:
    """Return the fraction of rows of `probabilities` [N, K] whose maximum is below `threshold`."""
    return (_check_probabilities(probabilities).max(1).values < threshold).double().mean().item()


def class_proportions(probabilities: Tensor) -> list[float]:
    """Return the proportion of each class among the argmax of `probabilities` [N, K]; they sum to 1."""
    found = torch.bincount(_predicted(probabilities), minlength=probabilities.shape[1])
    return (found.double() / len(probabilities)).tolist()


def entropy(probabilities: Tensor) -> float:
    """Return the entropy of `class_proportions` over log K, in [0, 1]: 1 for equal proportions, 0 for one class.

    Raises `UsageError` for K = 1.
    """
    found = torch.tensor(class_proportions(probabilities), dtype=torch.float64)
    if len(found) < 2:
        raise UsageError("there is one class only: the entropy of labels needs at least 2; leave it out")
    return (torch.special.entr(found).sum() / math.log(len(found))).item()


def per_class_distance(features: Tensor, labels: Tensor, references: dict[int, Moments]) -> dict[int, float]:
    """Return FD of the rows of `features` [N, D] of each class, `labels` int64 [N], to that class's reference.

    A class of D rows or fewer is left out, because its covariance is singular. Raises `UsageError` for a label without
    a reference, and where every class has too few rows.
    """
    check_features(features, "features")
    _check_labels(labels, len(features), references)
    width = features.shape[1]
    for moments in references.values():
        check_width(width, moments.mean.numel(), ("features", "those of the reference"))
    rows = {label: features[labels == label] for label in sorted(references)}
    found = {label: distance(references[label], Moments.of(own)) for label, own in rows.items() if len(own) > width}
    if not found:
        most = max(map(len, rows.values()), default=0)
        raise UsageError(f"no class has the {width + 1} images that its FD needs, at most {most}: give more images")
    return found


def _predicted(probabilities: Tensor) -> Tensor:
    return _check_probabilities(probabilities).argmax(1)


def _check_probabilities(probabilities: Tensor) -> Tensor:
    check_features(probabilities, "probabilities")
    if probabilities.min() < 0 or (probabilities.sum(1) - 1).abs().max() > 1e-3:
        raise InkwashError("each row of probabilities must be in [0, 1] and sum to 1: give those, not logits")
    return probabilities


def _check_labels(labels: Tensor, count: int, known: range | dict[int, Moments]) -> None:
    if labels.ndim != 1 or labels.is_floating_point() or len(labels) != count:
        form = f"{labels.dtype} {list(labels.shape)}".removeprefix("torch.")
        raise UsageError(f"labels must be integers, one for each of {count:,} images, but are {form}")
    unknown = sorted(set(labels.unique().tolist()) - set(known))
    if unknown:
        names = f"0 to {len(known) - 1}" if isinstance(known, range) else ", ".join(map(str, sorted(known)))
        raise UsageError(f"label {unknown[0]} is out of range: the classes are {names}; count classes from 0")
