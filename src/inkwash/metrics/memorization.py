"""Memorization: distances of samples to their nearest train example, and the fraction of near-copies."""

from __future__ import annotations

import torch

from inkwash.data import Dataset
from inkwash.metrics.nearest_neighbours import nearest_neighbour
from inkwash.metrics.tensor_types import Examples, Indices, PerImage

NEAR_COPY_QUANTILE = 0.01
"""A near-copy is nearer to the training set than this fraction of the real test images."""

MAX_VALUES = 1 << 28
"""Values of train examples converted to float at a time: one gigabyte."""


def nearest_train_examples(values: Examples, data: Dataset) -> tuple[PerImage, Indices]:
    """Return the distance of each example to its nearest train example, float64 [N], and its index there, int64 [N].

    Distances are Euclidean, with pixels in [0, 1].
    """
    scale = 1.0 if data.is_points else 1 / 255
    queries = values.flatten(1).float() * scale
    distances = torch.full((len(values),), torch.inf, dtype=torch.float64)
    indices = torch.zeros(len(values), dtype=torch.int64)
    # A memory-mapped data set may not fit into memory as floats.
    chunk = max(1, MAX_VALUES // max(1, data.values[0].numel()))
    for start in range(0, len(data), chunk):
        found, index = nearest_neighbour(queries, data.values[start : start + chunk].flatten(1).float() * scale)
        nearer = found < distances
        distances, indices = torch.where(nearer, found, distances), torch.where(nearer, index + start, indices)
    return distances, indices


def near_copy_rate(distances: PerImage, limit: float) -> float:
    """Return the fraction of `distances` that are at most `limit`.

    A distance equal to the limit counts: the limit is 0 where real test images repeat train images.
    """
    return float((distances <= limit).double().mean())


def scores_of_real_examples(test_values: Examples, data: Dataset) -> dict[str, float]:
    """Return the scores of real test examples, and the distance below which a sample is a near-copy."""
    distances = nearest_train_examples(test_values, data)[0]
    limit = float(distances.quantile(NEAR_COPY_QUANTILE))
    return {
        "nearest": float(distances.median()),
        "nearest.low": limit,
        "copies": near_copy_rate(distances, limit),
    }
