"""A comparison as a page: the one sentence first, then the plot, the same seeds side by side, and every score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inkwash.errors import UsageError
from inkwash.evaluation.comparison import Comparison, Entry
from inkwash.evaluation.formatting import number
from inkwash.evaluation.measures import data_is_points
from inkwash.evaluation.report.gallery import POINTS
from inkwash.evaluation.report.page import (
    Content,
    Element,
    Page,
    Tile,
    check_free,
    definitions,
    drawn,
    element,
    plot,
    plots,
    png,
    section,
    table,
    tiles,
)
from inkwash.evaluation.score import Score
from inkwash.io import png_metadata
from inkwash.sampling.run import to_arrays
from inkwash.viz import grids, pareto, points
from inkwash.viz.pareto import Mark
from inkwash.viz.samples import POINT_WINDOW

ACROSS = 12
"""Seeds side by side."""
SCALE = 2


def write(comparison: Comparison, folder: Path, spec: dict[str, str]) -> list[Path]:
    """Write the page of `comparison` into `folder`, with its table as CSV and its pictures as PNG; return all of them.

    Raises `UsageError` for a folder that holds anything but a report, for no entries, and for entries of different
    shapes; `InkwashError` when the folder cannot be written.
    """
    check_free(folder)
    _require_alike(comparison.entries)
    names = list(dict.fromkeys(entry.model for entry in comparison.entries))
    counts = sorted({entry.evaluation.count for entry in comparison.entries})
    lead = (
        f"{len(comparison.entries)} settings, judged against {comparison[0].data}, "
        f"{' or '.join(f'{count:,}' for count in counts)} samples each"
    )
    page = Page(f"Compared: {', '.join(names)}", lead)
    page.files["comparison.csv"] = comparison.to_csv().encode("utf-8", "replace")
    page.content += [element("section", element("p", comparison.sentence, class_="verdicts"))]
    page.content += _plot(comparison, page)
    page.content += _same_seeds(comparison.entries, page, spec)
    page.content.append(section("All scores", *_table(comparison)))
    page.content.append(section("How it was measured", *_measured(comparison), definitions(spec)))
    index = page.write(folder)
    return [index, *(folder / name for name in page.files)]


def _require_alike(entries: Sequence[Entry]) -> None:
    if not entries:
        raise UsageError("there is nothing to compare: give at least one setting")
    first = entries[0]
    for entry in entries[1:]:
        if entry.pictures.shape[1:] != first.pictures.shape[1:]:
            shapes = ["×".join(map(str, each.pictures.shape[1:])) for each in (first, entry)]
            raise UsageError(
                f"{first.name} draws {shapes[0]} and {entry.name} {shapes[1]}: what learnt other data cannot stand "
                "side by side; compare models of one data set"
            )


def _plot(comparison: Comparison, page: Page) -> list[Element]:
    """The plot, of all settings that have both a cost and the score, at one number of samples."""
    shown = [entry for entry in comparison.measured if entry.seconds is not None]
    if not shown:
        return []
    front = comparison.front
    several = len({entry.model for entry in shown}) > 1
    score = comparison.score(shown[0])
    marks = [_mark(comparison, entry, entry in front) for entry in shown]

    def draw(path: Path) -> None:
        title = f"Speed against quality, {shown[0].evaluation.count:,} samples each"
        pareto.speed_quality(path, marks, score.real, value=f"{score.words}, lower is better", title=title)

    page.files["speed-quality.png"] = drawn(draw)
    better = ", ".join(f"{e.name} ({e.seconds:.3g} s, {comparison.score(e).value:.3g})" for e in front)
    words = "Filled marks are on the front: no other setting is both faster and better. Bars are 95 % intervals"
    words += "; each model has a colour of its own." if several else "."
    left = [entry.name for entry in comparison.entries if entry not in shown]
    if left:
        words += f" Not in the plot, because they have no cost or another number of samples: {', '.join(left)}."
    alt = f"Seconds for 64 images against {score.words} of {len(shown)} settings. On the front: {better}"
    return [section("Speed against quality", plot(page.files["speed-quality.png"], alt), element("p", words))]


def _mark(comparison: Comparison, entry: Entry, on_front: bool) -> Mark:
    score = comparison.score(entry)
    assert entry.seconds is not None and score.value is not None
    return Mark(entry.model, entry.sampler or entry.model, entry.seconds, score.value, score.low, score.high, on_front)


def _same_seeds(entries: Sequence[Entry], page: Page, spec: dict[str, Any]) -> list[Element]:
    if data_is_points(entries[0].pictures):
        return _scatters(entries, page, spec)
    names = [entry.name for entry in entries]
    across = min(ACROSS, *(len(entry.pictures) for entry in entries))
    if not across:
        return []
    rows = [to_arrays(entry.pictures[:across]) for entry in entries]
    sheet = grids.grid(np.concatenate(rows), across, SCALE, labels=names)
    page.files["same-seeds.png"] = drawn(lambda path: png_metadata.save_png(sheet, path, spec))
    words = "A column is one seed: the same noise, and the same label where one is asked for. Files have seeds of their own."
    strips = []
    for name, row in zip(names, rows, strict=True):
        shown = [Tile([(image, f"{name}, seed {seed}")]) for seed, image in enumerate(row)]
        strips.append(element("div", element("h3", name), tiles(shown, across), class_="row"))
    return [section("The same seeds", element("p", words), *strips)]


def _scatters(entries: Sequence[Entry], page: Page, spec: dict[str, Any]) -> list[Element]:
    """All points of each entry: a few of one seed would say nothing of a shape."""
    names = [entry.name for entry in entries]
    shown = points.scatter_pictures([entry.evaluation.seen.values[:POINTS] for entry in entries], POINT_WINDOW)
    sheet = grids.grid(shown, 1, labels=names)
    page.files["same-seeds.png"] = drawn(lambda path: png_metadata.save_png(sheet, path, spec))
    return [section("Samples", plots([(name, png(image)) for name, image in zip(names, shown, strict=True)]))]


def _table(comparison: Comparison) -> list[Element]:
    """A row an entry and one for the real test set; the best of each column in bold, among those at one number."""
    entries, rival = comparison.entries, comparison.measured or list(comparison.entries)
    keys = comparison.keys
    known = {key: [entry.evaluation.find(key) for entry in entries] for key in keys}
    heads = {key: next(score.words for score in known[key] if score is not None) for key in keys}
    best = {key: _best([score for entry in rival if (score := entry.evaluation.find(key)) is not None]) for key in keys}
    columns = ["", "front", "samples", "evaluations", "seconds for 64", "parameters", *heads.values()]
    rows: list[list[Content]] = []
    for place, entry in enumerate(entries):
        known_costs = (entry.evaluations, ",g"), (entry.seconds, ",.2f"), (entry.parameters, ",")
        cost = ["" if value is None else format(value, form) for value, form in known_costs]
        mine = entry in rival
        cells = [_cell(known[key][place], best[key] if mine else None) for key in keys]
        front = "yes" if entry in comparison.front else ""
        rows.append([entry.name, front, f"{entry.evaluation.count:,}", *cost, *cells])
    reals = {
        key: [s.real for e in rival if (s := e.evaluation.find(key)) is not None and s.real is not None] for key in keys
    }
    told = [number(key, reals[key][0]) if reals[key] else "" for key in keys]
    rows.append(["real test set", "", "", "", "", "", *told])
    held = [table("Every score; the best of a column in bold, where the number of samples is the same", columns, rows)]
    missing = {f"{s.words}: {s.note}": None for e in entries for s in e.evaluation.scores if s.value is None}
    notes = {note: None for entry in entries for note in entry.evaluation.notes}
    for words, lines in (("Left out:", missing), ("To know:", notes)):
        if lines:
            held += [element("p", words), element("ul", *(element("li", line) for line in lines), class_="small")]
    return held


def _cell(score: Score | None, best: str | None) -> Content:
    if score is None or score.value is None:
        return ""
    told = number(score.key, score.value)
    return element("b", told) if told == best else told


def _best(scores: Sequence[Score]) -> str | None:
    """The best value as it is read, so that what reads the same is as good; None where there is nothing to choose."""
    found = [(score, score.value) for score in scores if score.value is not None]
    if len(found) < 2 or any(score.better == "near" and score.real is None for score, _ in found):
        return None
    order = {
        "low": lambda score, value: value,
        "high": lambda score, value: -value,
        "near": lambda score, value: abs(value - (score.real or 0.0)),
    }
    score, value = min(found, key=lambda pair: order[pair[0].better](*pair))
    return number(score.key, value)


def _measured(comparison: Comparison) -> list[Element]:
    words = [
        "Every setting draws from the same seeds, image by image, with labels in the train set's proportions. Samples "
        "are clamped and rounded to whole pixel values, then judged; intervals are over seeds.",
        "Seconds are what drawing took on the machine below, for 64 images; evaluations are calls of the network for "
        "one image, guidance counting twice.",
        "Scores at different numbers of samples are different measures, and are not ranked among each other. The row "
        "of the real test set is what real images score at the number of samples of the settings that are ranked.",
    ]
    return [element("p", text) for text in words]
