"""Strings on the console are text: neither markup nor control sequences of a name have an effect."""

from __future__ import annotations

import io

import pytest
from rich.progress import Progress
from rich.table import Table

from inkwash.text.console import Console, TextColumn
from inkwash.text.printing import print as print_text

HOSTILE = "[red]a[/red] :smile: \x1b[31mb\x07"
SHOWN = "[red]a[/red] :smile: \\x1b[31mb\\x07"


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(output: io.StringIO) -> Console:
    """A terminal of 100 columns without colours, which writes to `output`."""
    return Console(file=output, force_terminal=True, color_system=None, width=100)


def test_lines_cells_titles_and_bars_are_text(console: Console, output: io.StringIO) -> None:
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    console.print(HOSTILE)
    console.print(table)
    with Progress(TextColumn("{task.description}"), console=console) as progress:
        progress.add_task(HOSTILE)
    printed = output.getvalue()
    # rich itself drops a bell from a bar
    assert printed.count(SHOWN.removesuffix("\\x07")) >= 5
    assert "\x1b[31m" not in printed and "\x07" not in printed


def test_printed_lines_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("a\nb", HOSTILE, sep=" - ")
    assert capsys.readouterr().out == f"a\nb - {SHOWN}\n"
