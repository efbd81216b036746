"""The report of one evaluation: verdicts, scores, worst and best samples, nearest train images, classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from inkwash.evaluation.report import gallery
from inkwash.evaluation.report.page import Report, Tile, require_report_folder
from inkwash.evaluation.score_grades import grade
from inkwash.evaluation.scores import GLOSSARY, Evaluation
from inkwash.viz import bars, grids, points
from inkwash.viz.samples import POINT_LIMITS

RATIO_KINDS = {"fd", "spread", "unsure", "nearest", "copies"}
"""Kinds of scores shown with their ratio to that of real images."""
SCALE = 4
"""Pixels of a PNG file for each pixel of a sample."""


def write(
    evaluation: Evaluation,
    verdicts: Sequence[str],
    folder: Path,
    metadata: dict[str, str],
    train: Tensor | None = None,
) -> Path:
    """Write the report of `evaluation` into `folder` and return its page, which includes all images.

    `metadata` is how the samples were made and measured; `train` are the train images that the nearest neighbours
    were searched in. Raises `UsageError` for a folder that holds anything but a report and for other `train` images,
    `InkwashError` where the folder cannot be written.
    """
    require_report_folder(folder)
    measured = [score for score in evaluation.scores if score.value is not None]
    titles = {score.kind: score.words.split(",")[0] for score in reversed(measured)}
    report = Report(
        "evaluation.html",
        {
            "title": evaluation.name,
            "evaluation": evaluation,
            "verdicts": verdicts,
            "measured": measured,
            "missing": [f"{score.words}: {score.note}" for score in evaluation.scores if score.value is None],
            "grades": {score.key: grade(score) for score in measured},
            "ratio_kinds": RATIO_KINDS,
            "glossary": {titles[k]: GLOSSARY[k] for k in dict.fromkeys(s.kind for s in measured) if k in GLOSSARY},
            "metadata": metadata,
            "groups": [],
            "pairs": None,
            "scatters": None,
            "window": POINT_LIMITS,
            "classes": None,
        },
    )
    add_samples = _add_points if evaluation.samples.is_points else _add_images
    add_samples(report, evaluation, metadata, train)
    _add_classes(report, evaluation)
    return report.write(folder)[0]


def _add_images(report: Report, evaluation: Evaluation, metadata: dict[str, str], train: Tensor | None) -> None:
    samples = evaluation.samples
    ranking = gallery.ranked(samples)
    for name in ("worst", "median", "best"):
        shown = gallery.tiles(samples, ranking, getattr(ranking, name))
        report.add_image(f"{name}.png", _grid(shown), metadata)
        report.variables["groups"].append((name, shown))
    report.variables["ranking"] = ranking
    if samples.nearest is not None and train is not None:
        closest = gallery.pair_tiles(samples, train, gallery.closest_pairs(samples))
        random = gallery.pair_tiles(samples, train, gallery.random_pairs(samples))
        report.add_image("neighbours.png", _pair_grid([closest, random]), metadata)
        report.variables["pairs"] = {"The closest of all:": closest, "Chosen at random:": random}


def _grid(tiles: Sequence[Tile]) -> Image.Image:
    return grids.grid(np.stack([tile.images[0][0] for tile in tiles]), 8, SCALE)


def _pair_grid(groups: Sequence[Sequence[Tile]]) -> Image.Image:
    """Return all pairs as one image, in rows of samples above rows of train images."""
    rows = [[tile.images[place][0] for tile in group] for group in groups for place in range(2)]
    images = np.concatenate([np.stack(row) for row in rows])
    return grids.grid(images, len(rows[0]), SCALE, labels=["sample", "train"] * len(groups))


def _add_points(report: Report, evaluation: Evaluation, metadata: dict[str, str], train: Tensor | None) -> None:
    samples = evaluation.samples
    labels = None if samples.labels is None else samples.labels[: gallery.MAX_POINTS].numpy() + 1
    own = points.scatter(samples.values[: gallery.MAX_POINTS].numpy(), POINT_LIMITS, 512, labels)
    report.add_image("points.png", own, metadata)
    scatters = {"The samples": report.files["points.png"]}
    if train is not None:
        count = min(gallery.MAX_POINTS, evaluation.count)
        report.add_image("train.png", points.scatter(train[:count].numpy(), POINT_LIMITS, 512), metadata)
        scatters[f"As many of {evaluation.data}"] = report.files["train.png"]
    report.variables["scatters"] = scatters


def _add_classes(report: Report, evaluation: Evaluation) -> None:
    samples = evaluation.samples
    names = samples.classes
    if not samples.fd_per_class and not any(map(math.isfinite, samples.accuracy_per_class)):
        return
    distances = [samples.fd_per_class.get(label, math.nan) for label in range(len(names))]
    accuracies = samples.accuracy_per_class or (math.nan,) * len(names)
    draw = partial(bars.class_bars, classes=names, accuracy=accuracies, distance=distances)
    report.add_plot("classes.png", draw)
    described = [
        *(f"{name} accuracy {each:.1%}" for name, each in zip(names, accuracies, strict=True) if each >= 0),
        *(f"{name} FD {each:.3g}" for name, each in zip(names, distances, strict=True) if math.isfinite(each)),
    ]
    classes: dict[str, Any] = {"image": report.files["classes.png"], "alt": ", ".join(described)}
    report.variables["classes"] = classes | {"has_distances": any(map(math.isfinite, distances))}
