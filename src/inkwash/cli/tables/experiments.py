"""The list of experiments, and the results of one: the scores in which its variants differ, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rich import box
from rich.table import Table

from inkwash.lab import Experiment
from inkwash.lab.results import Results, format_value
from inkwash.text.console import Console
from inkwash.text.printing import print

MAX_COLUMNS = 5
"""Variants in one table."""
MAX_HEADING_LENGTH = 30
"""Characters of a row's heading."""


def show_list(experiments: Mapping[str, Experiment], as_json: bool) -> None:
    """Print each experiment with its claim."""
    if as_json:
        keys = ("name", "claimed_by", "hypothesis", "objective")
        print(json.dumps([{key: getattr(each, key) for key in keys} for each in experiments.values()], indent=2))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for each in experiments.values():
        table.add_row(each.name, each.claim())
    console = Console()
    console.print(table)
    console.print("\nRun one: inkwash lab NAME")


def show_results(results: Results) -> None:
    """Print the scores in which the variants differ, with those of real images; the card has all scores."""
    for start in range(0, len(results.variants), MAX_COLUMNS):
        columns = slice(start, start + MAX_COLUMNS)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("", no_wrap=True)
        for each in results.variants[columns]:
            table.add_column(each.name, justify="right")
        table.add_column("real", justify="right", no_wrap=True)
        for key, scores in results.scores().items():
            values = ["" if score is None else format_value(key, score.value) for score in scores]
            found = [score for score in scores if score is not None]
            real = next((score.real for score in found if score.real is not None), None)
            if len(values) > 1 and len(set(values)) == 1 and real is None:
                continue
            table.add_row(shortened(found[0].words), *values[columns], format_value(key, real))
        Console().print(table)


def shortened(words: str) -> str:
    """Return the heading of a row, cut to 30 characters, which leaves room for the numbers."""
    return words if len(words) <= MAX_HEADING_LENGTH else f"{words[: MAX_HEADING_LENGTH - 1].rstrip()}…"
