"""Memorising: how near samples are to the examples that were learnt, beside how near real ones are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from inkwash.data import Dataset
from inkwash.evaluation.score import Score
from inkwash.metrics import prdc
from inkwash.metrics.extractor_set import ExtractorSet

NEAR = 0.01
"""A near-copy is closer to the train set than this share of the test images."""

HELD = 1 << 28
"""Values of train examples that are looked through at once: a gigabyte of floats."""

NEAREST = "nearest in train"
COPIES = "near-copies"


def nearest(values: Tensor, data: Dataset) -> tuple[Tensor, Tensor]:
    """Return of each example the distance to the nearest train example, and which that is; pixels count from 0 to 1."""
    scale = 1.0 if data.is_points else 1 / 255
    places = values.flatten(1).float() * scale
    distances, rows = (
        torch.full((len(values),), torch.inf, dtype=torch.float64),
        torch.zeros(len(values), dtype=torch.int64),
    )
    # a set that is mapped may not fit into memory as floats
    size = max(1, HELD // max(1, data.values[0].numel()))
    for start in range(0, len(data), size):
        found, row = prdc.nearest(places, data.values[start : start + size].flatten(1).float() * scale)
        nearer = found < distances
        distances, rows = torch.where(nearer, found, distances), torch.where(nearer, row + start, rows)
    return distances, rows


def scores(distances: Tensor, panel: ExtractorSet) -> Iterator[Score]:
    """Yield the median distance and the share of near-copies."""
    yield Score("nearest", NEAREST, float(distances.median()), panel.figures.get("nearest"), "near")
    limit = panel.figures.get("nearest.low")
    if limit is not None:
        yield Score("copies", COPIES, _closer(distances, limit), panel.figures.get("copies", NEAR), "near")


def left_out(panel: ExtractorSet) -> Iterator[Score]:
    """Yield the same scores without a value, for want of the data set itself."""
    why = f"needs {panel.about.data} itself: give --data FOLDER"
    yield Score("nearest", NEAREST, None, panel.figures.get("nearest"), "near", note=why)
    yield Score("copies", COPIES, None, panel.figures.get("copies", NEAR), "near", note=why)


def real_figures(test_values: Tensor, data: Dataset) -> dict[str, float]:
    """Return what real test examples score, and the limit of a near-copy."""
    distances = nearest(test_values, data)[0]
    low = float(distances.quantile(NEAR))
    return {"nearest": float(distances.median()), "nearest.low": low, "copies": _closer(distances, low)}


def _closer(distances: Tensor, limit: float) -> float:
    # at the limit counts: it is 0 where real images repeat train ones
    return float((distances <= limit).double().mean())
