"""Progress of an experiment on a terminal or in a log, and interruption of its trainings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from inkwash.cli.signals import stop_on_signal
from inkwash.lab.measures import LabProgress
from inkwash.runs.progress import training_bar
from inkwash.runs.run import Run
from inkwash.text.bars import counter, stages
from inkwash.text.printing import print
from inkwash.text.progress import ProgressCallback, StageProgressCallback
from inkwash.training.trainer import Trainer


class LabReporter(LabProgress):
    """Reports nothing; a run in training is saved when it is interrupted."""

    @contextmanager
    def training(self, run: Run) -> Iterator[Callable[[Any], object]]:
        with stop_on_signal(run.trainer), self.steps(run.trainer) as report:
            yield report

    def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
        """Return a function that is called with each event of `trainer`."""
        return nullcontext(lambda event: None)


class PrintingLabReporter(LabReporter):
    """Shows bars on a terminal and prints lines in a log."""

    def message(self, text: str) -> None:
        print(text, file=sys.stderr)

    def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
        return training_bar(trainer)

    def sampling(self, name: str, count: int) -> AbstractContextManager[ProgressCallback]:
        return counter(count, name)

    def measuring(self) -> AbstractContextManager[StageProgressCallback]:
        return stages()
