"""Measure every bundled model with several samplers, and write the documents of the results.

    python benchmarks/results.py --data FOLDER
    python benchmarks/results.py --documents     # only rewrite the documents from docs/results.json

writes docs/results.md, docs/results.csv, two figures in docs/pictures, five rows of the README, the table of requested
attributes in docs/words.md, and the page's data of speed and quality (src/inkwash/models/quality.json). Complete rows are
stored in docs/results.json and samples in the cache, so that an interrupted command resumes; a row is measured again when
its weights, sampler or feature extractors change.
The flags `--hours` and `--cached-only` were `--most` and `--drawn` in 0.1.0.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import torch
from cyclopts import App
from documents import MORE, QUALITY, REQUESTED, block
from results_documents import LARGE, Row, draw, for_page, markdown, page, table

from inkwash import model
from inkwash.evaluation import reference
from inkwash.evaluation.defects import verdicts
from inkwash.evaluation.plan import settings_for
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import ModelTask, default_count
from inkwash.hardware import devices
from inkwash.io.atomic import write_text
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest
from inkwash.text.bars import counter, stages

DOCS = Path(__file__).parent.parent / "docs"
STORED = DOCS / "results.json"
README = DOCS.parent / "README.md"
WORDS = DOCS / "words.md"
PAGE_DATA = DOCS.parent / "src" / "inkwash" / "models" / "quality.json"

ROWS: tuple[tuple[str, str, float | None, str], ...] = (
    ("one-step", "consistency:1", None, "auto"),
    ("one-step", "consistency:1", None, "float32"),
    ("one-step", "consistency:2", None, "auto"),
    ("one-step", "consistency:4", None, "auto"),
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
    ("words", "dpm++2m:15", None, "auto"),
    ("words-one-step", "consistency:1", None, "auto"),
    ("fashion", "dpm++2m:15", None, "auto"),
    ("fashion", "dpm++2m:50", None, "auto"),
    ("digits", "dpm++2m:20", None, "auto"),
    ("moons", "heun:20", None, "auto"),
)
"""Model, sampler, guidance weight (None for none), and precision of the network.

"auto" is bfloat16 on machines that support it, which takes half of the time. Two settings are measured in both precisions:
FD differs little for ddpm-bn, and by a quarter for attention-unet, whose rows are therefore in float32.
"""

IN_README = (
    ("one-step", "consistency:1 w 1"),
    ("fast", "dpm++2m:15 w 1"),
    ("cfg-cosine", "dpm++2m:15 w 1.5"),
    ("ddpm-bn", "ddim:50"),
)
"""Models and samplers of the rows in the README, all of 10,000 images, so that their FD is comparable."""

SHORT = {key: QUALITY.get(key) or MORE[key] for key in ("fd.a", "fd.c", "recall", "accuracy.a")}
app = App()


@app.default
def main(data: str | None = None, hours: float = 24.0, cached_only: bool = False, documents: bool = False) -> None:
    """Measure the missing rows, for at most `hours`, and write the documents.

    `cached_only` measures rows whose samples are cached; `documents` only writes the documents from docs/results.json.
    """
    devices.configure_malloc()
    rows_by_key: dict[str, Row] = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() else {}
    if documents:
        write(stored(rows_by_key))
        return
    if data is None:
        sys.exit("give --data FOLDER, the MNIST to measure against, or --documents")
    # Read once, because the documents that are written meanwhile change the checkout.
    begun, code = time.monotonic(), commit()
    references: dict[str, Reference] = {}
    tasks: list[tuple[Setting, int, Reference, str]] = []
    for name, sampler, weight, precision in ROWS:
        if name not in model.bundled():
            print(f"{name} has no bundled weights: left out", file=sys.stderr)
            continue
        (setting,) = settings_for([model.load(name)], [sampler], [weight], SampleRequest(precision=precision))
        spec = setting.model.spec
        if spec.sha256 not in references:
            references[spec.sha256] = reference.for_spec(spec, data if spec.data == "mnist" else None)
        chosen, count = references[spec.sha256], default_count(setting)
        tasks.append((setting, count, chosen, identity(setting, count, chosen)))
    # The cheapest first, so that most of the table is complete early.
    for setting, count, chosen, key in sorted(tasks, key=lambda task: task[0].sampler.evaluations * task[1]):
        if key in rows_by_key or (cached_only and SampleCache(setting).estimated_seconds(count) > 0):
            continue
        if time.monotonic() - begun > 3600 * hours:
            print(f"{setting.name}: no time left", file=sys.stderr)
            continue
        print(f"{setting.name}: {count:,} images", file=sys.stderr, flush=True)
        rows_by_key[key] = measured(setting, count, chosen, code)
        write_text(STORED, json.dumps(rows_by_key, indent=1) + "\n")
        publish([(s, rows_by_key[k]) for s, _, _, k in tasks if k in rows_by_key])
    done = [(setting, rows_by_key[key]) for setting, _, _, key in tasks if key in rows_by_key]
    # All at the end, one after the other, because times of different days are not comparable.
    for setting, row in done:
        row |= {"seconds_64": 64 * setting.seconds_per_sample(), "timed_on": machine()}
    write_text(STORED, json.dumps(rows_by_key, indent=1) + "\n")
    publish(done)


def stored(rows_by_key: dict[str, Row]) -> list[Row]:
    """Return the rows of the bundled weights, in the order of `ROWS`."""
    found = []
    for name, sampler, weight, precision in ROWS:
        if name in model.bundled():
            (setting,) = settings_for([model.load(name)], [sampler], [weight], SampleRequest(precision=precision))
            label = sampler_label(setting)
            same = [row for row in rows_by_key.values() if (row["model"], row["sampler"]) == (name, label)]
            # Of a row that was measured twice, the last result is used.
            found += [row for row in same if row["weights"] == setting.model.weights][-1:]
    return found


def sampler_label(setting: Setting) -> str:
    """Return the name of the sampler in a row, with the precision unless it is "auto"."""
    precision = setting.request.precision
    return setting.sampler_name + (f", {precision}" if precision != "auto" else "")


def write(rows: list[Row]) -> None:
    """Write the documents about `rows`."""
    write_text(DOCS / "results.md", page(rows, len(ROWS)))
    write_text(DOCS / "results.csv", table(rows))
    mnist = [row for row in rows if row["data"] == "mnist"]
    write_text(PAGE_DATA, json.dumps(for_page(mnist), indent=1) + "\n")
    short = [row for entry in IN_README for row in mnist if (row["model"], row["sampler"]) == entry]
    requested = [row for row in mnist if "fd.a.requested" in row["scores"]]
    if requested:
        table_of_requests = markdown(requested, REQUESTED, cost=False)
        write_text(WORDS, block(WORDS.read_text(encoding="utf-8"), "requests", table_of_requests))
    if short:
        write_text(README, block(README.read_text(encoding="utf-8"), "results", markdown(short, SHORT, cost=True)))


def publish(done: list[tuple[Setting, Row]]) -> None:
    """Write the documents and pictures of the rows that are done, in the order of `ROWS`."""
    write([row for _, row in done])
    mnist = [(setting, row) for setting, row in done if row["data"] == "mnist"]
    if any(row["n"] == LARGE for _, row in mnist):
        draw(mnist, DOCS / "pictures")


def identity(setting: Setting, count: int, chosen: Reference) -> str:
    """Return a short hash of everything that a row depends on: weights, settings, count and feature extractors."""
    means = [each.statistics.train.overall.mean.sum().item() for each in chosen.extractor_set.extractors.values()]
    text = json.dumps([setting.name, setting.identity(), count, means], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def measured(setting: Setting, count: int, chosen: Reference, code: str) -> Row:
    """Return one row: cost, scores, verdicts, machine and the commit (`code`)."""
    with counter(count, setting.name) as done, stages() as stage:
        entry = ModelTask(setting, count).run(chosen, (), done, stage)
    return {
        "model": entry.model,
        "sampler": sampler_label(setting),
        "precision": setting.precision,
        "parameters": entry.parameters,
        "evaluations": entry.evaluations,
        "seconds_64": entry.seconds,
        "step": setting.model.step,
        "weights": setting.model.weights,
        "machine": machine(),
        "timed_on": machine(),
        "commit": code,
        "verdicts": verdicts(entry.evaluation),
        **entry.evaluation.to_dict(),
    }


def machine() -> str:
    """Return processor, threads and torch of this process."""
    info = devices.environment_info(torch.device("cpu"))
    return f"{info['hardware']}, {info['threads']} threads, torch {info['torch']}"


if __name__ == "__main__":
    app()
