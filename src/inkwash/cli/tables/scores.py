"""What `inkwash evaluate` prints: one evaluation with its verdicts, or several side by side, as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from inkwash.evaluation.attribute_report import AttributeReport
from inkwash.evaluation.comparison import Comparison, ComparisonEntry
from inkwash.evaluation.defects import verdicts
from inkwash.evaluation.plan import EvaluationPlan
from inkwash.evaluation.scores import Evaluation
from inkwash.metrics.extractor_set import DESCRIPTIONS
from inkwash.text.console import Console
from inkwash.text.durations import format_duration
from inkwash.text.printing import print

MAX_COLUMNS = 4
"""Settings side by side in one table."""
MIN_ANNOUNCED_SECONDS = 5.0
"""A shorter time of sampling is not announced."""


def announce(plan: EvaluationPlan) -> None:
    """Print what will be measured, and how long sampling and extra measures take."""
    extractors = plan.reference.extractor_set
    members = ", ".join(f"{name.upper()} {DESCRIPTIONS.get(name, '')}".strip() for name in extractors.extractors)
    missing = "" if plan.reference.data is not None else "; measures that need the images are left out (--data FOLDER)"
    print(f"feature extractors (judges) for {extractors.spec.data}: {members}{missing}", file=sys.stderr)
    if plan.optional_metrics:
        names = " and ".join(f"--{name}" for name in plan.optional_metrics)
        print(f"{names}: about {format_duration(plan.optional_metric_seconds())}, after sampling", file=sys.stderr)
    seconds = plan.seconds()
    if seconds > MIN_ANNOUNCED_SECONDS:
        count = sum(task.count for task in plan.tasks)
        text = f"sampling {count:,} images takes about {format_duration(seconds)}; they are cached"
        print(f"{text}, so that an interrupted command resumes", file=sys.stderr)


def show_one(plan: EvaluationPlan, entries: Sequence[ComparisonEntry], folder: Path | None, as_json: bool) -> None:
    """Print the only entry, and write its report to `folder`."""
    (entry,) = entries
    found = entry.evaluation
    sentences, metadata = verdicts(found), plan.metadata()
    if folder is not None:
        from inkwash.evaluation.report import evaluation_page

        train = None if plan.reference.data is None else plan.reference.data.values
        evaluation_page.write(found, sentences, folder, metadata, train)
    if as_json:
        cost = {"evaluations": entry.evaluations, "seconds_64": entry.seconds}
        print(json.dumps(found.to_dict() | cost | {"verdicts": sentences, "facts": metadata}, indent=2))
    else:
        _show(found, sentences)


def show_several(plan: EvaluationPlan, entries: Sequence[ComparisonEntry], folder: Path | None, as_json: bool) -> None:
    """Print the comparison of the entries, and write its report to `folder`."""
    comparison = Comparison(tuple(entries), plan.key)
    if folder is not None:
        from inkwash.evaluation.report import comparison_page

        comparison_page.write(comparison, folder, plan.metadata())
    if as_json:
        found = [entry.evaluation.to_dict() for entry in entries]
        print(json.dumps({"entries": found, "rows": comparison.rows(), "sentence": comparison.conclusion}, indent=2))
    else:
        _compare(comparison)


def _show(found: Evaluation, sentences: list[str]) -> None:
    """Print the scores that have a value, the notes on them and on missing ones, and the verdicts."""
    console = Console(highlight=False, markup=False)
    console.print(f"{found.name}: {found.count:,} against {found.data}", style="bold")
    _print_table(console, *found.table())
    if found.attributes is not None:
        _show_attributes(console, found.attributes)
    notes: dict[str, list[str]] = {}
    for score in found.scores:
        if score.note:
            notes.setdefault(score.note, []).append(f"{'left out: ' if score.value is None else ''}{score.words}")
    for note, titles in notes.items():
        console.print(f"{'; '.join(titles)}: {note}")
    for note in found.notes:
        console.print(f"note: {note}")
    console.print()
    for text in sentences:
        console.print(f"- {text}")


def _print_table(console: Console, header: list[str], rows: list[list[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(header[0])
    for name in header[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for cells in rows:
        table.add_row(*cells)
    console.print(table)


def _show_attributes(console: Console, found: AttributeReport) -> None:
    """Print how attributes are followed, what else a sweep of each changes, and how both are measured."""
    _print_table(console, *found.table())
    for title, matrix in (("others unspecified", found.unspecified), ("others held", found.held)):
        console.print(f"mean change of each attribute when one is swept, {title}")
        _print_table(console, *found.independence_table(matrix))
    for note in found.notes():
        console.print(f"note: {note}")


def _compare(found: Comparison) -> None:
    """Print the cost and all scores of all entries, those of real images in the last column, and the conclusion."""
    console = Console(highlight=False, markup=False)
    for start in range(0, len(found.entries), MAX_COLUMNS):
        entries = found.entries[start : start + MAX_COLUMNS]
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        header, rows = found.table(entries)
        table.add_column("", no_wrap=True)
        for name in header[1:]:
            table.add_column(name, justify="right")
        for cells in rows:
            table.add_row(*cells)
        console.print(table)
    console.print(found.conclusion)
    if found.unranked_note:
        console.print(found.unranked_note)
