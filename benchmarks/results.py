"""The table of the five systems: every bundled model, its samplers side by side, every measure.

    python benchmarks/results.py --data FOLDER
    python benchmarks/results.py --documents     # only rewrite the documents from docs/results.json

writes docs/results.md, docs/results.csv, two pictures in docs/pictures, five rows in the README, and what the page
shows of speed against quality (src/inkwash/models/quality.json). Finished rows are kept in docs/results.json and samples in
the cache, so that it goes on where it stopped; a row is measured anew when its weights, its sampler or the judges are
others. The cheapest rows come first.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from cyclopts import App
from documents import MORE, QUALITY, block, figure

from inkwash import model
from inkwash.cli.progress import counter, stages
from inkwash.evaluation import reference
from inkwash.evaluation.comparison import pareto_front
from inkwash.evaluation.plan import settings_for
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import Setting
from inkwash.evaluation.tasks import ModelTask, default_count
from inkwash.evaluation.verdicts import verdicts
from inkwash.hardware import devices
from inkwash.io.atomic import atomic, write_text
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import to_arrays
from inkwash.viz import grids
from inkwash.viz.pareto import Mark, speed_quality

DOCS = Path(__file__).parent.parent / "docs"
KEPT = DOCS / "results.json"
README = DOCS.parent / "README.md"
FOR_PAGE = DOCS.parent / "src" / "inkwash" / "models" / "quality.json"
SHOWN = 12

ROWS: tuple[tuple[str, str, float | None, str], ...] = (
    ("fast", "dpm++2m:15", None, "auto"),
    ("fast", "dpm++2m:10", None, "auto"),
    ("fast", "dpm++2m:50", None, "auto"),
    ("fast", "dpm++2m:15", None, "float32"),
    ("ddpm-bn", "ddpm:1000", None, "auto"),
    ("ddpm-bn", "ddim:50", None, "auto"),
    ("ddpm-bn", "dpm++2m:15", None, "auto"),
    ("ddpm-bn", "dpm++2m:15", None, "float32"),
    ("cfg-cosine", "ddpm:1000", None, "auto"),
    ("cfg-cosine", "ddim:50", None, "auto"),
    ("cfg-cosine", "dpm++2m:15", None, "auto"),
    ("cfg-cosine", "dpm++2m:15", 1.5, "auto"),
    ("ddim-300", "ddpm:300", None, "auto"),
    ("ddim-300", "ddim:50", None, "auto"),
    ("ddim-300", "ddim:20", None, "auto"),
    ("ddim-300", "dpm++2m:15", None, "auto"),
    ("simple-unet", "ddpm:1000", None, "auto"),
    ("simple-unet", "ddim:50", None, "auto"),
    ("simple-unet", "dpm++2m:15", None, "auto"),
    ("attention-unet", "ddpm:1000", None, "float32"),
    ("attention-unet", "ddim:50", None, "float32"),
    ("attention-unet", "dpm++2m:15", None, "float32"),
    ("attention-unet", "dpm++2m:15", None, "auto"),
    ("digits", "dpm++2m:20", None, "auto"),
    ("moons", "heun:20", None, "auto"),
)
"""Model, sampler, weight of guidance (None for none), and what the network computes in.

"auto" is bfloat16 where the machine multiplies it, which halves the hours. Two settings stand in both and show what that
costs: little in ddpm-bn, a quarter of FD in attention-unet, whose rows are float32 therefore.
"""

IN_README = (
    ("fast", "dpm++2m:15 w 1"),
    ("cfg-cosine", "dpm++2m:15 w 1.5"),
    ("attention-unet", "ddim:50, float32"),
    ("ddpm-bn", "ddim:50"),
    ("ddim-300", "ddim:50"),
)
"""Models and samplers of the README's five rows, all of 10,000 images, so that FD compares."""

SHORT = {key: QUALITY.get(key) or MORE[key] for key in ("fd.a", "fd.c", "recall", "accuracy.a", "unsure.a", "zero")}
COST = ["parameters", "network evaluations", "s / 64 images"]
Row = dict[str, Any]
app = App()


@app.default
def main(data: str | None = None, most: float = 24.0, drawn: bool = False, documents: bool = False) -> None:
    """Measure what is not yet measured, for at most so many hours, and write the documents; `drawn`: what is in the cache.

    `documents` measures nothing: text and tables are written again from docs/results.json.
    """
    devices.configure_malloc()
    kept: dict[str, Row] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    if documents:
        write(stored(kept))
        return
    if data is None:
        sys.exit("give --data FOLDER, the MNIST to measure against, or --documents")
    # asked once: the documents that are written on the way change the checkout
    begun, benches, at = time.monotonic(), {}, commit()
    tasks: list[tuple[Setting, int, Reference, str]] = []
    for name, sampler, weight, precision in ROWS:
        if name not in model.bundled():
            print(f"{name} has no bundled weights: left out", file=sys.stderr)
            continue
        (setting,) = settings_for([model.load(name)], [sampler], [weight], SampleRequest(precision=precision))
        spec = setting.model.spec
        if spec.sha256 not in benches:
            benches[spec.sha256] = reference.for_spec(spec, data if spec.data == "mnist" else None)
        bench, count = benches[spec.sha256], default_count(setting)
        tasks.append((setting, count, bench, identity(setting, count, bench)))
    # the cheapest first, so that most of the table stands early
    for setting, count, bench, key in sorted(tasks, key=lambda task: task[0].sampler.evaluations * task[1]):
        if key in kept or (drawn and setting.estimated_seconds(count) > 0):
            continue
        if time.monotonic() - begun > 3600 * most:
            print(f"{setting.name}: no time left", file=sys.stderr)
            continue
        print(f"{setting.name}: {count:,} images", file=sys.stderr, flush=True)
        kept[key] = measured(setting, count, bench, at)
        write_text(KEPT, json.dumps(kept, indent=1) + "\n")
        publish([(s, kept[k]) for s, _, _, k in tasks if k in kept])
    done = [(setting, kept[key]) for setting, _, _, key in tasks if key in kept]
    # all at one go, on a machine that does nothing else by now: seconds of different days do not compare
    for setting, row in done:
        row["seconds_64"] = 64 * setting.seconds_per_sample()
    write_text(KEPT, json.dumps(kept, indent=1) + "\n")
    publish(done)


def stored(kept: dict[str, Row]) -> list[Row]:
    """Return the rows that were measured of today's weights, in the order of `ROWS`."""
    found = []
    for name, sampler, weight, precision in ROWS:
        if name in model.bundled():
            (setting,) = settings_for([model.load(name)], [sampler], [weight], SampleRequest(precision=precision))
            called = sampler_words(setting)
            same = [row for row in kept.values() if (row["model"], row["sampler"]) == (name, called)]
            # of a row that was measured again the last one holds
            found += [row for row in same if row["weights"] == setting.model.weights][-1:]
    return found


def sampler_words(setting: Setting) -> str:
    """Return how a row calls its sampler: with the precision, where it is not the usual one."""
    precision = setting.request.precision
    return setting.sampler_name + (f", {precision}" if precision != "auto" else "")


def write(rows: list[Row]) -> None:
    """Write every document that holds text or figures of `rows`."""
    write_text(DOCS / "results.md", page(rows))
    write_text(DOCS / "results.csv", table(rows))
    mnist = [row for row in rows if row["data"] == "mnist"]
    write_text(FOR_PAGE, json.dumps(for_page(mnist), indent=1) + "\n")
    some = [row for called in IN_README for row in mnist if (row["model"], row["sampler"]) == called]
    if some:
        write_text(README, block(README.read_text(encoding="utf-8"), "results", _markdown(some, SHORT, cost=True)))


def publish(done: list[tuple[Setting, Row]]) -> None:
    """Write the documents and pictures of the rows that are done, in the order of `ROWS`."""
    write([row for _, row in done])
    drawn = [(setting, row) for setting, row in done if row["data"] == "mnist"]
    if any(row["n"] == 10_000 for _, row in drawn):
        draw(drawn)


def identity(setting: Setting, count: int, bench: Reference) -> str:
    """Return what a row depends on, as a short hash: weights, settings, number and judges."""
    judges = [judge.statistics.train.overall.mean.sum().item() for judge in bench.extractor_set.extractors.values()]
    told = json.dumps([setting.name, setting.identity(), count, judges], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def measured(setting: Setting, count: int, bench: Reference, at: str) -> Row:
    """Return one row: cost, scores, verdicts, machine and the commit that it was measured `at`."""
    with counter(count, setting.name) as done, stages() as stage:
        entry = ModelTask(setting, count).run(bench, (), done, stage)
    machine = devices.environment_info(torch.device("cpu"))
    return {
        "model": entry.model,
        "sampler": sampler_words(setting),
        "precision": setting.precision,
        "parameters": entry.parameters,
        "evaluations": entry.evaluations,
        "seconds_64": entry.seconds,
        "step": setting.model.step,
        "weights": setting.model.weights,
        "machine": f"{machine['hardware']}, {machine['threads']} threads, torch {machine['torch']}",
        "commit": at,
        "verdicts": verdicts(entry.evaluation),
        **entry.evaluation.to_dict(),
    }


def page(rows: list[Row]) -> str:
    """Return docs/results.md."""
    told = "\n".join(f"- **{row['model']}**, {row['sampler']}: {' '.join(row['verdicts'])}" for row in rows)
    precision = next((row["precision"] for row in rows if "," not in row["sampler"]), "float32")
    made = sorted({f"{row['machine']}, commit {row['commit']}" for row in rows})
    missing = (
        "" if len(rows) == len(ROWS) else f"**{len(rows)} of {len(ROWS)} rows so far**: the same command resumes.\n\n"
    )
    return f"""# Results of the bundled models

{missing}Every bundled model with several samplers, on the same seeds in every row, with labels in the train set's proportions,
measured by the feature extractors and the protocol of [quality.md](quality.md). N is 10,000 images, or 1,000 for samplers
of more than 100 network evaluations: FD compares only between rows of one N. Networks compute in {precision}, except
where the row says otherwise. w is the guidance weight in sampling, 1 for none; guidance of
{model.load("fast").recipe.training.guidance:g} is distilled into the weights of `fast`, so that its w 1 needs one forward
pass per step.
Written by `python benchmarks/results.py --data FOLDER` on {"; ".join(made)}. All figures: [results.csv](results.csv).

![Same seeds in every row](pictures/results-same-seeds.png)

![Speed against quality](pictures/results-speed-quality.png)

{chr(10).join(_section(name, [row for row in rows if row["data"] == name]) for name in dict.fromkeys(r["data"] for r in rows))}
## In words

{told}
"""


def _section(name: str, rows: list[Row]) -> str:
    """Return the tables of one data set."""
    known = {key for row in rows for key, score in row["scores"].items() if score["value"] is not None}
    first = next(key for key in rows[0]["scores"] if key.startswith("fd."))
    quality, more = dict(QUALITY), dict(MORE)
    if first not in quality:
        quality, more = {first: "FD", **quality}, {f"{first}.test": "FD to test", **more}
    some = {key: words for key, words in quality.items() if key in known}
    return f"""## {name}: quality and cost

{_markdown(rows, some, cost=True)}

FD in brackets: divided by the FD of equally many real test images; 1 = as good as real. Seconds are for 64 images,
sampled 100 at a time.

## {name}: the other measures

{_markdown(rows, {key: words for key, words in more.items() if key in known}, cost=False)}
"""


def _markdown(rows: list[Row], columns: dict[str, str], cost: bool) -> str:
    head = ["model", "sampler", "N", *(COST if cost else []), *columns.values()]
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    for row in rows:
        spent = [f"{row['parameters']:,}", f"{row['evaluations']:g}", f"{row['seconds_64']:.1f}"] if cost else []
        cells = [row["model"], row["sampler"], f"{row['n']:,}", *spent, *(_cell(row, key) for key in columns)]
        lines.append("| " + " | ".join(cells) + " |")
    for n in sorted({row["n"] for row in rows}, reverse=True):
        some = next(row for row in rows if row["n"] == n)
        blank = ["", "", ""] if cost else []
        real = {key: score for row in rows if row["n"] == n for key, score in row["scores"].items()}
        cells = ["*real test set*", "", f"{some['n']:,}", *blank]
        cells += [figure(key, real[key]["real"]) if key in real else "" for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: Row, key: str) -> str:
    score = row["scores"].get(key)
    if score is None or score["value"] is None:
        return ""
    told = figure(key, score["value"])
    times = f" ({score['value'] / score['real']:.1f})" if key.startswith("fd.") and score["real"] else ""
    return told + times


def for_page(rows: list[Row]) -> list[dict[str, Any]]:
    """Return speed and quality of the rows of 10,000 images, whose FD compare: seconds for 64, FD A in times of real."""
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
        if row["n"] == 10_000
    ]


def table(rows: list[Row]) -> str:
    """Return all figures as CSV: one line a row and score."""
    text = io.StringIO()
    names = ["model", "sampler", "n", "parameters", "evaluations", "seconds_64", "score"]
    figures = ["value", "real", "floor", "low", "high", "infinite"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *figures])
    for row in rows:
        for key, score in row["scores"].items():
            writer.writerow([*(row[name] for name in names[:-1]), key, *(score[figure] for figure in figures)])
    return text.getvalue()


def draw(shown: list[tuple[Setting, Row]]) -> None:
    """Draw the plot of cost against FD, and the first seeds of every row."""
    sheet = torch.cat([setting.samples(SHOWN).values for setting, _ in shown])
    names = [f"{row['model']} {row['sampler']}" for _, row in shown]
    with atomic(DOCS / "pictures" / "results-same-seeds.png") as temporary:
        grids.grid(to_arrays(sheet), SHOWN, scale=2, labels=names).save(temporary)
    rows = [row for _, row in shown if row["n"] == 10_000]
    scores = [row["scores"]["fd.a"] for row in rows]
    front = pareto_front([(row["seconds_64"], score["value"]) for row, score in zip(rows, scores, strict=True)])
    marks = [
        Mark(row["model"], row["sampler"], row["seconds_64"], score["value"], score["low"], score["high"], k in front)
        for k, (row, score) in enumerate(zip(rows, scores, strict=True))
    ]
    real = next(row["scores"]["fd.a"]["real"] for _, row in shown if row["n"] == 10_000)
    speed_quality(DOCS / "pictures" / "results-speed-quality.png", marks, real)


if __name__ == "__main__":
    app()
