"""From the arguments of `evaluate` to a list of tasks; everything is validated before anything is sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import torch

from inkwash import model
from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset, takes_range
from inkwash.data.array_pixels import ValueRange, require_range
from inkwash.distributed.process_group import ProcessGroup
from inkwash.errors import UsageError
from inkwash.evaluation import reference as references
from inkwash.evaluation import sample_files, tasks
from inkwash.evaluation.attribute_requests import AttributeRequests
from inkwash.evaluation.optional_metrics import OPTIONAL_METRICS
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.sample_files import SampleFile
from inkwash.evaluation.scores import MAX_COUNT
from inkwash.evaluation.setting import Setting
from inkwash.evaluation.tasks import FileTask, ModelTask, Task
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.runs.environment import commit
from inkwash.sampling.request import SampleRequest
from inkwash.text.progress import StageProgressCallback


def split_list(text: str | None) -> tuple[str | None, ...]:
    """Return the comma-separated parts of `text`; (None,) if `text` is None."""
    return (None,) if text is None else tuple(part.strip() for part in text.split(","))


def parse_guidance(text: str | None) -> tuple[float | None, ...]:
    """Return the guidance weights of a list as in "1,1.5". Raises `UsageError` for anything but numbers."""
    try:
        return tuple(None if part is None else float(part) for part in split_list(text))
    except ValueError:
        raise UsageError(
            f"guidance '{text}': give weights as in 1,1.5", code="invalid-value", field="guidance"
        ) from None


def with_distinct_names(sources: Sequence[str | Model], models: Sequence[Model]) -> list[Model]:
    """Return `models`; models with equal names are renamed to their source."""
    counts = Counter(each.name for each in models)
    given = [f"{s.name} ({s.weights})" if isinstance(s, Model) else s for s in sources]
    return [replace(m, name=name) if counts[m.name] > 1 else m for m, name in zip(models, given, strict=True)]


def settings_for(
    models: Sequence[Model],
    samplers: Sequence[str | None],
    guidances: Sequence[float | None],
    base_request: SampleRequest,
) -> list[Setting]:
    """Return every distinct combination of model, sampler and guidance weight; unconditional models have no guidance.

    Raises `UsageError` for a sampler or weight that a model does not support.
    """
    requested = [weight for weight in guidances if weight not in (None, 1)]
    if requested and not any(each.conditional for each in models):
        names = ", ".join(each.name for each in models)
        raise UsageError(
            f"guidance {requested[0]:g} has no effect without labels ({names}): leave it out",
            code="no-effect",
            field="guidance",
        )
    settings: list[Setting] = []
    for each, sampler, weight in product(models, samplers, guidances):
        guidance = weight if each.conditional else None
        setting = Setting(each, replace(base_request, sampler=sampler, guidance=guidance))
        setting.require_supported()
        if all(setting.identity() != other.identity() for other in settings):
            settings.append(setting)
    return settings


@dataclass(frozen=True)
class EvaluationRequest:
    """The arguments of `evaluate`; None means the default.

    `sources` are models, files or folders of images or data sets of them, `data` the models' training data, `reference_data`
    other data to compare with, `extractors` a comma-separated selection of feature extractors, `optional_metrics` names in
    `OPTIONAL_METRICS`, `value_range` the values of black and white in all files of numbers, by default that of a model's own
    data, and `range_applied` whether it was applied to Python objects already; `crop` and `invert` change the images that are
    not sampled here.
    """

    sources: tuple[str | Model | Dataset, ...]
    count: int | None = None
    samplers: tuple[str | None, ...] = (None,)
    guidances: tuple[float | None, ...] = (None,)
    base_request: SampleRequest = field(default_factory=SampleRequest)
    data: str | Dataset | None = None
    reference_data: str | Dataset | None = None
    extractors: str | None = None
    optional_metrics: tuple[str, ...] = ()
    device: str = "auto"
    value_range: ValueRange | None = None
    crop: int | None = None
    invert: bool = False
    range_applied: bool = False

    def __post_init__(self) -> None:
        """Refuse a count out of range and contradictory data."""
        require_range(self.value_range)
        if self.count is not None and not 1 <= self.count <= MAX_COUNT:
            raise UsageError(f"-n is {self.count}: it must be in 1 to {MAX_COUNT:,}", code="out-of-range", field="n")
        if self.data is not None and self.reference_data is not None:
            raise UsageError(
                "--data and --judge both name the data to compare with: give one", code="conflict", field="judge"
            )

    def plan(self, progress: StageProgressCallback | None = None) -> EvaluationPlan:
        """Return the evaluation plan. Raises `UsageError` or `InkwashError` for what cannot be read, sampled or measured."""
        given = {
            sample_files.source_name(k, s, self.sources): s
            for k, s in enumerate(self.sources)
            if isinstance(s, Dataset) or (isinstance(s, str) and sample_files.is_samples(s))
        }
        options = (self.samplers, self.guidances, self.base_request)
        if given and options != ((None,), (None,), SampleRequest()):
            raise UsageError(
                f"{next(iter(given))} holds finished samples: sampler, guidance and the like have no effect; leave them out",
                code="no-effect",
            )
        if not given and (self.crop is not None or self.invert):
            name = "invert" if self.crop is None else "crop"
            raise UsageError(
                f"--{name} has no effect on a model: it changes the images of a file or folder; leave it out",
                code="no-effect",
                field=name,
            )
        self._require_range_has_effect(given)
        sources = [s for s in self.sources if isinstance(s, Model) or (isinstance(s, str) and s not in given)]
        models = with_distinct_names(
            sources, [s if isinstance(s, Model) else model.load(s, device=self.device) for s in sources]
        )
        settings = settings_for(models, self.samplers, self.guidances, self.base_request) if models else []
        files = [
            SampleFile.read(source, name, self.value_range, progress).changed(self.crop, self.invert)
            for name, source in given.items()
        ]
        reference = self._reference(models, files, progress)
        for setting in settings:
            _require_compatible_model(setting.model, reference)
        files = [file.suited(reference.extractor_set) for file in files]
        if self.optional_metrics and reference.data is None:
            raise UsageError(
                f"--{self.optional_metrics[0]} needs the {reference.extractor_set.spec.data} images: give --data FOLDER",
                code="missing-field",
                field="data",
            )
        # Use one count for all settings: FDs are comparable only at equal N.
        default = min((tasks.default_count(setting) for setting in settings), default=0)
        planned: list[Task] = [ModelTask(setting, self.count or default) for setting in settings]
        for file in files:
            # Use a seeded subset, because the file may be sorted by class.
            subset = permutation(0, 0, Stream.FILE_ROWS, len(file.values))[: self.count].sort().values
            labels = None if file.labels is None else file.labels[subset]
            found = len(file.values)
            fewer = [] if (self.count or 0) <= found else [f"all {found:,} are measured, fewer than -n {self.count:,}"]
            planned.append(FileTask(file.path, file.values[subset], labels, (*file.notes, *fewer)))
        return EvaluationPlan(reference, tuple(planned), self.optional_metrics)

    def _require_range_has_effect(self, given: Mapping[str, str | Dataset]) -> None:
        """Raise `UsageError` for a range where neither the `given` samples nor the data have numbers of another range."""
        if self.value_range is None or self.range_applied:
            return
        paths = [each for each in (*given.values(), self.data, self.reference_data) if isinstance(each, str)]
        if not any(takes_range(path) for path in paths):
            where = " and ".join(paths) or "models"
            raise UsageError(
                f"--range has no effect on {where}: it gives the values of black and white in arrays and tables; leave it out",
                code="no-effect",
                field="range",
            )

    def _reference(
        self, models: list[Model], files: list[SampleFile], progress: StageProgressCallback | None
    ) -> Reference:
        known = self.value_range or (models[0].recipe.data.range if models else None)

        def range_of(data: str | Dataset | None) -> ValueRange | None:
            return known if isinstance(data, str) and takes_range(data) else None

        file_shapes = [tuple(file.values.shape[1:]) for file in files]
        if self.reference_data is not None:
            shape = models[0].spec.shape if models else file_shapes[0]
            size = shape[-1] if len(shape) == 3 else None
            reference = references.for_data(self.reference_data, size, progress, range_of(self.reference_data))
        elif models:
            _require_same_data(models)
            reference = references.for_spec(models[0].spec, self.data, progress, range_of(self.data))
        elif self.data is not None:
            reference = references.for_data(self.data, None, progress, range_of(self.data))
        else:
            reference = references.for_shape(file_shapes[0])
        names = [name.lower() for name in split_list(self.extractors) if name is not None]
        return Reference(reference.extractor_set.select(names), reference.data) if names else reference


def _require_same_data(models: list[Model]) -> None:
    first = models[0]
    for other in models[1:]:
        if other.spec.sha256 != first.spec.sha256:
            raise UsageError(
                f"{first.name} was trained on {first.spec.data}, {other.name} on {other.spec.data}: their scores "
                "cannot be compared; evaluate them one at a time, or give --judge DATA",
                code="mismatch",
            )


def _require_compatible_model(chosen: Model, reference: Reference) -> None:
    reference.extractor_set.require_shape(chosen.spec.shape, chosen.name)
    if chosen.conditional:
        labels = torch.arange(len(chosen.spec.classes))
        reference.extractor_set.require_labels(labels, len(labels), chosen.name)


@dataclass(frozen=True, eq=False)
class EvaluationPlan:
    """The tasks, and the reference that all of them are compared with."""

    reference: Reference
    tasks: tuple[Task, ...]
    optional_metrics: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The score that entries are ranked by: FD of the primary feature extractor."""
        return f"fd.{self.reference.extractor_set.primary}"

    def require_shares(self, process_group: ProcessGroup) -> None:
        """Raise `UsageError` for several processes where nothing is sampled."""
        if not process_group.is_single and not any(isinstance(task, ModelTask) for task in self.tasks):
            raise UsageError(
                "--processes has no effect on finished samples: one process measures them; leave it out",
                code="no-effect",
                field="processes",
            )

    def seconds(self) -> float:
        """Return the estimated seconds of all sampling, that of requested attributes too, timing some steps of each task."""
        data, total = self.reference.data, sum(task.seconds() for task in self.tasks)
        for task in self.tasks:
            if isinstance(task, ModelTask) and data is not None:
                requests = AttributeRequests.of(task.setting, data, task.count)
                total += 0.0 if requests is None else requests.seconds()
        return total

    def optional_metric_seconds(self) -> float:
        """Return the estimated seconds of the optional metrics, timing a step of each."""
        data = self.reference.data
        if data is None:
            return 0.0
        settings = [task.setting if isinstance(task, ModelTask) else None for task in self.tasks]
        return sum(
            OPTIONAL_METRICS[name].seconds(task.count, setting, task.labelled, data)
            for name in self.optional_metrics
            for task, setting in zip(self.tasks, settings, strict=True)
        )

    def metadata(self) -> dict[str, str]:
        """Return how a report was made: samples, feature extractors, machine, commit."""
        used = [task.setting.model.device for task in self.tasks if isinstance(task, ModelTask)]
        machine = devices.environment_info((used or [torch.device("cpu")])[0])
        samples = {"compared": ", ".join(task.name for task in self.tasks)}
        extractor_set = self.reference.extractor_set
        return (self.tasks[0].metadata() if len(self.tasks) == 1 else samples) | {
            "feature extractors (judges)": f"{', '.join(extractor_set.extractors)} of {extractor_set.spec.data}",
            "machine": f"{machine['hardware']}, {machine['threads']} threads, torch {machine['torch']}",
            "commit": commit() or "not under version control",
        }
