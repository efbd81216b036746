"""The two kinds of samples that are evaluated: those of a model, sampled now or cached, and those in a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import array_file
from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import UsageError
from inkwash.evaluation import run_quality
from inkwash.evaluation.comparison import Entry
from inkwash.evaluation.extra_measures import EXTRAS, Subject
from inkwash.evaluation.measures import measure
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import Setting
from inkwash.evaluation.score import Evaluation
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.nets import summary

SampleProgress = Callable[[float], object]
"""Called with the number of samples that are done."""
StageProgress = Callable[[str, float], object]
"""Called with the stage in words and the fraction of it that is done, 0 where that is unknown."""

DEFAULT_COUNT, DEFAULT_COUNT_SLOW = 10_000, 1_000
MANY_EVALUATIONS = 100
"""Samplers with more network evaluations a sample get the smaller default count."""
SHOWN = 16
"""Samples of each entry kept for a report."""


def default_count(setting: Setting) -> int:
    """Return 10,000, or 1,000 for samplers of more than 100 evaluations."""
    return DEFAULT_COUNT if setting.sampler.evaluations <= MANY_EVALUATIONS else DEFAULT_COUNT_SLOW


@dataclass(frozen=True, eq=False)
class ModelTask:
    """Evaluate `count` samples of a model and sampler."""

    setting: Setting
    count: int
    write_quality: bool = True

    @property
    def name(self) -> str:
        """Model and sampler in words."""
        return self.setting.name

    @property
    def labelled(self) -> bool:
        """Whether a class is requested of each sample."""
        return self.setting.model.conditional

    def seconds(self) -> float:
        """Return the estimated seconds of sampling, timing some steps."""
        return self.setting.estimated_seconds(self.count)

    def sample_shard(self, process_group: ProcessGroup, progress: SampleProgress) -> None:
        """Sample this process's share into the cache."""
        self.setting.sample_shard(self.count, process_group, progress)

    def run(
        self,
        reference: Reference,
        extras: Sequence[str] = (),
        sampling: SampleProgress | None = None,
        measuring: StageProgress | None = None,
    ) -> Entry:
        """Sample and measure; with `write_quality`, write the FD into the run folder that the model is the latest of."""
        samples = self.setting.samples(self.count, sampling)
        subject = Subject(samples.values, samples.labels, self.setting)
        entry = Entry(
            self.setting.model.name,
            self.setting.sampler_name,
            summary.parameters(self.setting.model.net),
            samples.evaluations,
            64 * self.setting.seconds_per_sample(),
            _evaluation(self.name, subject, reference, extras, measuring),
            samples.values[:SHOWN],
        )
        if self.write_quality:
            run_quality.record(self.setting, entry, f"fd.{reference.extractor_set.primary}")
        return entry

    def metadata(self) -> dict[str, str]:
        """Return where the samples come from, for a report."""
        model, trained = self.setting.model, self.setting.model.recipe.training.guidance
        guidance = f"{self.setting.guidance:g}" if self.setting.guidance != 1 else "none"
        return {
            "model": f"{model.name} ({model.weights}), step {model.step:,}",
            "sampler": self.setting.sampler_name,
            "guidance": guidance + (f", {trained:g} in training" if trained != 1 else ""),
            "seeds": f"0 to {self.count - 1:,}",
            "network precision": self.setting.precision,
        }


@dataclass(frozen=True, eq=False)
class FileTask:
    """Evaluate samples of any program, read from an .npz or .npy file."""

    path: str
    values: Tensor
    labels: Tensor | None

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.values)

    @property
    def labelled(self) -> bool:
        """Whether the file has the requested class of each sample."""
        return self.labels is not None

    def seconds(self) -> float:
        """Return 0: there is nothing to sample."""
        return 0.0

    def sample_shard(self, process_group: ProcessGroup, progress: SampleProgress) -> None:
        """Do nothing: there is nothing to sample."""

    def run(
        self,
        reference: Reference,
        extras: Sequence[str] = (),
        sampling: SampleProgress | None = None,
        measuring: StageProgress | None = None,
    ) -> Entry:
        """Measure; the cost of the samples is unknown."""
        found = _evaluation(self.name, Subject(self.values, self.labels, None), reference, extras, measuring)
        return Entry(self.name, "", None, None, None, found, self.values[:SHOWN])

    def metadata(self) -> dict[str, str]:
        """Return where the samples come from, for a report."""
        return {"file": self.name}


Task = ModelTask | FileTask


def _evaluation(
    name: str, subject: Subject, reference: Reference, extras: Sequence[str], progress: StageProgress | None
) -> Evaluation:
    report = progress or (lambda stage, fraction: None)
    data = reference.data
    found = measure(name, subject.values, subject.labels, reference.extractor_set, data, report)
    if data is None or not extras:
        return found
    more = [score for extra in extras for score in EXTRAS[extra].measure(subject, data, report)]
    return replace(found, scores=(*found.scores, *more))


def is_file(source: str | Path) -> bool:
    """Return whether `source` names a file of arrays, by its suffix."""
    return Path(source).suffix.lower() in array_file.SUFFIXES


def read(path: str | Path) -> tuple[Tensor, Tensor | None]:
    """Return the values, uint8 [N, C, H, W] or points [N, D], and the labels int64 [N] or None, of a file of arrays.

    Raises `InkwashError` for pixels of another type than uint8, `UsageError` for pixels in [0, 1].
    """
    found = array_file.read(Path(path))
    if not found.is_points and found.values.max() <= 1:
        raise UsageError(
            f"{path}: the brightest pixel is {int(found.values.max())}, so the images are black or were scaled to "
            "[0, 1] before the conversion to uint8: save (255 * images).round().astype(numpy.uint8)",
            code="invalid-data",
        )
    return found.values, found.labels


def require_not_inverted(name: str, values: Tensor, extractor_set: ExtractorSet) -> None:
    """Raise `UsageError` for images whose mean pixel is that of inverted real images."""
    real = extractor_set.real_scores.get("mean")
    if real is None or values.dtype != torch.uint8:
        return
    mean = float(values.double().mean())
    if abs(mean - (255 - real)) < abs(mean - real) / 3:
        raise UsageError(
            f"{name}: the mean pixel is {mean:.0f}, that of {extractor_set.spec.data} is {real:.0f}: the images look "
            "inverted; save 255 - images",
            code="invalid-data",
        )
