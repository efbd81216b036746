"""Write the documents of the bundled models' results: tables, figures and the data of the page."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import torch
from documents import MORE, QUALITY, figure

from inkwash import model
from inkwash.evaluation.comparison import pareto_front
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.evaluation.setting import Setting
from inkwash.io.atomic import atomic
from inkwash.sampling.run import to_arrays
from inkwash.viz import grids
from inkwash.viz.pareto import Mark, speed_quality

SEEDS = 12
"""Images per row in the figure of equal seeds."""
LARGE = 10_000
"""Number of images at which FD is compared."""
COST = ["parameters", "network evaluations", "s / 64 images"]
Row = dict[str, Any]


def page(rows: list[Row], expected: int) -> str:
    """Return docs/results.md for the rows that are measured, of `expected`."""
    verdicts = "\n".join(f"- **{row['model']}**, {row['sampler']}: {' '.join(row['verdicts'])}" for row in rows)
    precision = next((row["precision"] for row in rows if "," not in row["sampler"]), "float32")
    machines = sorted({f"{row['machine']}, commit {row['commit']}" for row in rows})
    timed = "; ".join(sorted({row["timed_on"] for row in rows}))
    missing = (
        "" if len(rows) == expected else f"**{len(rows)} of {expected} rows so far**: the same command resumes.\n\n"
    )
    return f"""# Results of the bundled models

{missing}Every bundled model with several samplers, on the same seeds in every row, with labels in the train set's proportions,
measured by the feature extractors and the protocol of [quality.md](quality.md). N is 10,000 images, or 1,000 for samplers
of more than 100 network evaluations: FD compares only between rows of one N. Networks compute in {precision}, except
where the row says otherwise. w is the guidance weight in sampling, 1 for none; guidance of
{model.load("fast").recipe.training.guidance:g} is distilled into the weights of `fast`, so that its w 1 needs one forward
pass per step.
Written by `python benchmarks/results.py --data FOLDER` on {"; ".join(machines)}; the seconds of all rows
one after the other on {timed}. All figures: [results.csv](results.csv).

![Same seeds in every row](pictures/results-same-seeds.png)

![Speed against quality](pictures/results-speed-quality.png)

{chr(10).join(_section(name, [row for row in rows if row["data"] == name]) for name in dict.fromkeys(r["data"] for r in rows))}
## In words

{verdicts}
"""


def _section(name: str, rows: list[Row]) -> str:
    """Return the tables of one data set."""
    known = {key for row in rows for key, score in row["scores"].items() if score["value"] is not None}
    first = next(key for key in rows[0]["scores"] if key.startswith("fd."))
    quality, more = dict(QUALITY), dict(MORE)
    if first not in quality:
        quality, more = {first: "FD", **quality}, {f"{first}.test": "FD to test", **more}
    columns = {key: words for key, words in quality.items() if key in known}
    return f"""## {name}: quality and cost

{markdown(rows, columns, cost=True)}

FD in brackets: divided by the FD of equally many real test images; 1 = as good as real. Seconds are for 64 images,
sampled 100 at a time.

## {name}: the other measures

{markdown(rows, {key: words for key, words in more.items() if key in known}, cost=False)}
"""


def markdown(rows: list[Row], columns: dict[str, str], cost: bool) -> str:
    """Return `rows` as a Markdown table, and the scores of the real test set for each number of samples."""
    head = ["model", "sampler", "N", *(COST if cost else []), *columns.values()]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    for row in rows:
        costs = [f"{row['parameters']:,}", f"{row['evaluations']:g}", f"{row['seconds_64']:.2g}"] if cost else []
        cells = [row["model"], row["sampler"], f"{row['n']:,}", *costs, *(_cell(row, key) for key in columns)]
        lines.append("| " + " | ".join(cells) + " |")
    for n in sorted({row["n"] for row in rows}, reverse=True):
        blank = ["", "", ""] if cost else []
        real = {key: score for row in rows if row["n"] == n for key, score in row["scores"].items()}
        cells = ["*real test set*", "", f"{n:,}", *blank]
        cells += [figure(key, real[key]["real"]) if key in real else "" for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: Row, key: str) -> str:
    score = row["scores"].get(key)
    if score is None or score["value"] is None:
        return ""
    text = figure(key, score["value"])
    times = f" ({score['value'] / score['real']:.1f})" if key.startswith("fd.") and score["real"] else ""
    return text + times


def for_page(rows: list[Row]) -> list[dict[str, Any]]:
    """Return speed and quality of the rows of 10,000 images: seconds for 64 images, and FD A over that of real images."""
    return [
        {
            "model": row["model"],
            "data": row["data"],
            "step": row["step"],
            "sampler": row["sampler"],
            "n": row["n"],
            "evaluations": row["evaluations"],
            "seconds": round(row["seconds_64"], 3),
            "times": round(row["scores"]["fd.a"]["value"] / row["scores"]["fd.a"]["real"], 3),
        }
        for row in rows
        if row["n"] == LARGE
    ]


def table(rows: list[Row]) -> str:
    """Return all figures as CSV: one line per row and score."""
    text = io.StringIO()
    names = ["model", "sampler", "n", "parameters", "evaluations", "seconds_64", "score"]
    figures = ["value", "real", "floor", "low", "high", "infinite"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *figures])
    for row in rows:
        for key, score in row["scores"].items():
            writer.writerow([*(row[name] for name in names[:-1]), key, *(score[figure] for figure in figures)])
    return text.getvalue()


def draw(shown: list[tuple[Setting, Row]], folder: Path) -> None:
    """Write the plot of cost against FD and a grid of the same seeds for every row to `folder`."""
    samples = torch.cat([SampleCache(setting).samples(SEEDS).values for setting, _ in shown])
    names = [f"{row['model']} {row['sampler']}" for _, row in shown]
    with atomic(folder / "results-same-seeds.png") as temporary:
        grids.grid(to_arrays(samples), SEEDS, scale=2, labels=names).save(temporary)
    rows = [row for _, row in shown if row["n"] == LARGE]
    scores = [row["scores"]["fd.a"] for row in rows]
    front = pareto_front([(row["seconds_64"], score["value"]) for row, score in zip(rows, scores, strict=True)])
    marks = [
        Mark(row["model"], row["sampler"], row["seconds_64"], score["value"], score["low"], score["high"], k in front)
        for k, (row, score) in enumerate(zip(rows, scores, strict=True))
    ]
    real = next(row["scores"]["fd.a"]["real"] for _, row in shown if row["n"] == LARGE)
    speed_quality(folder / "results-speed-quality.png", marks, real)
