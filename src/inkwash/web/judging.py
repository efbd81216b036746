"""What the classifier of a data set recognizes in samples, where its feature extractors need no training."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from inkwash.evaluation import reference
from inkwash.metrics.class_accuracy import accuracy, low_confidence_rate
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.model import Model
from inkwash.web.lru_cache import LRUCache

_stored: LRUCache[str, ExtractorSet] = LRUCache(2)


class _NotStoredError(Exception):
    """Data has no extractors, so far: `inkwash evaluate` may build them later in the session."""


def _read(sha256: str) -> ExtractorSet:
    found = reference.stored(sha256)
    if found is None:
        raise _NotStoredError
    return found


def recognized(model: Model, values: Tensor, labels: Tensor) -> dict[str, Any] | None:
    """Return how many samples are recognized, None where the data of `model` has no stored classifier.

    `values` are pixels uint8 [N, C, H, W], `labels` int64 [N], negative for none. "right" of the "labelled" samples are
    classified as their label, "confident" of all "count" samples have a class with a probability of at least 0.9; "real"
    are both as fractions of the real test images, and "extractor" is the name of the classifier.
    """
    try:
        extractor_set = _stored.get(model.spec.sha256, lambda: _read(model.spec.sha256))
    except _NotStoredError:
        return None
    if not extractor_set.spec.classes:
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
