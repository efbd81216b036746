"""Running an experiment: train and sample what is missing, measure, derive the verdict, write card and results."""

from __future__ import annotations

import hashlib
import inspect
import json
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from inkwash import __version__
from inkwash.config.lengths import Length
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation.reference import Reference, for_data, for_spec
from inkwash.evaluation.sample_cache import SampleCache, sample_shard
from inkwash.evaluation.scores import Score
from inkwash.hardware import devices
from inkwash.io import png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.integrity import with_checksum
from inkwash.io.names import path_in
from inkwash.lab import card
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.lab.measures import LabProgress, Measure, MeasureContext, Picture
from inkwash.lab.models import Models, TrainingPlan, resolve_models
from inkwash.lab.results import PictureFile, Result, Results, Series

SAME_SEEDS = 12
"""Columns of the picture with the same seeds in a row for each variant."""
BACKWARD_FACTOR = 3
"""Cost of a training step in forward passes: one forward pass, and a backward pass that costs twice as much."""


@dataclass(frozen=True, eq=False)
class LabRun:
    """An experiment in its folder, with everything checked that can be before training and sampling.

    All processes of `process_group` train and sample; the main process measures and writes.
    """

    experiment: Experiment
    request: LabRequest
    variants: tuple[Variant, ...]
    models: Models
    reference: Reference
    folder: LabFolder
    device: torch.device
    process_group: ProcessGroup = SINGLE_PROCESS

    @property
    def count(self) -> int:
        """The number of samples of each variant."""
        return self.request.count or self.experiment.count

    def estimated_seconds(self) -> tuple[float, float]:
        """Return the estimated seconds of the remaining training and sampling, timing some steps of each variant."""
        if all(plan.done >= plan.total for plan in self.models.plans):
            context = self._context(LabProgress())
            stored = self._stored(context)
            missing = [each for index, each in enumerate(context.variants) if index not in stored]
            return 0.0, sum(SampleCache(each.setting).estimated_seconds(self.count) for each in missing)
        training: dict[str, float] = {}
        sampling = 0.0
        for variant in self.variants:
            source, draft = self.models.sources[variant.model], self.models.draft(variant)
            seconds, num_checkpoints = SampleCache(draft).estimated_seconds(self.count), 1
            if isinstance(source, TrainingPlan):
                seconds_per_evaluation = seconds / (self.count * draft.sampler.evaluations)
                images = (source.total - source.done) * source.recipe.training.batch
                training[source.trained.folder] = BACKWARD_FACTOR * seconds_per_evaluation * images
                num_checkpoints = source.milestones if variant.each_milestone else 1
            sampling += num_checkpoints * seconds
        return sum(training.values()), sampling

    def run(self, progress: LabProgress | None = None) -> tuple[Results, Verdict]:
        """Do the remaining work, write card, results and pictures, and return results and verdict.

        Raises `InkwashError` when a part fails; finished parts are kept, and the same call resumes.
        """
        progress = progress or LabProgress()
        self.folder.write(self.request)
        self.train_and_sample(progress)
        context = self._context(progress)
        stored, found = self._stored(context), []
        for index in range(len(context.variants)):
            if index in stored:
                found.append(stored[index])
            else:
                found.append(self._measured(index, context))
                self._write(Results(self.reference.extractor_set.spec.data, tuple(found)), None, len(context.variants))
        results = Results(self.reference.extractor_set.spec.data, tuple(found))
        verdict = self._verdict(results)
        self._draw(context, results)
        self._write(results, verdict, len(context.variants))
        return results, verdict

    def train_and_sample(self, progress: LabProgress | None = None) -> None:
        """Train the missing models with the other processes, and sample this process's share into the cache."""
        progress = progress or LabProgress()
        for plan in self.models.plans:
            plan.train(self.request.data, progress, self.process_group)
        if self.process_group.is_single:
            return
        self.process_group.barrier()  # Until the main process has written the last checkpoint.
        context = self._context(progress)
        stored = self._stored(context) if self.process_group.is_main else {}
        missing = [index for index in range(len(context.variants)) if index not in stored]
        for index in json.loads(self.process_group.broadcast(json.dumps(missing))):
            variant = context.variants[index]
            with progress.sampling(f"{variant.name}, this process's share", self.count) as done:
                sample_shard([(SampleCache(variant.setting), self.count)], self.process_group, done)

    def _context(self, progress: LabProgress) -> MeasureContext:
        return MeasureContext(
            tuple(self.models.load(self.variants, self.device.type)), self.count, self.reference, progress
        )

    def _stored(self, context: MeasureContext) -> dict[int, Result]:
        """Return index -> the stored result of each variant whose settings, models and measures are unchanged."""
        try:
            results = Results.read(self.folder.results).variants
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        return {
            index: result
            for index, result in enumerate(results[: len(context.variants)])
            if result.identity == self._identity(index, context)
            and all((self.folder.path / each.file).is_file() for each in result.shown)
        }

    def _identity(self, index: int, context: MeasureContext) -> str:
        """Return a hash of everything that a result depends on; measures may compare with the other variants too."""
        extractor_set = context.reference.extractor_set
        parts: dict[str, Any] = {
            "inkwash": __version__,
            "index": index,
            "variants": [[each.name, each.setting.identity(), each.about] for each in context.variants],
            "count": context.count,
            "extractors": [extractor_set.spec.sha256, *extractor_set.extractors],
            "data": context.reference.data is not None,
            "measures": [_source(measure) for measure in self.experiment.measures],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]

    def _measured(self, index: int, context: MeasureContext) -> Result:
        variant = context.variants[index]
        scores, series, remarks, shown = list(variant.settings()), [], [], []
        for measure in self.experiment.measures:
            try:
                findings = list(measure(variant, context))
            except InkwashError:
                raise
            except Exception as error:
                raise InkwashError(_failure(f"measuring {variant.name}", error), code="plugin-failed") from error
            for finding in findings:
                match finding:
                    case Score():
                        scores.append(finding)
                    case Series():
                        series.append(finding)
                    case Picture(name, caption, image):
                        file = path_in(self.folder.pictures, f"{index:02d}-{name}.png")
                        metadata = {"experiment": self.experiment.name, "variant": variant.name}
                        png_metadata.save_png(image, file, metadata)
                        shown.append(PictureFile(f"pictures/{file.name}", caption))
                    case _:
                        remarks.append(str(finding))
        parts = tuple(scores), tuple(series), tuple(remarks), tuple(shown)
        result = Result(variant.name, self.count, *parts, variant.about, self._identity(index, context))
        # Return the result as it is read from the file, so that a resumed experiment has the same results.
        return Result.from_dict(result.to_dict())

    def _verdict(self, results: Results) -> Verdict:
        try:
            return self.experiment.verdict(results)
        except UsageError as error:
            return Verdict("inconclusive", f"{error}.")
        except Exception as error:
            raise InkwashError(
                _failure(f"the verdict of {self.experiment.name}", error), code="plugin-failed"
            ) from error

    def _draw(self, context: MeasureContext, results: Results) -> None:
        """Write the figures, and for images the picture with the same seeds of every variant."""
        from inkwash.sampling.run import to_arrays
        from inkwash.viz import grids

        for plot in self.experiment.plots:
            plot.draw(results, path_in(self.folder.pictures, f"{plot.name}.png"))
        if self.models.spec.is_points:
            return
        rows = [SampleCache(each.setting).samples(SAME_SEEDS).values for each in context.variants]
        grid = grids.grid(to_arrays(torch.cat(rows)), SAME_SEEDS, 2, labels=[each.name for each in context.variants])
        png_metadata.save_png(grid, self.folder.same_seeds, {"experiment": self.experiment.name, "seed": 0})

    def _write(self, results: Results, verdict: Verdict | None, total: int) -> None:
        """Write results and card; the keys of results.json are those of 0.1.0."""
        status = "complete" if verdict else f"stopped after {len(results.variants)} of {total} variants"
        record = {
            "experiment": self.experiment.name,
            "claimed_by": self.experiment.claimed_by,
            "hypothesis": self.experiment.hypothesis,
            "tested_on": self.request.run,
            "status": status,
            "verdict": None if verdict is None else {"outcome": verdict.outcome, "words": verdict.words},
            "data": results.data,
            "count": self.count,
            "arms": [each.to_dict() for each in results.variants],
        }
        write_text(self.folder.results, json.dumps(with_checksum(record), indent=2) + "\n")
        machine = devices.environment_info(self.device)
        text = card.render(self.experiment, self.request, self.folder, results, verdict, status, machine)
        write_text(self.folder.card, text)


def prepare(
    experiment: Experiment,
    request: LabRequest,
    out: str | Path,
    device: str = "auto",
    progress: LabProgress | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> LabRun:
    """Return the run of an experiment in the folder `out`, new or resumed.

    A length in minutes is measured here. The main process loads and trains feature extractors before the others read
    them. Raises `UsageError` or `InkwashError` for everything that cannot be found, trained, sampled or measured, before
    anything but feature extractors is written.
    """
    progress, place, folder = progress or LabProgress(), devices.device(device), LabFolder(Path(out))
    with process_group.main_first():
        request = folder.resume(request)
        variants = _with_model(experiment, request.run)
        length = request.planned or request.length or experiment.length
        models = resolve_models(variants, request.data, length, folder.runs, place, request.value_range)
        if request.length is not None and not models.plans:
            raise UsageError(
                f"--length has no effect on {experiment.name}, which trains no model: leave it out",
                code="no-effect",
                field="length",
            )
        for variant in variants:
            models.draft(variant).require_supported()
    parsed = Length.parse(length, "--length")
    if models.plans and parsed.unit == "minutes":
        progress.message("measuring the training speed of this machine for some seconds")
        # The slowest model determines the number of images, which is the same for all.
        images = min(plan.measure_images(parsed.amount, process_group) for plan in models.plans)
        request = replace(request, planned=str(Length(images, "images")))
        models = models.with_length(str(request.planned))
    with process_group.main_first():
        for plan in models.plans:
            plan.require_same_recipe()
        with progress.measuring() as report:
            if models.data is not None:
                reference = for_data(models.data, progress=report)
            else:
                reference = for_spec(models.spec, progress=report)
    return LabRun(experiment, request, variants, models, reference, folder, place, process_group)


def _with_model(experiment: Experiment, run: str | None) -> tuple[Variant, ...]:
    """Return the variants of `experiment`, their common model replaced by `run` if given."""
    if run is None:
        return experiment.variants
    if len({each.model for each in experiment.variants}) > 1:
        raise UsageError(
            f"--run has no effect on {experiment.name}, whose variants differ in their models: leave it out",
            code="no-effect",
            field="run",
        )
    return tuple(replace(each, model=run) for each in experiment.variants)


def _source(measure: Measure) -> list[str]:
    """Return the name of a measure and a hash of its source file, so that a changed measure is applied again."""
    file = inspect.getsourcefile(measure)
    text = Path(file).read_bytes() if file is not None and Path(file).is_file() else b""
    return [measure.__qualname__, hashlib.sha256(text).hexdigest()[:12]]


def _failure(part: str, error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{part} failed at {Path(where.filename).name}:{where.lineno}: {type(error).__name__}: {error}"
