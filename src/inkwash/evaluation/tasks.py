"""The tasks of an evaluation: samples of a model, sampled now or cached, and samples in a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from inkwash.evaluation import attribute_report, run_quality
from inkwash.evaluation.attribute_requests import AttributeRequests
from inkwash.evaluation.comparison import ComparisonEntry
from inkwash.evaluation.compute_scores import measure, measure_requested
from inkwash.evaluation.optional_metrics import OPTIONAL_METRICS, MetricInput
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_cache import SampleCache
from inkwash.evaluation.scores import Evaluation, Score
from inkwash.evaluation.setting import Setting
from inkwash.nets import summary
from inkwash.text.progress import ProgressCallback, StageProgressCallback

DEFAULT_COUNT, DEFAULT_COUNT_SLOW = 10_000, 1_000
SLOW_SAMPLER_NFE = 100
"""Samplers with more network evaluations per sample get the smaller default count."""
IMAGES_PER_ENTRY = 16
"""Samples of each entry that a report shows."""

ComputeScores = Callable[[MetricInput], Evaluation]


def default_count(setting: Setting) -> int:
    """Return 10,000, or 1,000 for samplers of more than 100 evaluations."""
    return DEFAULT_COUNT if setting.sampler.evaluations <= SLOW_SAMPLER_NFE else DEFAULT_COUNT_SLOW


class Task(ABC):
    """Samples to be evaluated: `count` of them, with a `name`, and whether they are `labelled` by a requested class."""

    count: int

    @property
    @abstractmethod
    def name(self) -> str:
        """Model and sampler, or the name of the file."""

    @property
    @abstractmethod
    def labelled(self) -> bool:
        """Whether a class is requested of each sample."""

    def seconds(self) -> float:
        """Return the estimated seconds of sampling, timing some steps; 0 where nothing is to be sampled."""
        return 0.0

    def caches(self, reference: Reference) -> list[tuple[SampleCache, int]]:
        """Return the caches that the task reads, and how many samples of each: what several processes share."""
        return []

    def run(
        self,
        reference: Reference,
        extras: Sequence[str] = (),
        sampling: ProgressCallback | None = None,
        measuring: StageProgressCallback | None = None,
    ) -> ComparisonEntry:
        """Sample and measure; `sampling` is called with the number of samples done."""

        def measured(metric_input: MetricInput) -> Evaluation:
            return _evaluation(self.name, metric_input, reference, extras, measuring)

        return self._entry(measured, f"fd.{reference.extractor_set.primary}", sampling)

    @abstractmethod
    def _entry(self, measured: ComputeScores, key: str, progress: ProgressCallback | None) -> ComparisonEntry:
        """Return the entry, ranked by the score `key`."""

    @abstractmethod
    def metadata(self) -> dict[str, str]:
        """Return where the samples come from, for a report."""


@dataclass(frozen=True, eq=False)
class ModelTask(Task):
    """Evaluate `count` samples of a model and sampler."""

    setting: Setting
    count: int
    write_quality: bool = True

    @property
    def name(self) -> str:
        return self.setting.name

    @property
    def labelled(self) -> bool:
        return self.setting.model.conditional

    def seconds(self) -> float:
        return SampleCache(self.setting).estimated_seconds(self.count)

    def caches(self, reference: Reference) -> list[tuple[SampleCache, int]]:
        requests = None if reference.data is None else AttributeRequests.of(self.setting, reference.data, self.count)
        requested = [] if requests is None else [(each.cache, each.count) for each in requests.all()]
        return [(SampleCache(self.setting), self.count), *requested]

    def _entry(self, measured: ComputeScores, key: str, progress: ProgressCallback | None) -> ComparisonEntry:
        """Return the entry; where the model is the latest of a run, store its FD in the run folder."""
        samples = SampleCache(self.setting).samples(self.count, progress)
        entry = ComparisonEntry(
            self.setting.model.name,
            self.setting.sampler_name,
            summary.parameters(self.setting.model.net),
            samples.evaluations,
            64 * self.setting.seconds_per_sample(),
            measured(MetricInput(samples.values, samples.labels, self.setting)),
            samples.values[:IMAGES_PER_ENTRY],
        )
        if self.write_quality:
            run_quality.save_entry(self.setting, entry, key)
        return entry

    def metadata(self) -> dict[str, str]:
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
class FileTask(Task):
    """Evaluate samples of any program, read from a file or folder; `notes` are added to those of the evaluation."""

    path: str
    values: Tensor
    labels: Tensor | None
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:  # type: ignore[override]
        """The number of samples."""
        return len(self.values)

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def labelled(self) -> bool:
        return self.labels is not None

    def _entry(self, measured: ComputeScores, key: str, progress: ProgressCallback | None) -> ComparisonEntry:
        found = measured(MetricInput(self.values, self.labels, None))
        found = replace(found, notes=(*self.notes, *found.notes))
        return ComparisonEntry(self.name, "", None, None, None, found, self.values[:IMAGES_PER_ENTRY])

    def metadata(self) -> dict[str, str]:
        return {"file": self.name}


def _evaluation(
    name: str,
    metric_input: MetricInput,
    reference: Reference,
    extras: Sequence[str],
    progress: StageProgressCallback | None,
) -> Evaluation:
    report = progress or (lambda stage, fraction: None)
    data = reference.data
    found = measure(name, metric_input.values, metric_input.labels, reference.extractor_set, data, report)
    if metric_input.setting is not None and metric_input.setting.model.spec.attributes:
        found = _with_attributes(found, metric_input.setting, reference, report)
    if data is None or not extras:
        return found
    more = [score for extra in extras for score in OPTIONAL_METRICS[extra].measure(metric_input, data, report)]
    return replace(found, scores=(*found.scores, *more))


def _with_attributes(
    found: Evaluation, setting: Setting, reference: Reference, progress: StageProgressCallback
) -> Evaluation:
    """Return `found` with how attributes are followed, measured on as many samples, or a note that it needs test images."""
    data = reference.data
    requests = None if data is None else AttributeRequests.of(setting, data, found.count)
    if requests is None:
        title, note = "R² of requested attributes", "needs test images, with labels: give --data FOLDER"
        return replace(found, scores=(*found.scores, Score("r2", title, None, note=note)))
    attributes = attribute_report.report(requests, progress)
    scores = measure_requested(attributes, reference.extractor_set)
    return replace(found, scores=(*found.scores, *scores), attributes=attributes)
