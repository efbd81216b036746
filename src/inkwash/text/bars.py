"""Progress of long operations: bars on a terminal and in a notebook, lines at intervals in a log."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from html import escape
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from inkwash.text.console import Console, TextColumn
from inkwash.text.durations import format_duration
from inkwash.text.notebook import NotebookOutput, in_notebook
from inkwash.text.printing import print, printable
from inkwash.text.progress import ProgressCallback, StageProgressCallback

LOG_SECONDS = 30.0
"""Seconds between the lines of one operation in a log."""
SETTLED = 2.0
"""Seconds after which the time left is estimated."""


class Bar:
    """The progress of an operation, of which nothing is shown: `done` of `total` items, None where that is unknown.

    `unit` is the name of the items, and `text` what `update` was given last.
    """

    def __init__(self, title: str, total: float | None, unit: str = "", first: float = 0) -> None:
        self.title, self.total, self.unit, self.first, self.done, self.text = title, total, unit, first, first, ""
        self.begun = time.perf_counter()

    def update(self, done: float, text: str = "", total: float | None = None) -> None:
        """Set the number of finished items, a text beside it, and a new total."""
        self.done, self.text = done, text
        self.total = self.total if total is None else total
        self.show()

    def show(self) -> None:
        """Show the current progress."""

    def report(self, line: str, image: Path | None = None, shown: bool = False) -> None:
        """Report an event, with the image that was written; `shown` is whether the text of a bar has it already."""

    def close(self) -> None:
        """Show the end."""

    @property
    def line(self) -> str:
        """The progress as one line."""
        return self.describe(self.text)

    def describe(self, text: str) -> str:
        """Return the progress as one line with another `text`."""
        now, total = f"{self.done:,.0f}", self.total
        if total is not None:
            now = f"{now} of {total:,.0f}"
        left = ""
        if total is not None and self.first < self.done < total:
            seconds = (time.perf_counter() - self.begun) * (total - self.done) / (self.done - self.first)
            left = f", {format_duration(seconds)} left"
        return f"{self.title}: {now} {self.unit}".rstrip() + (f", {text}" if text else "") + left


class LogBar(Bar):
    """Lines on stderr: every report, and the progress where there was no line for 30 seconds."""

    last = 0.0

    def show(self) -> None:
        if time.perf_counter() - max(self.last, self.begun) >= LOG_SECONDS:
            self.report(self.line)

    def report(self, line: str, image: Path | None = None, shown: bool = False) -> None:
        self.last = time.perf_counter()
        print(line, file=sys.stderr, flush=True)


class NotebookBar(Bar):
    """A bar below a cell, and the newest image."""

    def __init__(self, title: str, total: float | None, unit: str = "", first: float = 0) -> None:
        super().__init__(title, total, unit, first)
        self.output, self.image = NotebookOutput(), ""

    def show(self) -> None:
        if self.output.due:
            self._send()

    def close(self) -> None:
        if self.output.shown:
            self._send()

    def _send(self) -> None:
        value = "" if self.total is None else f' value="{self.done:.17g}" max="{self.total:.17g}"'
        line = printable(self.line)
        self.output.send(f"<div><progress{value}></progress> {escape(line)}</div>{self.image}", line)

    def report(self, line: str, image: Path | None = None, shown: bool = False) -> None:
        if image is not None and image.is_file():
            encoded = base64.b64encode(image.read_bytes()).decode("ascii")
            source, text = f"data:image/png;base64,{encoded}", escape(printable(line))
            self.image = f'<img style="image-rendering: pixelated; min-width: 25em" src="{source}" alt="{text}">'


class TerminalBar(Bar):
    """A bar of rich on stderr."""

    def __init__(self, title: str, total: float | None, unit: str, first: float, transient: bool) -> None:
        super().__init__(title, total, unit, first)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
        )
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self.rich = Progress(*columns, *times, console=Console(stderr=True), transient=transient)
        self.task = self.rich.add_task(title, total=total, text=unit)
        self.rich.update(self.task, completed=first)
        self.rich.start()

    def show(self) -> None:
        self.rich.update(self.task, completed=self.done, total=self.total, text=self.text or self.unit)

    def report(self, line: str, image: Path | None = None, shown: bool = False) -> None:
        if not shown:
            self.rich.console.print(line)

    def close(self) -> None:
        self.rich.stop()


@contextmanager
def bar(
    title: str,
    total: float | None,
    unit: str = "",
    first: float = 0,
    quiet: bool = False,
    transient: bool = True,
) -> Iterator[Bar]:
    """Yield the bar for this notebook, terminal or log; a `transient` one is removed from a terminal at the end."""
    if quiet:
        shown = Bar(title, total, unit, first)
    elif in_notebook():
        shown = NotebookBar(title, total, unit, first)
    elif sys.stderr.isatty():
        shown = TerminalBar(title, total, unit, first, transient)
    else:
        shown = LogBar(title, total, unit, first)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def counter(total: float, title: str, quiet: bool = False, unit: str = "") -> Iterator[ProgressCallback]:
    """Show a bar over `total` items, called `unit`, with time left; yield a function of the number of finished ones."""
    with bar(title, total, unit, quiet=quiet) as shown:
        yield shown.update


@contextmanager
def sampling(evaluations: int, count: int, quiet: bool) -> Iterator[ProgressCallback]:
    """Show a bar over the network evaluations of `count` images; yield a function of the number of finished images."""
    with counter(count * evaluations, f"sampling {count:,}", quiet, "network evaluations") as show:
        yield lambda images: show(images * evaluations)


@contextmanager
def stages(quiet: bool = False, every: bool = False) -> Iterator[StageProgressCallback]:
    """Show the current stage and the time left; yield a function of the stage and its finished fraction (0: unknown).

    With `every`, each stage is also printed on a separate line, in logs as well.
    """
    console = Console(stderr=True)
    notebook = NotebookOutput() if in_notebook() and not quiet else None
    on_terminal = console.is_terminal and not quiet and notebook is None
    with console.status("") if on_terminal else nullcontext() as status:
        begun: dict[str, tuple[float, float]] = {}
        printed: set[str] = set()

        def show(what: str, fraction: float) -> None:
            now = time.perf_counter()
            if every and not quiet and what not in begun:
                console.print(what, highlight=False)
            since, before = begun.setdefault(what, (now, fraction))
            left = (now - since) * (1 - fraction) / (fraction - before) if fraction > before else None
            line = printable(what if left is None else f"{what} {fraction:.0%}, {format_duration(left)} left")
            if notebook is not None:
                if notebook.due:
                    notebook.send(f"<div>{escape(line)}</div>", line)
            elif status is not None:
                status.update(Text(line))
            elif left is not None and not quiet and what not in printed and now - since > SETTLED:
                # Once per stage in a log.
                printed.add(what)
                print(f"{what}: about {format_duration(left)} left", file=sys.stderr, flush=True)

        yield show
    if notebook is not None and notebook.shown:
        notebook.send("", "")
