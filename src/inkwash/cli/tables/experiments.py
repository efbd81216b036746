"""What an experiment found, on a terminal: what differs between its arms, as many side by side as there is room for."""

from __future__ import annotations

from rich import box
from rich.table import Table

from inkwash.cli.console import Console
from inkwash.evaluation.formatting import number
from inkwash.lab.card import COUNTS
from inkwash.lab.results import Results

ACROSS = 5
WIDEST = 30


def show(found: Results) -> None:
    """Print the scores in which the arms differ, real images last; the card has all of them."""
    console = Console(highlight=False, markup=False, emoji=False)
    for start in range(0, len(found.arms), ACROSS):
        shown = range(start, min(start + ACROSS, len(found.arms)))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for place in shown:
            table.add_column(found.arms[place].name, justify="right")
        table.add_column("real", justify="right", no_wrap=True)
        for key, scores in found.scores().items():
            values = ["" if score is None else told(key, score.value) for score in scores]
            real = next((score.real for score in scores if score is not None and score.real is not None), None)
            if len(found.arms) > 1 and len(set(values)) == 1 and real is None:
                continue
            words = next(score.words for score in scores if score is not None)
            table.add_row(shortened(words), *(values[place] for place in shown), told(key, real))
        console.print(table)


def told(key: str, value: float | None) -> str:
    """Return a figure in few digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if key in COUNTS else number(key, value)


def shortened(words: str) -> str:
    """Return the words, cut to 30 letters: numbers must not be."""
    return words if len(words) <= WIDEST else f"{words[: WIDEST - 1].rstrip()}…"
