"""Measures of a variant and the context that they receive; the default measure is that of `inkwash evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from inkwash.errors import UsageError
from inkwash.evaluation.defects import verdicts
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import CachedSamples, SampleCache
from inkwash.evaluation.scores import Score
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import ModelTask
from inkwash.lab.results import Series
from inkwash.text.progress import ProgressCallback, StageProgressCallback
from inkwash.training.batches import Split

if TYPE_CHECKING:
    from PIL import Image

    from inkwash.runs.run import Run


class LabProgress:
    """Reports the progress of an experiment; these methods report nothing."""

    def message(self, text: str) -> None:
        """Report a line of text."""

    def training(self, run: Run) -> AbstractContextManager[Callable[[Any], object]]:
        """Return a function that is called with each event of `run`."""
        return nullcontext(lambda event: None)

    def sampling(self, name: str, count: int) -> AbstractContextManager[ProgressCallback]:
        """Return a function that is called with the number of samples done, of `count`."""
        return nullcontext(lambda done: None)

    def measuring(self) -> AbstractContextManager[StageProgressCallback]:
        """Return a function that is called with a stage and the fraction of it that is done, 0 where unknown."""
        return nullcontext(lambda stage, fraction: None)


@dataclass(frozen=True, eq=False)
class LoadedVariant:
    """A variant with its model; `training` describes how it was trained for the experiment, "" where it was not."""

    name: str
    setting: Setting
    training: str = ""

    @property
    def images(self) -> int:
        """The number of images that the model was trained on, with repetitions."""
        return self.setting.model.step * self.setting.model.recipe.training.batch

    @property
    def epochs(self) -> float:
        """The same in passes over the training set."""
        return self.images / Split.train_count(self.setting.model.spec.count)

    @property
    def about(self) -> dict[str, str]:
        """Model and sampling in words."""
        model = self.setting.model
        found = {
            "model": f"{model.name} ({model.weights}), step {model.step:,}, {self.images:,} images, "
            f"{self.epochs:.1f} epochs",
            "sampler": self.setting.sampler_name,
            "network in": self.setting.precision,
        }
        return found | ({"trained": f"here, {self.training}"} if self.training else {})

    def settings(self) -> Iterator[Score]:
        """Yield the settings that figures may have on an axis, as scores."""
        yield Score("steps", "steps of the sampler", float(self.setting.sampler.steps))
        yield Score("images", "images seen in training", float(self.images))
        yield Score("epochs", "epochs of training", self.epochs)
        if self.setting.model.conditional:
            yield Score("guidance", "guidance weight", self.setting.guidance)


class Picture(NamedTuple):
    """An image for the card: its file name without suffix, a caption, and the pixels."""

    name: str
    caption: str
    image: Image.Image


Finding = Score | Series | Picture | str
"""What a measure yields; a string is an observation for the card."""


@dataclass(frozen=True, eq=False)
class MeasureContext:
    """The input of measures: all variants in their order, `count` samples of each, and the feature extractors."""

    variants: tuple[LoadedVariant, ...]
    count: int
    reference: Reference
    progress: LabProgress = field(default_factory=LabProgress)

    def classify(self, values: Tensor) -> Tensor:
        """Return the class of each image of `values` by the first feature extractor, int64 [N].

        Raises `UsageError` where the data have no classes.
        """
        extractor_set = self.reference.extractor_set
        found = extractor_set.extractors[extractor_set.primary].extract(values).probabilities
        if found is None:
            raise UsageError(
                f"{extractor_set.spec.data} has no labels, so that samples cannot be classified: use labelled data",
                code="unsupported",
                field="data",
            )
        return found.argmax(1)

    def samples(self, variant: LoadedVariant) -> CachedSamples:
        """Return the samples of seeds 0 to `count` - 1 of a variant, cached after the first call."""
        with self.progress.sampling(variant.name, self.count) as done:
            return SampleCache(variant.setting).samples(self.count, done)


Measure = Callable[[LoadedVariant, MeasureContext], Iterator[Finding]]


def evaluation(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Measure every score of `inkwash evaluate` and the cost of a sample; its notes and verdicts are observations."""
    with context.progress.sampling(variant.name, context.count) as sampling, context.progress.measuring() as measuring:
        # The FD is stored in a run that the experiment trained, but not in one that the user gave.
        task = ModelTask(variant.setting, context.count, write_quality=variant.training != "")
        entry = task.run(context.reference, (), sampling, measuring)
    yield Score("evaluations", "network evaluations per image", entry.evaluations)
    yield Score("seconds", "seconds for 64 images", entry.seconds)
    yield Score("parameters", "parameters", None if entry.parameters is None else float(entry.parameters))
    yield from entry.evaluation.scores
    yield from (f"{note[:1].upper()}{note[1:]}." for note in entry.evaluation.notes)
    yield from verdicts(entry.evaluation)
