"""The report of a comparison: its conclusion, cost against score, the same seeds side by side, and all scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inkwash.errors import UsageError
from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.report.gallery import MAX_POINTS
from inkwash.evaluation.report.page import Report, Tile, png, require_report_folder
from inkwash.evaluation.scores import Score, format_score
from inkwash.sampling.run import to_arrays
from inkwash.viz import grids, pareto, points
from inkwash.viz.samples import POINT_LIMITS

SEEDS_PER_ROW = 12
"""Seeds side by side."""
SCALE = 2


def write(comparison: Comparison, folder: Path, metadata: dict[str, str]) -> list[Path]:
    """Write the report of `comparison` into `folder`, with its table as CSV and its images as PNG; return all paths.

    Raises `UsageError` for a folder that holds anything but a report, for no entries, and for entries of different
    shapes; `InkwashError` where the folder cannot be written.
    """
    require_report_folder(folder)
    entries = comparison.entries
    _require_alike(entries)
    scores = [score for entry in entries for score in entry.evaluation.scores]
    report = Report(
        "comparison.html",
        {
            "title": f"Comparison: {', '.join(dict.fromkeys(entry.model for entry in entries))}",
            "comparison": comparison,
            "counts": sorted({entry.count for entry in entries}),
            "plot": None,
            "rows": [],
            "across": 0,
            "scatters": None,
            "columns": {key: next(score.words for score in scores if score.key == key) for key in comparison.keys},
            "table": _table(comparison),
            "missing": dict.fromkeys(f"{score.words}: {score.note}" for score in scores if score.value is None),
            "notes": dict.fromkeys(note for entry in entries for note in entry.evaluation.notes),
            "metadata": metadata,
        },
        {"comparison.csv": comparison.to_csv().encode("utf-8", "replace")},
    )
    _add_plot(report, comparison)
    if entries[0].evaluation.samples.is_points:
        _add_scatters(report, entries, metadata)
    else:
        _add_same_seeds(report, entries, metadata)
    return report.write(folder)


def _require_alike(entries: Sequence[ComparisonEntry]) -> None:
    if not entries:
        raise UsageError("there is nothing to compare: give at least one setting", code="missing-field")
    first = entries[0]
    for entry in entries[1:]:
        if entry.images.shape[1:] != first.images.shape[1:]:
            shapes = ["×".join(map(str, each.images.shape[1:])) for each in (first, entry)]
            raise UsageError(
                f"{first.name} generates {shapes[0]} and {entry.name} {shapes[1]}: compare models of one data set",
                code="mismatch",
            )


def _add_plot(report: Report, comparison: Comparison) -> None:
    """Add the plot of all ranked settings that have a cost."""
    shown = [entry for entry in comparison.ranked if entry.seconds is not None]
    if not shown:
        return
    front, score = comparison.front, comparison.score(shown[0])
    marks = [_mark(comparison, entry, entry in front) for entry in shown]
    title = f"Speed against quality, {shown[0].count:,} samples each"
    report.add_plot(
        "speed-quality.png",
        lambda path: pareto.speed_quality(
            path, marks, score.real, value=f"{score.words}, lower is better", title=title
        ),
    )
    best = ", ".join(f"{e.name} ({e.seconds:.3g} s, {comparison.score(e).value:.3g})" for e in front)
    report.variables["plot"] = {
        "image": report.files["speed-quality.png"],
        "alt": f"Seconds for 64 images against {score.words} of {len(shown)} settings. On the front: {best}",
        "several_models": len({entry.model for entry in shown}) > 1,
        "left_out": [entry.name for entry in comparison.entries if entry not in shown],
    }


def _mark(comparison: Comparison, entry: ComparisonEntry, on_front: bool) -> pareto.Mark:
    score = comparison.score(entry)
    assert entry.seconds is not None and score.value is not None
    name = entry.sampler or entry.model
    return pareto.Mark(entry.model, name, entry.seconds, score.value, score.low, score.high, on_front)


def _add_same_seeds(report: Report, entries: Sequence[ComparisonEntry], metadata: dict[str, str]) -> None:
    across = min(SEEDS_PER_ROW, *(len(entry.images) for entry in entries))
    if not across:
        return
    images = [to_arrays(entry.images[:across]) for entry in entries]
    sheet = grids.grid(np.concatenate(images), across, SCALE, labels=[entry.name for entry in entries])
    report.add_image("same-seeds.png", sheet, metadata)
    report.variables["across"] = across
    report.variables["rows"] = [
        (entry.name, [Tile([(image, f"{entry.name}, seed {seed}")]) for seed, image in enumerate(row)])
        for entry, row in zip(entries, images, strict=True)
    ]


def _add_scatters(report: Report, entries: Sequence[ComparisonEntry], metadata: dict[str, str]) -> None:
    """Add a scatter plot of all points of each entry: the points of a few seeds do not show a distribution."""
    plots = points.scatter_images([entry.evaluation.samples.values[:MAX_POINTS] for entry in entries], POINT_LIMITS)
    report.add_image("same-seeds.png", grids.grid(plots, 1, labels=[entry.name for entry in entries]), metadata)
    report.variables["scatters"] = [(entry.name, png(plot)) for entry, plot in zip(entries, plots, strict=True)]


Cell = tuple[str, bool]
"""Text, and whether it is the best of its column."""


def _table(comparison: Comparison) -> list[tuple[str, list[Cell]]]:
    """Return a row of cells for each entry, and one for the real test set."""
    ranked = comparison.ranked or list(comparison.entries)
    scores = {key: [entry.evaluation.find(key) for entry in ranked] for key in comparison.keys}
    best = {key: _best([score for score in found if score is not None]) for key, found in scores.items()}
    rows: list[tuple[str, list[Cell]]] = []
    for entry in comparison.entries:
        costs = (entry.evaluations, ",g"), (entry.seconds, ",.2f"), (entry.parameters, ",")
        texts = ["yes" if entry in comparison.front else "", f"{entry.count:,}"]
        texts += ["" if value is None else format(value, form) for value, form in costs]
        cells = [(text, False) for text in texts]
        for key in comparison.keys:
            score = entry.evaluation.find(key)
            text = "" if score is None else format_score(key, score.value)
            cells.append((text, bool(text) and entry in ranked and text == best[key]))
        rows.append((entry.name, cells))
    real = [
        next((format_score(key, score.real) for score in found if score is not None and score.real is not None), "")
        for key, found in scores.items()
    ]
    return [*rows, ("real test set", [(text, False) for text in ("",) * 5 + tuple(real)])]


def _best(scores: Sequence[Score]) -> str | None:
    """Return the best value as text, so that equal texts are equally good; None where there is nothing to compare."""
    found = [(score, score.value) for score in scores if score.value is not None]
    if len(found) < 2 or any(score.better == "near" and score.real is None for score, _ in found):
        return None
    badness = {
        "low": lambda score, value: value,
        "high": lambda score, value: -value,
        "near": lambda score, value: abs(value - (score.real or 0.0)),
    }
    score, value = min(found, key=lambda pair: badness[pair[0].better](*pair))
    return format_score(score.key, value)
