"""A run of an experiment: it resumes to the same results, and repeats nothing that is complete."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inkwash import model
from inkwash.distributed.process_group import ProcessGroup
from inkwash.evaluation import run_quality
from inkwash.evaluation.scores import Score
from inkwash.lab import (
    Experiment,
    Finding,
    LoadedVariant,
    MeasureContext,
    Plot,
    Results,
    Series,
    Trained,
    Variant,
    evaluation,
)
from inkwash.lab.folder import LabRequest
from inkwash.lab.measures import LabProgress
from inkwash.lab.models import TrainingPlan
from inkwash.lab.run import LabRun, prepare
from inkwash.runs.folder import RunFolder
from inkwash.runs.run import Run

MakeExperiment = Callable[..., Experiment]
SMALL_RUN = ("network.base=4", "training.batch=16", "training.precision=float32", "sampling.preview=ddim:2")


class Recorder(LabProgress):
    """Records which models are trained and which variants sampled; interrupts at a given event or variant."""

    def __init__(self, training: int = 10**9, sampling: int = 10**9) -> None:
        self.interrupt_training, self.interrupt_sampling = training, sampling
        self.runs: list[Path] = []
        self.sampled: list[str] = []
        self.events = 0

    @contextmanager
    def training(self, run: Run) -> Iterator[Callable[[Any], object]]:
        self.runs.append(run.folder.path)

        def report(event: Any) -> None:
            self.events += 1
            if self.events >= self.interrupt_training:
                raise KeyboardInterrupt

        yield report

    @contextmanager
    def sampling(self, name: str, count: int) -> Iterator[Callable[[float], object]]:
        self.sampled.append(name)
        if len(self.sampled) >= self.interrupt_sampling:
            raise KeyboardInterrupt
        yield lambda done: None


def prepared(
    experiment: Experiment, built: SimpleNamespace, progress: LabProgress | None = None, out: str = "out"
) -> LabRun:
    return prepare(experiment, LabRequest(experiment.name, data=built.data), out, "cpu", progress)


def record(folder: str) -> dict[str, Any]:
    """Return the results without seconds and checksum, which depend on the clock."""
    found = json.loads((Path(folder) / "results.json").read_text())
    for each in found["arms"]:
        each["scores"] = [score for score in each["scores"] if score["key"] != "seconds"]
    return {key: value for key, value in found.items() if key != "seal"}


@pytest.mark.slow
def test_interrupted_experiment_resumes_to_the_same_results(
    small: MakeExperiment, built: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for progress in (Recorder(training=3), Recorder(training=6), Recorder(sampling=1), Recorder(sampling=2)):
        with pytest.raises(KeyboardInterrupt):
            prepared(small(), built, progress).run(progress)
    progress = Recorder()
    prepared(small(), built, progress).run(progress)
    # The first variant was trained and measured before the last interruption.
    assert not progress.runs
    assert progress.sampled == ["cosine"]

    # With another cache, so that the two share nothing but the seeds.
    shutil.copytree(built.cache, tmp_path / "other")
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "other"))
    prepared(small(), built, out="uninterrupted").run()
    assert record("out") == record("uninterrupted")
    assert [each["name"] for each in record("out")["arms"]] == ["linear", "cosine"]


def test_interrupted_experiment_writes_its_status(small: MakeExperiment, built: SimpleNamespace) -> None:
    progress = Recorder(sampling=2)
    with pytest.raises(KeyboardInterrupt):
        prepared(small(), built, progress).run(progress)
    assert record("out")["status"] == "stopped after 1 of 2 variants"
    assert record("out")["verdict"] is None
    assert "**Status**: stopped after 1 of 2 variants" in Path("out/card.md").read_text()


def test_complete_experiment_is_not_repeated(small: MakeExperiment, built: SimpleNamespace) -> None:
    prepared(small(), built).run()
    before = Path("out/results.json").read_bytes()
    weights = {file: file.read_bytes() for file in Path("out/runs").rglob("*.safetensors")}
    progress = Recorder()
    again = prepared(small(), built, progress)
    assert again.estimated_seconds() == (0, 0)
    again.run(progress)
    assert not progress.runs and not progress.sampled
    assert Path("out/results.json").read_bytes() == before
    assert weights and all(file.read_bytes() == content for file, content in weights.items())


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace('"value": ', '"value": 1', 1)])
def test_damaged_results_are_measured_again(
    damage: Callable[[str], str], small: MakeExperiment, built: SimpleNamespace
) -> None:
    prepared(small(), built).run()
    before, file = record("out"), Path("out/results.json")
    file.write_text(damage(file.read_text()))
    progress = Recorder()
    prepared(small(), built, progress).run(progress)
    assert progress.sampled == ["linear", "cosine"]
    assert record("out") == before


def test_trained_variants_are_run_folders_of_equal_length(small: MakeExperiment, built: SimpleNamespace) -> None:
    results, _ = prepared(small(), built).run()
    assert {each.value("images") for each in results.variants} == {64}
    kinds = {kind: model.load(f"out/runs/{kind}").recipe.schedule for kind in ("linear", "cosine")}
    assert {name: type(schedule).__name__.lower() for name, schedule in kinds.items()} == {n: n for n in kinds}
    assert RunFolder.open("out/runs/linear").card.is_file()


@pytest.mark.slow
def test_minutes_become_one_number_of_images_for_all_models(
    small: MakeExperiment, built: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, requested = iter((144, 96)), []

    def measure_images(plan: TrainingPlan, minutes: float, process_group: ProcessGroup) -> int:
        requested.append(minutes)
        return next(images)

    monkeypatch.setattr(TrainingPlan, "measure_images", measure_images)
    request = LabRequest("small", data=built.data, length="2 minutes")
    prepare(small(), request, "out").run()
    assert requested == [2, 2]
    # A resumed experiment keeps the number that the slower model determined.
    results, _ = prepare(small(), request, "out").run()
    assert [each.value("images") for each in results.variants] == [96, 96]


@pytest.mark.slow
def test_larger_count_can_be_requested_later_and_is_kept(small: MakeExperiment, built: SimpleNamespace) -> None:
    prepared(small(), built).run()
    results, _ = prepare(small(), LabRequest("small", count=201), "out").run()
    assert {each.count for each in results.variants} == {201}
    assert prepare(small(), LabRequest("small"), "out").count == 201


def test_each_milestone_is_a_variant_in_the_order_of_training(small: MakeExperiment, built: SimpleNamespace) -> None:
    trained = Trained("simple-unet", SMALL_RUN, checkpoint_fractions=(1 / 4, 1 / 2))
    experiment = small(variants=(Variant("end", trained, "ddim:2", each_milestone=True),))
    results, _ = prepared(experiment, built).run()
    assert [each.value("images") for each in results.variants] == [16, 32, 64]
    assert len({each.value("fd.c") for each in results.variants}) == 3


def test_observations_of_variants_with_equal_names_are_all_in_the_card(
    small: MakeExperiment, built: SimpleNamespace
) -> None:
    def own(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
        yield f"Trained as {variant.training}."

    halves = tuple(
        Variant(each.name, replace(each.model, checkpoint_fractions=(1 / 2,)), "ddim:2", each_milestone=True)
        for each in small().variants
        if isinstance(each.model, Trained)
    )
    results, _ = prepared(small(variants=halves, measures=(evaluation, own)), built).run()
    card = Path("out/card.md").read_text()
    names = [each.name for each in results.variants]
    assert len(set(names)) < len(names)
    assert all(text in card for each in results.variants for text in each.remarks)


def test_run_replaces_the_model_and_is_not_written_to(
    small: MakeExperiment, built: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    monkeypatch.setattr(run_quality, "save_entry", lambda setting, entry, key: stored.append(setting.model.name))
    prepared(small(), built).run()
    assert len(stored) == 2
    one = small(name="one", variants=tuple(Variant(text, "ddim-300", text) for text in ("ddim:2", "ddim:1")))
    results, _ = prepare(one, LabRequest("one", data=built.data, run="out/runs/linear"), "one").run()
    weights = model.load("out/runs/linear").weights
    assert all(weights in each.about["model"] for each in results.variants)
    assert results["ddim:1"].value("evaluations") == 1
    assert len(stored) == 2, "an experiment wrote into a run that it did not train"


@pytest.mark.parametrize("name", ["simple-unet", "ddim-300"])
def test_bundled_model_of_other_data_is_trained_again(name: str, small: MakeExperiment, built: SimpleNamespace) -> None:
    experiment = small(variants=(Variant("it", name, "ddim:2"),), length="1 step")
    assert [plan.trained.recipe for plan in prepared(experiment, built).models.plans] == [name]


def test_a_measure_adds_scores_series_and_figures(small: MakeExperiment, built: SimpleNamespace) -> None:
    def own(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
        yield Score("white", "the brightest pixel", float(context.samples(variant).values.max()), 255.0)
        yield Series("x", "a line", (0.0, 1.0))
        yield Series("y", "another", (1.0, 0.0))
        yield "An observation."
        yield 3.5  # type: ignore[misc]

    plots = (Plot("bright", "Bright", ("white",)), Plot("lines", "Lines", ("y",), x="x"), Plot("none", "None", ("z",)))
    results, _ = prepared(small(measures=(evaluation, own), plots=plots), built).run()
    assert results["cosine"].values("y") == (1.0, 0.0)
    assert 0 < results["cosine"].value("white") <= 255
    assert Results.read(Path("out/results.json")) == results
    card = Path("out/card.md").read_text()
    assert "- **cosine**: " in card and "An observation. 3.5" in card
    written = {file.name for file in Path("out/pictures").glob("*.png")}
    assert written == {"bright.png", "lines.png", "same-seeds.png"}
    assert all(name in card for name in written)


def test_verdict_on_a_missing_score_is_inconclusive(small: MakeExperiment, built: SimpleNamespace) -> None:
    found = prepared(small(verdict=lambda results: results.variants[0].value("accuracy.a")), built).run()[1]
    assert found.outcome == "inconclusive"
    assert "accuracy.a" in found.words
    assert record("out")["status"] == "complete"


def test_card_has_all_sections_and_scores(small: MakeExperiment, built: SimpleNamespace) -> None:
    results, verdict = prepared(replace(small(), claimed_by="simple-unet", next="None."), built).run()
    card = Path("out/card.md").read_text()
    for part in ("Date", "Status", "Processor", "Commit"):
        assert f"**{part}**: " in card
    headings = [line.lstrip("# ") for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "small",
        "Objective",
        "Hypothesis",
        "Verdict",
        "Configuration",
        "Hardware",
        "Results",
        "Quantitative",
        "Qualitative",
        "Observations",
        "Next steps",
        "Reproduce",
    ]
    assert "simple-unet: It runs." in card
    assert verdict.words in card
    assert f"inkwash lab small --data {built.data}\n" in card
    row = next(line for line in card.splitlines() if line.startswith(f"| {results['linear']['fd.c'].words}"))
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2:4] == [results[name].text("fd.c") for name in ("linear", "cosine")]
    # Sixty real test images are too few for an FD.
    assert not cells[4] and cells[5]
    zero = next(line for line in card.splitlines() if line.startswith(f"| {results['linear']['zero'].words}"))
    assert zero.split("|")[4].strip() == f"{results['linear'].real('zero'):.1%}"
