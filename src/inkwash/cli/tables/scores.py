"""Scores on a terminal: one evaluation as a table with its verdicts, several side by side."""

from __future__ import annotations

from rich import box
from rich.table import Table

from inkwash.cli.console import Console
from inkwash.evaluation.comparison import Comparison
from inkwash.evaluation.score import Evaluation, Score, format_score

HEADINGS = ("value", "95 %", "N=∞", "floor", "real test", "÷ real")
ACROSS = 4
"""Settings side by side in one table."""


def show(found: Evaluation, verdicts: list[str]) -> None:
    """Print the table of scores, what was left out and why, and the verdicts."""
    console = Console(highlight=False, markup=False)
    console.print(f"{found.name}: {found.count:,} against {found.data}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    rows = {score.words: _cells(score) for score in found.scores if score.value is not None}
    # a column that nothing stands in says nothing
    some = [place for place in range(len(HEADINGS)) if any(cells[place] for cells in rows.values())]
    for place in some:
        table.add_column(HEADINGS[place], justify="right", no_wrap=True)
    for words, cells in rows.items():
        table.add_row(words, *(cells[place] for place in some))
    console.print(table)
    notes: dict[str, list[str]] = {}
    for score in found.scores:
        if score.note:
            notes.setdefault(score.note, []).append(f"{'left out: ' if score.value is None else ''}{score.words}")
    for note, told in notes.items():
        console.print(f"{'; '.join(told)}: {note}")
    for note in found.notes:
        console.print(f"note: {note}")
    console.print()
    for text in verdicts:
        console.print(f"- {text}")


def compare(found: Comparison) -> None:
    """Print all scores of all entries, real images last, and the sentence."""
    console = Console(highlight=False, markup=False)
    for start in range(0, len(found.entries), ACROSS):
        entries = found.entries[start : start + ACROSS]
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for entry in entries:
            table.add_column(entry.name, justify="right")
        table.add_column("real test set", justify="right")
        table.add_row("images", *(f"{entry.evaluation.count:,}" for entry in entries), "")
        table.add_row("network evaluations", *(_cost(entry.evaluations, "g") for entry in entries), "")
        table.add_row("seconds for 64 images", *(_cost(entry.seconds, ".2f") for entry in entries), "")
        for key in found.keys:
            scores = [entry.evaluation.find(key) for entry in entries]
            words = next(s.words for entry in found.entries for s in entry.evaluation.scores if s.key == key)
            real = next((s.real for s in scores if s is not None and s.real is not None), None)
            cells = ["" if s is None or s.value is None else format_score(key, s.value) for s in scores]
            table.add_row(words, *cells, "" if real is None else format_score(key, real))
        console.print(table)
    console.print(found.sentence)
    if found.unranked:
        console.print(found.unranked)


def _cells(score: Score) -> list[str]:
    def told(value: float | None) -> str:
        return "" if value is None else format_score(score.key, value)

    ends = "" if score.low is None or score.high is None else f"{told(score.low)} … {told(score.high)}"
    ratio = score.ratio if score.better == "low" and score.key.startswith(("fd.", "nearest")) else None
    times = "" if ratio is None else f"{ratio:.2f}"
    return [told(score.value), ends, told(score.infinite), told(score.floor), told(score.real), times]


def _cost(value: float | None, form: str) -> str:
    """What a file of images cost is not known."""
    return "" if value is None else f"{value:{form}}"
