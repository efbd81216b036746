"""Ctrl-C and SIGTERM during training: the run stops after its current step and is saved."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inkwash.training.trainer import Trainer


@contextmanager
def stop_on_signal(trainer: Trainer) -> Iterator[None]:
    """Stop `trainer` after its current step at the first Ctrl-C or SIGTERM, and at once at a second Ctrl-C."""

    def stop(number: int, frame: Any) -> None:
        # Each of several processes receives more than one signal, from the terminal and from the launcher.
        if trainer.stopping and number == signal.SIGINT and trainer.process_group.is_single:
            raise KeyboardInterrupt
        trainer.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
