"""What a measure works with: the arms ready to draw, their samples, the judges; and the measure most experiments take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from inkwash.errors import UsageError
from inkwash.evaluation.extractors import Bench
from inkwash.evaluation.measures import measure
from inkwash.evaluation.sample_cache import Samples, Setting
from inkwash.evaluation.score import Score
from inkwash.evaluation.verdicts import verdicts
from inkwash.lab.results import Series
from inkwash.nets import summary

if TYPE_CHECKING:
    from PIL import Image

    from inkwash.runs.run import Run


class Watch:
    """Hears how far an experiment is. This one is silent; a command line shows bars."""

    def say(self, text: str) -> None:
        """Hear a line."""

    def training(self, run: Run) -> AbstractContextManager[Callable[[Any], object]]:
        """Return what hears the events of a run."""
        return nullcontext(lambda event: None)

    def drawing(self, name: str, count: int) -> AbstractContextManager[Callable[[float], object]]:
        """Return what hears how many of `count` images are drawn."""
        return nullcontext(lambda done: None)

    def judging(self) -> AbstractContextManager[Callable[[str, float], object]]:
        """Return what hears what is being done and the share of it that is done, 0 where that is not known."""
        return nullcontext(lambda what, share: None)


@dataclass(frozen=True, eq=False)
class Ready:
    """An arm whose model is there: its name, the setting that draws, and what is said of the model in words.

    `images` is the number that the model has seen in training, `epochs` the same in passes over the train set.
    """

    name: str
    setting: Setting
    images: int
    epochs: float
    about: dict[str, str] = field(default_factory=dict)


class Picture(NamedTuple):
    """A picture to be kept with the card: a name of its own in the experiment, what it shows, and itself."""

    name: str
    words: str
    image: Image.Image


Finding = Score | Series | Picture | str
"""What a measure yields; a string is an observation in words."""


@dataclass(frozen=True, eq=False)
class Lab:
    """Everything on the bench: all arms in their order, `count` images of each, and the judges."""

    arms: tuple[Ready, ...]
    count: int
    bench: Bench
    watch: Watch = field(default_factory=Watch)

    def seen(self, values: Tensor) -> Tensor:
        """Return the class that the first judge sees in each image of `values`, int64 [N].

        Raises `UsageError` where the data has no classes.
        """
        panel = self.bench.panel
        found = panel.judges[panel.first].read(values).probabilities
        if found is None:
            raise UsageError(
                f"{panel.about.data} has no labels, so that its judges know no classes: give data that has"
            )
        return found.argmax(1)

    def samples(self, arm: Ready) -> Samples:
        """Return the images of seeds 0 to `count` - 1 of an arm: drawn once, and from then on kept in the cache."""
        with self.watch.drawing(arm.name, self.count) as done:
            return arm.setting.samples(self.count, done)


Measure = Callable[[Ready, Lab], Iterator[Finding]]


def table(arm: Ready, lab: Lab) -> Iterator[Finding]:
    """Measure all that `inkwash evaluate` does, and what an image costs."""
    samples = lab.samples(arm)
    yield Score("evaluations", "network evaluations an image", samples.evaluations)
    yield Score("seconds", "seconds for 64 images", 64 * arm.setting.pace())
    yield Score("parameters", "parameters", float(summary.parameters(arm.setting.model.net)))
    with lab.watch.judging() as tell:
        panel, data = lab.bench.panel, lab.bench.data
        found = measure(arm.name, samples.values, samples.asked, panel, data, lambda what: tell(what, 0.0))
    yield from found.scores
    yield from (f"{note[:1].upper()}{note[1:]}." for note in found.notes)
    yield from verdicts(found)
