"""Progress of a run: a bar or lines for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.runs.progress import ShowEvent
    from inkwash.training.trainer import Trainer


def json_lines() -> ShowEvent:
    """Return an event handler that prints every event as a JSON object on standard output."""

    def show(event: Any) -> None:
        plain = {key: vars(value) if hasattr(value, "__dict__") else value for key, value in event._asdict().items()}
        print(json.dumps({"event": type(event).__name__.lower()} | plain, default=str), flush=True)

    return show


@contextmanager
def display(trainer: Trainer, quiet: bool, as_json: bool) -> Iterator[ShowEvent]:
    """Yield the event handler for this terminal or log: none, JSON lines, or a bar."""
    from inkwash.runs.progress import training_bar

    with training_bar(trainer, quiet or as_json) as show:
        yield json_lines() if as_json and not quiet else show
