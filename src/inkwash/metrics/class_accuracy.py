"""Classes: whether a judge sees in each sample what was asked for, how surely, and in which proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.features import checked, same_width
from inkwash.metrics.frechet import Moments, distance


@dataclass(frozen=True)
class Accuracy:
    """Shares in [0, 1] of samples that the judge sees as asked: of all, of the worst class, and of each class.

    `each` has one number a class, NaN for a class that nobody asked for; `worst_class` is the lowest of equals.
    """

    overall: float
    worst: float
    worst_class: int
    each: list[float]


def accuracy(probabilities: Tensor, asked: Tensor) -> Accuracy:
    """Return how often the likeliest of `probabilities` [N, K] is the class `asked` for, int64 [N].

    Raises `UsageError` for a label outside 0..K-1, another count of labels, or numbers that are no probabilities.
    """
    predicted, classes = _predicted(probabilities), probabilities.shape[1]
    _checked_labels(asked, len(probabilities), range(classes))
    right = torch.bincount(asked[predicted == asked], minlength=classes).double()
    each = (right / torch.bincount(asked, minlength=classes)).tolist()
    worst = min((share, label) for label, share in enumerate(each) if not math.isnan(share))
    return Accuracy((predicted == asked).double().mean().item(), *worst, each)


def unsure(probabilities: Tensor, below: float = 0.9) -> float:
    """Return the share of rows of `probabilities` [N, K] whose highest is under `below`, in [0, 1]."""
    return (_checked(probabilities).max(1).values < below).double().mean().item()


def shares(probabilities: Tensor) -> list[float]:
    """Return the share of each class among the likeliest of `probabilities` [N, K]; they sum to 1."""
    found = torch.bincount(_predicted(probabilities), minlength=probabilities.shape[1])
    return (found.double() / len(probabilities)).tolist()


def entropy(probabilities: Tensor) -> float:
    """Return the entropy of `shares` over log K, in [0, 1]: 1 for equal shares, 0 where all are of one class.

    Raises `UsageError` for a single class, whose entropy says nothing.
    """
    found = torch.tensor(shares(probabilities), dtype=torch.float64)
    if len(found) < 2:
        raise UsageError("there is one class only: the entropy of labels needs at least 2; leave it out")
    return (torch.special.entr(found).sum() / math.log(len(found))).item()


def per_class_distance(features: Tensor, labels: Tensor, references: dict[int, Moments]) -> dict[int, float]:
    """Return FD of the rows of `features` [N, D] of each class, `labels` int64 [N], to the class's reference.

    A class of D rows or fewer, whose covariance cannot be whole, is left out. Raises `UsageError` for a label
    without a reference, and where no class has rows enough.
    """
    checked(features, "features")
    _checked_labels(labels, len(features), references)
    width = features.shape[1]
    for moments in references.values():
        same_width(width, moments.mean.numel(), ("features", "those of the reference"))
    rows = {label: features[labels == label] for label in sorted(references)}
    found = {label: distance(references[label], Moments.of(own)) for label, own in rows.items() if len(own) > width}
    if not found:
        most = max(map(len, rows.values()), default=0)
        raise UsageError(f"no class has the {width + 1} images that its FD needs, at most {most}: give more images")
    return found


def _predicted(probabilities: Tensor) -> Tensor:
    return _checked(probabilities).argmax(1)


def _checked(probabilities: Tensor) -> Tensor:
    """Return `probabilities` if they are some; logits would pass for very sure ones."""
    checked(probabilities, "probabilities")
    if probabilities.min() < 0 or (probabilities.sum(1) - 1).abs().max() > 1e-3:
        raise InkwashError("each row of probabilities must be in [0, 1] and sum to 1: give those, not logits")
    return probabilities


def _checked_labels(labels: Tensor, images: int, known: range | dict[int, Moments]) -> None:
    """Raise `UsageError` unless there is one whole number an image, each of them `known`."""
    if labels.ndim != 1 or labels.is_floating_point() or len(labels) != images:
        form = f"{labels.dtype} {list(labels.shape)}".removeprefix("torch.")
        raise UsageError(f"labels must be whole numbers, one for each of {images:,} images, but are {form}")
    strange = sorted(set(labels.unique().tolist()) - set(known))
    if strange:
        names = f"0 to {len(known) - 1}" if isinstance(known, range) else ", ".join(map(str, sorted(known)))
        raise UsageError(f"label {strange[0]} is out of range: the classes are {names}; are labels counted from 0?")
