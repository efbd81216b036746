"""Tables of scores on a terminal: one evaluation with its verdicts, or several side by side."""

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
    """Print the scores that have a value, the notes on them and on missing ones, and the verdicts."""
    console = Console(highlight=False, markup=False)
    console.print(f"{found.name}: {found.count:,} against {found.data}", style="bold")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    rows = {score.words: _cells(score) for score in found.scores if score.value is not None}
    columns = [k for k in range(len(HEADINGS)) if any(cells[k] for cells in rows.values())]
    for k in columns:
        table.add_column(HEADINGS[k], justify="right", no_wrap=True)
    for title, cells in rows.items():
        table.add_row(title, *(cells[k] for k in columns))
    console.print(table)
    notes: dict[str, list[str]] = {}
    for score in found.scores:
        if score.note:
            notes.setdefault(score.note, []).append(f"{'left out: ' if score.value is None else ''}{score.words}")
    for note, titles in notes.items():
        console.print(f"{'; '.join(titles)}: {note}")
    for note in found.notes:
        console.print(f"note: {note}")
    console.print()
    for text in verdicts:
        console.print(f"- {text}")


def compare(found: Comparison) -> None:
    """Print the cost and all scores of all entries, those of real images in the last column, and the conclusion."""
    console = Console(highlight=False, markup=False)
    for start in range(0, len(found.entries), ACROSS):
        entries = found.entries[start : start + ACROSS]
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for entry in entries:
            table.add_column(entry.name, justify="right")
        table.add_column("real test set", justify="right")
        table.add_row("images", *(f"{entry.count:,}" for entry in entries), "")
        table.add_row("network evaluations", *(_cost(entry.evaluations, "g") for entry in entries), "")
        table.add_row("seconds for 64 images", *(_cost(entry.seconds, ".2f") for entry in entries), "")
        for key in found.keys:
            scores = [entry.evaluation.find(key) for entry in entries]
            title = next(s.words for entry in found.entries if (s := entry.evaluation.find(key)) is not None)
            real = next((s.real for s in scores if s is not None and s.real is not None), None)
            cells = ["" if s is None else format_score(key, s.value) for s in scores]
            table.add_row(title, *cells, format_score(key, real))
        console.print(table)
    console.print(found.sentence)
    if found.unranked:
        console.print(found.unranked)


def _cells(score: Score) -> list[str]:
    value, low, high, infinite, floor, real = (
        format_score(score.key, each)
        for each in (score.value, score.low, score.high, score.infinite, score.floor, score.real)
    )
    ratio = score.ratio if score.better == "low" and score.kind in ("fd", "nearest") else None
    return [value, f"{low} … {high}" if low and high else "", infinite, floor, real, f"{ratio:.2f}" if ratio else ""]


def _cost(value: float | None, form: str) -> str:
    """Return a cost as text, empty for a file, whose cost is unknown."""
    return "" if value is None else f"{value:{form}}"
