"""What the classifier of a data set recognizes in samples, where its feature extractors need no training."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from torch import Tensor

from inkwash.evaluation import reference
from inkwash.metrics.class_accuracy import accuracy, low_confidence_rate
from inkwash.model import Model

_stored = lru_cache(maxsize=2)(reference.stored)


def recognized(model: Model, values: Tensor, labels: Tensor) -> dict[str, Any] | None:
    """Return how many samples are recognized, None where the data of `model` has no stored classifier.

    `values` are pixels uint8 [N, C, H, W], `labels` int64 [N], negative for none. "right" of the "labelled" samples are
    classified as their label, "confident" of all "count" samples have a class with a probability of at least 0.9; "real"
    are both as fractions of the real test images, and "extractor" is the name of the classifier.
    """
    extractor_set = _stored(model.spec.sha256)
    if extractor_set is None or not extractor_set.spec.classes:
        return None
    name = extractor_set.primary
    probabilities = extractor_set.extractors[name].extract(values.cpu()).probabilities
    if probabilities is None:
        return None
    labelled, real = labels.cpu() >= 0, extractor_set.real_scores
    right = accuracy(probabilities[labelled], labels.cpu()[labelled]).overall if labelled.any() else 0.0
    return {
        "right": round(right * int(labelled.sum())),
        "labelled": int(labelled.sum()),
        "confident": round((1 - low_confidence_rate(probabilities)) * len(values)),
        "count": len(values),
        "extractor": name.upper(),
        "real": {"accuracy": real[f"accuracy.{name}"], "confident": 1 - real[f"unsure.{name}"]},
    }
