"""Ctrl-C and SIGTERM while a run is in training: it saves and ends after its step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkwash.runs.training_run import Run


@contextmanager
def stop_on_signal(course: Run) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks the run to save and end after its step; a second Ctrl-C breaks off."""

    def ask(number: int, frame: Any) -> None:
        # of several processes each hears more than one, from the terminal and from the launcher
        if course.stopping and number == signal.SIGINT and course.process_group.is_single:
            raise KeyboardInterrupt
        course.stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
