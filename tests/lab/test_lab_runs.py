"""An experiment as it runs: what is interrupted goes on to the same end, what is done is left alone."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inkwash import model
from inkwash.evaluation.score import Score
from inkwash.lab import Arm, Lab, Plot, Ready, Series, Trained, table
from inkwash.lab import arm_models as lab_models
from inkwash.lab.folder import Request
from inkwash.lab.measurement import Watch
from inkwash.lab.runner import prepare
from inkwash.runs.folder import RunFolder


class Heard(Watch):
    """Counts what is trained and drawn, and breaks off at event or image number `at` of either."""

    def __init__(self, training: int = 10**9, drawing: int = 10**9) -> None:
        self.at = {"training": training, "drawing": drawing}
        self.runs: list[Path] = []
        self.drawn: list[str] = []
        self.events = 0

    @contextmanager
    def training(self, run):
        self.runs.append(run.folder.path)

        def hear(event):
            self.events += 1
            if self.events >= self.at["training"]:
                raise KeyboardInterrupt

        yield hear

    @contextmanager
    def drawing(self, name, count):
        self.drawn.append(name)
        if len(self.drawn) >= self.at["drawing"]:
            raise KeyboardInterrupt
        yield lambda done: None


def work(experiment, built, watch=None, out="out"):
    return prepare(experiment, Request(experiment.name, data=built.data), out, "cpu", watch)


def figures(folder):
    """The results without what a clock measured."""
    told = json.loads((Path(folder) / "results.json").read_text())
    for arm in told["arms"]:
        arm["scores"] = [score for score in arm["scores"] if score["key"] != "seconds"]
    return told


def test_what_is_interrupted_goes_on_to_the_same_results(small, built, tmp_path, monkeypatch):
    for watch in (Heard(training=3), Heard(training=6), Heard(drawing=1), Heard(drawing=2)):
        with pytest.raises(KeyboardInterrupt):
            work(small(), built, watch).run(watch)
    watch = Heard()
    work(small(), built, watch).run(watch)
    # the first arm was trained and measured before the last interruption
    assert not watch.runs
    assert watch.drawn == ["cosine"]

    # a cache of its own, so that nothing but the seeds is shared
    shutil.copytree(built.cache, tmp_path / "other")
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "other"))
    work(small(), built, out="whole").run()
    assert figures("out") == figures("whole")
    assert [arm["name"] for arm in figures("out")["arms"]] == ["linear", "cosine"]


def test_what_is_interrupted_says_how_far_it_came(small, built):
    watch = Heard(drawing=2)
    with pytest.raises(KeyboardInterrupt):
        work(small(), built, watch).run(watch)
    assert figures("out")["status"] == "stopped after 1 of 2 variants"
    assert figures("out")["verdict"] is None
    assert "**Status**: stopped after 1 of 2 variants" in Path("out/card.md").read_text()


def test_what_is_complete_is_left_alone_and_tells_the_same(small, built):
    work(small(), built).run()
    before = Path("out/results.json").read_bytes()
    weights = {file: file.read_bytes() for file in Path("out/runs").rglob("*.safetensors")}
    watch = Heard()
    again = work(small(), built, watch)
    assert again.seconds() == (0, 0)
    again.run(watch)
    assert not watch.runs and not watch.drawn
    assert Path("out/results.json").read_bytes() == before
    assert weights and all(file.read_bytes() == held for file, held in weights.items())


def test_the_trained_arms_are_ordinary_run_folders_of_equal_length(small, built):
    results, _ = work(small(), built).run()
    assert {arm.value("images") for arm in results.arms} == {64}
    kinds = {kind: model.load(f"out/runs/{kind}").recipe.schedule for kind in ("linear", "cosine")}
    assert {name: type(schedule).__name__.lower() for name, schedule in kinds.items()} == {n: n for n in kinds}
    assert RunFolder.open("out/runs/linear").card.is_file()


def test_minutes_become_one_number_of_images_for_all(small, built, monkeypatch):
    steps, said = iter((9, 6)), []

    def in_budget(trainer):
        said.append(trainer.budget.seconds)
        return next(steps)

    monkeypatch.setattr(lab_models, "_steps_in_budget", in_budget)
    asked = Request("small", data=built.data, length="2 minutes")
    prepare(small(), asked, "out").run()
    assert said == [120, 120]
    # the machine is not measured again, and the slower of the two decided
    results, _ = prepare(small(), asked, "out").run()
    assert [arm.value("images") for arm in results.arms] == [96, 96]


def test_more_images_may_be_asked_for_later_and_are_remembered(small, built):
    work(small(), built).run()
    more = prepare(small(), Request("small", count=201), "out")
    results, _ = more.run()
    assert {arm.count for arm in results.arms} == {201}
    assert prepare(small(), Request("small"), "out").count == 201


def test_each_milestone_is_an_arm_in_the_order_of_training(small, built):
    trained = Trained("simple-unet", SMALL_RUN, kept_at=(1 / 4, 1 / 2))
    experiment = small(arms=(Arm("end", trained, "ddim:2", each_milestone=True),))
    results, _ = work(experiment, built).run()
    assert [arm.value("images") for arm in results.arms] == [16, 32, 64]
    assert len({arm.value("fd.c") for arm in results.arms}) == 3


SMALL_RUN = ("network.base=4", "training.batch=16", "training.precision=float32", "sampling.preview=ddim:2")


def test_your_own_run_replaces_the_model(small, built):
    work(small(), built).run()
    one = small(name="one", arms=tuple(Arm(text, "ddim-300", text) for text in ("ddim:2", "ddim:1")))
    results, _ = prepare(one, Request("one", data=built.data, run="out/runs/linear"), "one").run()
    weights = model.load("out/runs/linear").weights
    assert all(weights in arm.about["model"] for arm in results.arms)
    assert results["ddim:1"].value("evaluations") == 1


def test_a_bundled_model_that_learnt_other_data_is_trained_on_yours(small, built):
    one = small(arms=(Arm("it", "simple-unet", "ddim:2"),), length="1 step")
    assert [plan.trained.recipe for plan in work(one, built).models.plans] == ["simple-unet"]
    other = small(arms=(Arm("it", "ddim-300", "ddim:2"),), length="1 step")
    assert [plan.trained.recipe for plan in work(other, built).models.plans] == ["ddim-300"]


def test_a_measure_of_its_own_adds_scores_series_and_figures(small, built):
    def own(arm: Ready, lab: Lab):
        yield Score("white", "the brightest pixel", float(lab.samples(arm).values.max()), 255.0)
        yield Series("x", "a line", (0.0, 1.0))
        yield Series("y", "another", (1.0, 0.0))
        yield "It was seen."

    plots = (Plot("bright", "Bright", ("white",)), Plot("lines", "Lines", ("y",), x="x"), Plot("none", "None", ("z",)))
    results, _ = work(small(measures=(table, own), plots=plots), built).run()
    assert results["cosine"].line("y") == (1.0, 0.0)
    assert 0 < results["cosine"].value("white") <= 255
    card = Path("out/card.md").read_text()
    assert "- **cosine**: " in card and "It was seen." in card
    there = {file.name for file in Path("out/pictures").glob("*.png")}
    assert there == {"bright.png", "lines.png", "same-seeds.png"}
    assert all(name in card for name in there)


def test_a_verdict_without_its_score_cannot_be_told_and_loses_nothing(small, built):
    found = work(small(verdict=lambda found: found.arms[0].value("accuracy.a")), built).run()[1]
    assert found.outcome == "cannot be told"
    assert "accuracy.a" in found.words
    assert figures("out")["status"] == "complete"


def test_the_card_is_a_whole_record(small, built):
    results, verdict = work(replace(small(), claimed_by="simple-unet", next="Rest."), built).run()
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
    assert cells[2:4] == [results[name].told("fd.c") for name in ("linear", "cosine")]
    # sixty real test images are too few to stand beside it; the floor is of train images
    assert not cells[4] and cells[5]
    zero = next(line for line in card.splitlines() if line.startswith(f"| {results['linear']['zero'].words}"))
    assert zero.split("|")[4].strip() == f"{results['linear'].real('zero'):.1%}"
