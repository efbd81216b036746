"""Progress of a run in training, from its events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from inkwash.runs.events import Sampled
from inkwash.text import bars
from inkwash.training.events import Measured, Planned, Step
from inkwash.training.trainer import Trainer

ShowEvent = Callable[[Any], None]


@contextmanager
def training_bar(trainer: Trainer, quiet: bool = False) -> Iterator[ShowEvent]:
    """Show a bar with losses, images per second and time left; in a log a line per validation. Yield its event handler."""
    first, begun, smooth, validation = trainer.state.progress.step, time.perf_counter(), 0.0, ""
    with bars.bar(trainer.recipe.name, trainer.total, "steps", first, quiet, transient=False) as bar:

        def figures(step: int, loss: str) -> str:
            rate = (step - first) * trainer.batches.size / (time.perf_counter() - begun)
            return f"{loss}, {rate:,.0f} images/s"

        def show(event: Any) -> None:
            nonlocal smooth, validation
            match event:
                case Step():
                    smooth = event.loss if not smooth else 0.98 * smooth + 0.02 * event.loss
                    bar.update(event.number, figures(event.number, f"loss {smooth:.4f}{validation}"))
                case Measured():
                    validation = f", validation {event.validation_loss:.4f}"
                    line = figures(event.step, f"validation loss {event.validation_loss:.4f}")
                    bar.report(bar.describe(line), shown=True)
                    bar.update(event.step, figures(event.step, f"loss {smooth:.4f}{validation}"))
                case Planned():
                    bar.total = event.total
                    if event.first:
                        bar.report(f"planned {event.total:,} steps ({event.pace:.2g} s/step)", shown=True)
                case Sampled():
                    bar.report(f"step {event.step:,}: samples {event.path}", event.path)

        yield show
