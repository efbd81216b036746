"""Progress of a run or a request: bars on a terminal, plain lines in a log, JSON lines for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from inkwash.cli.console import Console, TextColumn
from inkwash.text.durations import format_duration
from inkwash.text.printing import print, printable
from inkwash.text.progress import ProgressCallback, StageProgressCallback

if TYPE_CHECKING:
    from inkwash.core import Sampler
    from inkwash.training.trainer import Trainer

Show = Callable[[Any], None]
SETTLED = 2.0
"""Seconds after which the time left is estimated."""


@contextmanager
def training_bar(trainer: Trainer) -> Iterator[Show]:
    """Show a bar with the training loss, validation loss, images per second and time left; yield its event handler."""
    from inkwash.runs.events import Sampled
    from inkwash.training.events import Measured, Planned, Step

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    first, begun, smooth, validation = trainer.state.progress.step, time.perf_counter(), 0.0, ""
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task(trainer.recipe.name, total=trainer.total, completed=first, figures="")

        def show(event: Any) -> None:
            nonlocal smooth, validation
            match event:
                case Step():
                    smooth = event.loss if not smooth else 0.98 * smooth + 0.02 * event.loss
                    rate = (event.number - first) * trainer.batches.size / (time.perf_counter() - begun)
                    figures = f"loss {smooth:.4f}{validation}  {rate:,.0f} images/s"
                    progress.update(task, completed=event.number, figures=figures)
                case Measured():
                    validation = f"  validation {event.profile.mean:.4f}"
                case Planned():
                    progress.update(task, total=event.total)
                case Sampled():
                    progress.console.print(f"step {event.step:,}: samples {event.path}")

        yield show


def plain_lines(trainer: Trainer) -> Show:
    """Return an event handler that prints a line per validation, with images per second and the time left."""
    from inkwash.runs.events import Sampled
    from inkwash.training.events import Measured, Planned

    first, begun = trainer.state.progress.step, time.perf_counter()

    def line(event: Measured) -> str:
        seconds = (time.perf_counter() - begun) / max(event.step - first, 1)
        total, left = "", ""
        if trainer.total is not None:
            total = f" of {trainer.total:,}"
            left = "" if trainer.complete else f", {format_duration(seconds * (trainer.total - event.step))} left"
        rate = trainer.batches.size / seconds
        return f"step {event.step:,}{total}: validation loss {event.profile.mean:.4f}, {rate:,.0f} images/s{left}"

    def show(event: Any) -> None:
        match event:
            case Measured():
                print(line(event), file=sys.stderr, flush=True)
            case Planned() if event.first:
                print(f"planned {event.total:,} steps ({event.pace:.2g} s/step)", file=sys.stderr, flush=True)
            case Sampled():
                print(f"step {event.step:,}: samples {event.path}", file=sys.stderr, flush=True)

    return show


def json_lines() -> Show:
    """Return an event handler that prints every event as a JSON object on standard output."""

    def show(event: Any) -> None:
        plain = {key: vars(value) if hasattr(value, "__dict__") else value for key, value in event._asdict().items()}
        print(json.dumps({"event": type(event).__name__.lower()} | plain, default=str), flush=True)

    return show


@contextmanager
def display(trainer: Trainer, quiet: bool, as_json: bool) -> Iterator[Show]:
    """Yield the event handler for this terminal or log: none, JSON lines, plain lines or a bar."""
    if quiet:
        yield lambda event: None
    elif as_json:
        yield json_lines()
    elif not sys.stderr.isatty():
        yield plain_lines(trainer)
    else:
        with training_bar(trainer) as show:
            yield show


@contextmanager
def counter(total: float, title: str, quiet: bool = False, unit: str = "") -> Iterator[ProgressCallback]:
    """Show a bar over `total` items, called `unit`, with time left; yield a function of the number of finished ones."""
    if quiet or not sys.stderr.isatty():
        yield lambda done: None
        return
    columns: list[ProgressColumn] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [TextColumn(unit)] if unit else []
    columns += [TextColumn("left"), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def sampling(sampler: Sampler, count: int, quiet: bool) -> Iterator[ProgressCallback]:
    """Show a bar over the network evaluations of `count` images; yields a function of the number of finished ones."""
    each = sampler.evaluations
    with counter(count * each, f"sampling {count:,}", quiet, "network evaluations") as show:
        yield lambda images: show(images * each)


@contextmanager
def stages(quiet: bool = False, every: bool = False) -> Iterator[StageProgressCallback]:
    """Show the current stage and the time left; yield a function of the stage and its finished fraction (0: unknown).

    With `every`, each stage is also printed on a separate line, in logs as well.
    """
    console = Console(stderr=True)
    with console.status("") if console.is_terminal and not quiet else nullcontext() as status:
        begun: dict[str, tuple[float, float]] = {}
        printed: set[str] = set()

        def show(what: str, fraction: float) -> None:
            now = time.perf_counter()
            if every and not quiet and what not in begun:
                console.print(what, highlight=False)
            since, before = begun.setdefault(what, (now, fraction))
            left = (now - since) * (1 - fraction) / (fraction - before) if fraction > before else None
            if status is not None:
                status.update(
                    Text(printable(what if left is None else f"{what} {fraction:.0%}, {format_duration(left)} left"))
                )
            elif left is not None and not quiet and what not in printed and now - since > SETTLED:
                # Once per stage in a log.
                printed.add(what)
                print(f"{what}: about {format_duration(left)} left", file=sys.stderr, flush=True)

        yield show
