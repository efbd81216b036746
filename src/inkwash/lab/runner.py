"""Running an experiment: train what is missing, draw, measure, judge, and write it down; what was interrupted goes on."""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from inkwash import __version__
from inkwash.config.lengths import Length
from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation import extractors
from inkwash.evaluation.extractors import Bench
from inkwash.evaluation.score import Score
from inkwash.hardware import devices
from inkwash.io import png_metadata
from inkwash.io.atomic import write_text
from inkwash.io.integrity import verified, with_checksum
from inkwash.io.limits import parsed_json
from inkwash.io.names import path_in
from inkwash.lab import card
from inkwash.lab.arm_models import BACKWARD, Models, Plan, gather, replaced
from inkwash.lab.experiment import Arm, Experiment, Verdict
from inkwash.lab.folder import LabFolder, Request
from inkwash.lab.measurement import Lab, Measure, Picture, Ready, Watch
from inkwash.lab.results import Result, Results, Series, Shown

SEEDS = 12
"""Columns of the picture in which every arm shows the same seeds."""


@dataclass(frozen=True, eq=False)
class Work:
    """An experiment that can be done: everything that could be refused has been checked.

    Several `process_group` train and draw together; the first measures, judges and writes.
    """

    experiment: Experiment
    request: Request
    arms: tuple[Arm, ...]
    models: Models
    bench: Bench
    folder: LabFolder
    device: torch.device
    process_group: ProcessGroup = SINGLE_PROCESS

    @property
    def count(self) -> int:
        """Images of each arm."""
        return self.request.count or self.experiment.count

    def seconds(self) -> tuple[float, float]:
        """Return guesses of the seconds that training and drawing will take, less what is done; times a step of each."""
        if all(plan.done >= plan.total for plan in self.models.plans):
            lab = self._lab(Watch())
            unmeasured = [arm for place, arm in enumerate(lab.arms) if self._held(place, lab) is None]
            return 0.0, sum(arm.setting.seconds_for(self.count) for arm in unmeasured)
        training: dict[str, float] = {}
        drawing = 0.0
        for arm in self.arms:
            source, draft = self.models.found[arm.model], self.models.draft(arm)
            each = draft.seconds_for(self.count)
            if isinstance(source, Plan):
                forward = each / (self.count * draft.sampler.evaluations)
                left = (source.total - source.done) * source.recipe.training.batch
                training[source.trained.folder] = BACKWARD * forward * left
            kept = source.milestones if isinstance(source, Plan) and arm.each_milestone else 1
            drawing += kept * each
        return sum(training.values()), drawing

    def run(self, watch: Watch | None = None) -> tuple[Results, Verdict]:
        """Do what is left to do, write card, results and pictures, and return what was found.

        Raises `InkwashError` when something fails; what is done by then is kept, and the same call goes on.
        """
        watch = watch or Watch()
        self.folder.keep(self.request)
        self.share(watch)
        lab, found = self._lab(watch), []
        for place in range(len(lab.arms)):
            found.append(self._held(place, lab) or self._measured(place, lab))
            self._write(Results(self.bench.panel.about.data, tuple(found)), None, len(lab.arms))
        results = Results(self.bench.panel.about.data, tuple(found))
        verdict = self._verdict(results)
        self._draw(lab, results)
        self._write(results, verdict, len(lab.arms))
        return results, verdict

    def share(self, watch: Watch | None = None) -> None:
        """Train what is missing, with the other processes, and draw this one's share of what the first will measure."""
        watch = watch or Watch()
        for plan in self.models.plans:
            plan.train(self.request.data, watch, self.process_group)
        if self.process_group.is_single:
            return
        self.process_group.barrier()  # until the first has written the last checkpoint
        lab = self._lab(watch)
        places = [
            place for place in range(len(lab.arms)) if self.process_group.is_main and self._held(place, lab) is None
        ]
        for place in json.loads(self.process_group.broadcast(json.dumps(places))):
            arm = lab.arms[place]
            with watch.drawing(f"{arm.name}, this process's share", self.count) as done:
                arm.setting.share(self.count, self.process_group, done)

    def _lab(self, watch: Watch) -> Lab:
        """The bench with every arm's trained model."""
        return Lab(tuple(self.models.ready(self.arms, self.device.type)), self.count, self.bench, watch)

    def _held(self, place: int, lab: Lab) -> Result | None:
        """The result of the arm at `place` from before; None where there is none, or what it depends on has changed."""
        try:
            held = verified(parsed_json(self.folder.measured(place).read_text(encoding="utf-8")))
            found = Result.from_dict(held["result"]) if held["of"] == self._identity(place, lab) else None
        except (OSError, ValueError, TypeError, KeyError):
            return None
        whole = found is not None and all((self.folder.path / each.file).is_file() for each in found.shown)
        return found if whole else None

    def _measured(self, place: int, lab: Lab) -> Result:
        result = self._measure(place, lab)
        kept = with_checksum({"of": self._identity(place, lab), "result": result.to_dict()})
        write_text(self.folder.measured(place), json.dumps(kept, indent=1) + "\n")
        return Result.from_dict(result.to_dict())

    def _identity(self, place: int, lab: Lab) -> str:
        """A hash of all that decides what is measured of an arm; the other arms too, it may be held against them."""
        panel = lab.bench.panel
        known: dict[str, Any] = {
            "inkwash": __version__,
            "place": place,
            "arms": [[arm.name, arm.setting.identity(), arm.about] for arm in lab.arms],
            "count": lab.count,
            "judges": [panel.about.sha256, *panel.judges],
            "data": lab.bench.data is not None,
            "measures": [_source(measure) for measure in self.experiment.measures],
        }
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:24]

    def _measure(self, place: int, lab: Lab) -> Result:
        arm = lab.arms[place]
        scores, series, remarks, shown = _told(arm), [], [], []
        for measure in self.experiment.measures:
            try:
                findings = list(measure(arm, lab))
            except InkwashError:
                raise
            except Exception as error:
                raise InkwashError(_blamed(f"measuring {arm.name}", error)) from error
            for finding in findings:
                if isinstance(finding, Score):
                    scores.append(finding)
                elif isinstance(finding, Series):
                    series.append(finding)
                elif isinstance(finding, Picture):
                    file = path_in(self.folder.pictures, f"{place:02d}-{finding.name}.png")
                    png_metadata.save_png(finding.image, file, {"experiment": self.experiment.name, "arm": arm.name})
                    shown.append(Shown(f"pictures/{file.name}", finding.words))
                else:
                    remarks.append(str(finding))
        return Result(arm.name, self.count, tuple(scores), tuple(series), tuple(remarks), tuple(shown), arm.about)

    def _verdict(self, results: Results) -> Verdict:
        try:
            return self.experiment.verdict(results)
        except UsageError as error:
            return Verdict("cannot be told", f"{error}.")
        except Exception as error:
            raise InkwashError(_blamed(f"the verdict of {self.experiment.name}", error)) from error

    def _draw(self, lab: Lab, results: Results) -> None:
        """Draw the figures, and the same seeds of every arm below one another."""
        from inkwash.sampling.run import to_arrays
        from inkwash.viz import grids

        for plot in self.experiment.plots:
            plot.draw(results, path_in(self.folder.pictures, f"{plot.name}.png"))
        if self.models.spec.is_points:
            return
        rows = [arm.setting.samples(SEEDS).values for arm in lab.arms]
        sheet = grids.grid(to_arrays(torch.cat(rows)), SEEDS, 2, labels=[arm.name for arm in lab.arms])
        png_metadata.save_png(sheet, self.folder.same_seeds, {"experiment": self.experiment.name, "seed": 0})

    def _write(self, results: Results, verdict: Verdict | None, arms: int) -> None:
        status = "complete" if verdict else f"stopped after {len(results.arms)} of {arms} variants"
        told = {
            "experiment": self.experiment.name,
            "claimed_by": self.experiment.claimed_by,
            "hypothesis": self.experiment.hypothesis,
            "tested_on": self.request.run,
            "status": status,
            "verdict": None if verdict is None else {"outcome": verdict.outcome, "words": verdict.words},
            "data": results.data,
            "count": self.count,
            "arms": [arm.to_dict() for arm in results.arms],
        }
        write_text(self.folder.results, json.dumps(told, indent=2) + "\n")
        machine = devices.describe(self.device)
        text = card.written(self.experiment, self.request, self.folder, results, verdict, status, machine)
        write_text(self.folder.card, text)


def prepare(
    experiment: Experiment,
    request: Request,
    out: str | Path,
    device: str = "auto",
    watch: Watch | None = None,
    process_group: ProcessGroup = SINGLE_PROCESS,
) -> Work:
    """Return the work of an experiment in the folder `out`, as it was begun there if it was.

    A length in minutes is measured here. The main process of `process_group` resolves the plan and trains the judges of
    new data before the others. Raises `UsageError` or `InkwashError` for all that cannot be found, trained,
    drawn or judged, before anything is written but those judges.
    """
    watch, place, folder = watch or Watch(), devices.device(device), LabFolder(Path(out))
    with process_group.main_first():
        request = folder.begin(request)
        arms = replaced(experiment.arms, request.run, experiment.name)
        length = request.planned or request.length or experiment.length
        models = gather(arms, request.data, length, folder.runs, place)
        if request.length is not None and not models.plans:
            raise UsageError(f"--length has no effect on {experiment.name}: it trains nothing here; leave it out")
        for arm in arms:
            setting = models.draft(arm)
            chosen = setting.model
            # built once here, so that what cannot be done is said before anything is trained or drawn
            _ = setting.sampler
            chosen.denoiser(setting.settings.guidance)
    asked = Length.parse(length, "--length")
    if models.plans and asked.unit == "minutes":
        watch.say("measuring this machine for some seconds, to plan the training")
        request = replace(request, planned=models.images_in(asked.amount, process_group))
        models = models.lasting(str(request.planned))
    with process_group.main_first():
        for plan in models.plans:
            plan.require_own()
        bench = _bench(models, watch)
    return Work(experiment, request, arms, models, bench, folder, place, process_group)


def _bench(models: Models, watch: Watch) -> Bench:
    with watch.judging() as tell:
        if models.data is not None:
            return extractors.for_data(models.data, progress=tell)
        return extractors.for_facts(models.spec, progress=tell)


def _told(arm: Ready) -> list[Score]:
    """What is known of an arm without a look at its images."""
    found = [
        Score("steps", "steps of the sampler", float(arm.setting.sampler.steps)),
        Score("images", "images seen in training", float(arm.images)),
        Score("epochs", "epochs of training", arm.epochs),
    ]
    if arm.setting.model.conditional:
        found.append(Score("guidance", "weight of guidance", arm.setting.guidance))
    return found


def _source(measure: Measure) -> list[str]:
    """The name of a measure and a hash of the file that it stands in: an edited one is measured anew."""
    file = inspect.getsourcefile(measure)
    text = Path(file).read_bytes() if file is not None and Path(file).is_file() else b""
    return [measure.__qualname__, hashlib.sha256(text).hexdigest()[:12]]


def _blamed(what: str, error: Exception) -> str:
    where = inspect.trace()[-1]
    return f"{what} failed at {Path(where.filename).name}:{where.lineno}: {type(error).__name__}: {error}"
