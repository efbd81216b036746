"""One evaluation as a page: verdicts first, then the table, then the pictures that the numbers stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from inkwash.evaluation.formatting import number
from inkwash.evaluation.grading import standing
from inkwash.evaluation.measures import data_is_points
from inkwash.evaluation.report import gallery
from inkwash.evaluation.report.page import (
    Content,
    Element,
    Page,
    Tile,
    check_free,
    definitions,
    drawn,
    element,
    listing,
    plot,
    plots,
    section,
    table,
    tiles,
)
from inkwash.evaluation.score import GLOSSARY, Evaluation, Score
from inkwash.io import png_metadata
from inkwash.viz import bars, grids, points
from inkwash.viz.samples import POINT_WINDOW

if TYPE_CHECKING:
    from PIL import Image

MARKS = {"as real": "mark good", "close": "mark fair", "off": "mark poor"}
TIMES = {"fd", "spread", "unsure", "nearest", "copies"}
"""Kinds of scores whose ratio to that of real images means something."""
SCALE = 4
"""Pixels of a sheet for one of a sample."""


def write(
    evaluation: Evaluation, verdicts: Sequence[str], folder: Path, spec: dict[str, str], train: Tensor | None = None
) -> Path:
    """Write the report of `evaluation` into `folder` and return its page, which holds all pictures and can be mailed.

    `spec` say what drew the samples and what judged them; `train` are the values that the neighbours in `evaluation`
    were found in. The pictures lie beside the page as PNG. Raises `UsageError` for a folder that holds anything but a
    report and for `train` that the neighbours are not in, `InkwashError` when the folder cannot be written.
    """
    check_free(folder)
    page = Page(evaluation.name, f"{evaluation.count:,} samples, judged against {evaluation.data}")
    page.content.append(section("Verdict", *_verdicts(verdicts)))
    page.content.append(section("Scores", *_scores(evaluation)))
    shown = _points if data_is_points(evaluation.seen.values) else _images
    page.content += shown(evaluation, page, spec, train)
    page.content += _classes(evaluation, page)
    page.content.append(section("How it was made", definitions(spec)))
    return page.write(folder)


def _verdicts(verdicts: Sequence[str]) -> list[Element]:
    if not verdicts:
        return [element("p", "None: there are too few samples for the measures that a verdict rests on.")]
    return [listing(verdicts, class_="verdicts")]


def _scores(evaluation: Evaluation) -> list[Element]:
    measured = [score for score in evaluation.scores if score.value is not None]
    held = [table("Every score beside that of the real test set", _HEADS, [_row(score) for score in measured])]
    missing = [f"{score.words}: {score.note}" for score in evaluation.scores if score.value is None]
    if missing:
        held += [element("p", "Left out:"), listing(missing, class_="small")]
    if evaluation.notes:
        held += [element("p", "To know:"), listing(evaluation.notes, class_="small")]
    kinds = dict.fromkeys(score.key.split(".")[0] for score in measured)
    words = {kind: next(s.words for s in measured if s.key.split(".")[0] == kind).split(",")[0] for kind in kinds}
    meanings = {words[kind]: GLOSSARY[kind] for kind in kinds if kind in GLOSSARY}
    held.append(element("details", element("summary", "What it all means"), definitions(_COLUMNS | meanings)))
    return held


_HEADS: tuple[Content, ...] = (
    "",
    "value",
    "real",
    element("span", "beside real", class_="left"),
    "times real",
    "95 % interval",
    "infinite N",
    "floor",
)
_COLUMNS = {
    "real": "what the real test set scores, at as many images where that matters",
    "beside real": "as real, close or off: how far the value is from there",
    "infinite N": "the value that more and more samples would tend to",
    "floor": "what would be left of the value if the samples were perfect, since there are only so many",
}


def _row(score: Score) -> list[Content]:
    def told(value: float | None) -> str:
        return "" if value is None else number(score.key, value)

    rank = standing(score)
    ratio = score.ratio if score.key.split(".")[0] in TIMES else None
    return [
        element("span", score.words, element("span", score.note, class_="small") if score.note else None),
        element("b", told(score.value)),
        told(score.real),
        element("span", rank, class_=MARKS[rank]) if rank else "",
        "" if ratio is None else f"{ratio:.2f}",
        "" if score.low is None or score.high is None else f"{told(score.low)} to {told(score.high)}",
        told(score.infinite),
        told(score.floor),
    ]


def _images(evaluation: Evaluation, page: Page, spec: dict[str, str], train: Tensor | None) -> list[Element]:
    seen = evaluation.seen
    ranking = gallery.ranked(seen)
    order = element("p", f"Samples are in the order of {ranking.words}; that is the figure beneath each.")
    told = {
        "worst": ("The worst", order, "Broken ones show here first."),
        "median": ("The median", None, "From the middle of that order: what to expect of one sample."),
        "best": ("The best", None, "The other end, the very best first."),
    }
    found = []
    for name, (title, before, words) in told.items():
        shown = gallery.samples(seen, ranking, getattr(ranking, name))
        page.files[f"{name}.png"] = _kept(_sheet([shown]), spec)
        found.append(section(title, before, element("p", words), tiles(shown)))
    return found + _neighbours(evaluation, page, spec, train)


def _neighbours(evaluation: Evaluation, page: Page, spec: dict[str, str], train: Tensor | None) -> list[Element]:
    seen = evaluation.seen
    if seen.nearest is None or train is None:
        return []
    closest, some = (gallery.pairs(seen, train, pick(seen)) for pick in (gallery.closest_pairs, gallery.random_pairs))
    page.files["neighbours.png"] = _kept(_sheet([closest, some]), spec)
    words = (
        f"Each sample above the image of {evaluation.data} that is nearest to it, with their distance. "
        "Samples that are the image beneath them are copies."
    )
    return [
        section(
            "Nearest neighbours",
            element("p", words),
            element("p", "The closest of all:"),
            tiles(closest),
            element("p", "Picked at random:"),
            tiles(some),
        )
    ]


def _sheet(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Tiles as one picture; where a tile has two pictures, they stay one above the other."""
    high = len(rows[0][0].pictures)
    if high == 1:
        return grids.grid(np.stack([tile.pictures[0][0] for row in rows for tile in row]), 8, SCALE)
    levels = [[tile.pictures[level][0] for tile in row] for row in rows for level in range(high)]
    captions = [name for _ in rows for name in ("sample", "train")]
    return grids.grid(np.concatenate([np.stack(level) for level in levels]), len(levels[0]), SCALE, labels=captions)


def _points(evaluation: Evaluation, page: Page, spec: dict[str, str], train: Tensor | None) -> list[Element]:
    seen = evaluation.seen
    labels = None if seen.asked is None else seen.asked[: gallery.POINTS].numpy() + 1
    own = points.scatter(seen.values[: gallery.POINTS].numpy(), POINT_WINDOW, 512, labels)
    page.files["points.png"] = _kept(own, spec)
    shown = [("The samples", page.files["points.png"])]
    if train is not None:
        real = points.scatter(train[: min(gallery.POINTS, evaluation.count)].numpy(), POINT_WINDOW, 512)
        page.files["train.png"] = _kept(real, spec)
        shown.append((f"As many of {evaluation.data}", page.files["train.png"]))
    left, right, bottom, top = POINT_WINDOW
    window = f"The window is {left:g} to {right:g} across and {bottom:g} to {top:g} upwards."
    return [section("Samples", element("p", window), plots(shown))]


def _classes(evaluation: Evaluation, page: Page) -> list[Element]:
    seen = evaluation.seen
    if not seen.per_class and not any(map(math.isfinite, seen.each)):
        return []
    distances = [seen.per_class.get(label, math.nan) for label in range(len(seen.classes))]
    shares = seen.each or [math.nan] * len(seen.classes)
    page.files["classes.png"] = drawn(partial(bars.by_class, classes=seen.classes, accuracy=shares, distance=distances))
    words = "What the first judge sees, class by class."
    if any(map(math.isfinite, distances)):
        words += (
            " The distance of a class is to its own real images; it has but a share of the samples, so that its floor is "
            "higher than that of all."
        )
    told = [
        *(f"{name} {share:.1%} as asked" for name, share in zip(seen.classes, shares, strict=True) if share >= 0),
        *(f"{name} FD {far:.3g}" for name, far in zip(seen.classes, distances, strict=True) if math.isfinite(far)),
    ]
    return [section("Class by class", element("p", words), plot(page.files["classes.png"], ", ".join(told)))]


def _kept(image: Image.Image, spec: dict[str, Any]) -> bytes:
    return drawn(lambda path: png_metadata.save_png(image, path, spec))
