"""Starting a run and going on with one: what fits is taken up, what does not is refused in one line."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.errors import InkwashError, UsageError
from inkwash.io import checkpoints
from inkwash.runs import run as run_module
from inkwash.runs.events import Sampled, Saved
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import changed_rate, resume
from inkwash.runs.run import Run
from inkwash.runs.start import start
from inkwash.training.events import Measured, Planned, Step
from inkwash.training.time_budget import TimeBudget

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards and plots have tests of their own."""
    monkeypatch.setattr(run_module, "write_record", lambda *_: None)


@pytest.fixture
def finished(begun: Callable[..., Run]) -> Run:
    """A run that has come to its end."""
    course = begun("run")
    list(course.events())
    return course


def refused(kind: type[InkwashError], *arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        resume(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_complete_run_has_nothing_left_to_do(finished: Run, digits: Dataset) -> None:
    before = finished.folder.metrics.read_bytes()
    told = refused(UsageError, finished.folder.path, digits)
    assert "complete at step 6" in told and "--steps" in told
    refused(UsageError, finished.folder.path, digits, Length(6, "steps"))
    assert finished.folder.metrics.read_bytes() == before


def test_a_longer_length_goes_on_and_is_written_down(finished: Run, digits: Dataset) -> None:
    longer = resume(finished.folder.path, digits, Length(8, "steps"))
    assert [event.number for event in longer.events() if isinstance(event, Step)] == [7, 8]
    assert finished.folder.written_recipe()["training"]["length"] == "8 steps"
    refused(UsageError, finished.folder.path, digits)


def test_other_data_are_refused_and_both_are_named(finished: Run, digits: Dataset) -> None:
    other = replace(digits, name="others", values=digits.values.flip(0))
    told = refused(InkwashError, finished.folder.path, other, Length(8, "steps"))
    assert "others" in told and digits.name in told
    assert digits.sha256[:12] in told and other.sha256[:12] in told


def test_another_network_in_the_recipe_is_refused(finished: Run, digits: Dataset) -> None:
    text = finished.folder.recipe.read_text()
    finished.folder.recipe.write_text(text.replace("dim = 16", "dim = 32"))
    told = refused(InkwashError, finished.folder.path, digits, Length(8, "steps"))
    assert str(finished.folder.latest) in told


def damage(path: Path) -> None:
    """Flip one bit in the middle of a file's numbers."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


def test_a_damaged_latest_falls_back_to_the_one_before_says_so_and_loses_nothing(
    begun: Callable[..., Run], digits: Dataset
) -> None:
    calm, hit = (begun(name, "training.milestones=['3 steps', '5 steps']") for name in ("calm", "hit"))
    list(calm.events())
    list(hit.events())
    for name in ("latest", "step-0000006", "best"):
        path = hit.folder.checkpoints / f"{name}.safetensors"
        if path.is_file():
            damage(path)
    again = resume(hit.folder.path, digits)
    assert again.trainer.state.progress.step == 5
    told = again.fallback
    assert told is not None and str(hit.folder.latest) in told and "step-0000005.safetensors, step 5" in told
    list(again.events())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    assert [row["step"] for row in hit.folder.rows()] == [row["step"] for row in calm.folder.rows()]


def test_where_none_is_whole_the_run_is_not_begun_anew(finished: Run, digits: Dataset) -> None:
    for path in finished.folder.checkpoints.iterdir():
        damage(path)
    before = finished.folder.metrics.read_bytes()
    told = refused(InkwashError, finished.folder.path, digits, Length(8, "steps"))
    assert str(finished.folder.latest) in told and "damaged" in told
    assert finished.folder.metrics.read_bytes() == before


def test_a_latest_that_is_gone_falls_back_as_well(finished: Run, digits: Dataset) -> None:
    finished.folder.latest.unlink()
    again = resume(finished.folder.path, digits, Length(8, "steps"))
    assert again.fallback is not None and again.trainer.state.progress.step > 0


@pytest.mark.parametrize(("keep", "left"), [(None, [1, 2, 4, 6]), (2, [4, 6]), (0, [])])
def test_old_milestones_make_room_and_their_pictures_stay(
    keep: int | None, left: list[int], begun: Callable[..., Run]
) -> None:
    changes = [] if keep is None else [f"training.keep={keep}"]
    course = begun("run", "training.milestones=['1 step', '2 steps', '4 steps', '6 steps']", *changes)
    list(course.events())
    kept = sorted(path.stem for path in course.folder.checkpoints.glob("step-*"))
    assert kept == [f"step-{step:07d}" for step in left]
    assert len(list(course.folder.samples.glob("*.png"))) == 4
    assert course.folder.latest.is_file() and (course.folder.checkpoints / "best.safetensors").is_file()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    refused(UsageError, tmp_path)


def timed(course: Run, seconds: float) -> Run:
    """Return `course` with a clock on which every look takes a twentieth of a second."""
    ticks = itertools.count()
    course.trainer.clock = lambda: 0.05 * next(ticks)
    course.trainer.budget = TimeBudget(seconds, 0.0, course.trainer.clock)
    return course


def test_a_run_of_minutes_plans_its_steps_and_writes_them_down(begun: Callable[..., Run]) -> None:
    course = timed(begun("run", "training.length=1 minute"), 4.0)
    assert course.trainer.total is None and course.folder.written_recipe()["training"]["length"] == "1 minute"
    events = list(course.events())
    plans = [event for event in events if isinstance(event, Planned)]
    steps = [event.number for event in events if isinstance(event, Step)]
    assert steps == list(range(1, plans[-1].total + 1)) and len(steps) > 10
    assert [plan.first for plan in plans] == [True] + [False] * (len(plans) - 1)
    assert course.folder.written_recipe()["training"]["length"] == f"{steps[-1]} steps"
    header = checkpoints.header(course.folder.latest)
    assert header["total"] == header["progress"]["step"] == steps[-1]
    rows = course.folder.rows()
    assert {row["total"] for row in rows if row["kind"] == "plan"} == {plan.total for plan in plans}
    assert [row["step"] for row in rows if row["kind"] == "held-out"][-1] == steps[-1]
    rates = [event.rate for event in events if isinstance(event, Step)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates)) and rates[-1] < 0.1 * rates[0]


def test_a_last_step_that_is_planned_away_is_not_measured(begun: Callable[..., Run]) -> None:
    course = timed(begun("run", "training.length=1 minute", "training.checkpoint_every=1000 steps"), 4.0)
    totals, measured = set(), []
    for event in course.events():
        if isinstance(event, Planned):
            totals.add(event.total)
        if isinstance(event, Measured):
            measured.append(event.step)
    assert len(totals) > 2
    # the first one tells what it costs, the last one ends the run; the milestone at step 100 is too far
    assert len(measured) == 2 + (measured[-1] > 100) and measured[-1] == course.trainer.total


def test_no_time_at_all_is_one_step_measured_and_drawn_and_a_warning(begun: Callable[..., Run]) -> None:
    course = timed(begun("run", "training.length=1 minute"), 0.01)
    events = list(course.events())
    assert [event.number for event in events if isinstance(event, Step)] == [1]
    assert [event.step for event in events if isinstance(event, Sampled | Measured)] == [1, 1]
    assert [bool(event.warning) for event in events if isinstance(event, Planned)] == [True]
    assert course.trainer.complete and course.folder.latest.is_file()


def test_a_run_of_minutes_that_is_killed_resumes_to_the_last_plan_exactly(
    begun: Callable[..., Run], digits: Dataset, tmp_path: Path
) -> None:
    course = timed(begun("run", "training.length=1 minute"), 6.0)
    plans = 0
    for event in course.events():
        plans += isinstance(event, Planned)
        if isinstance(event, Saved) and event.path.stem == "latest" and plans >= 2:
            break
    for name in ("calm", "hit"):
        shutil.copytree(course.folder.path, tmp_path / name)
    total = course.trainer.total
    calm, hit = (resume(tmp_path / name, digits) for name in ("calm", "hit"))
    assert calm.trainer.total == total and calm.trainer.budget is None
    rates = [event.rate for event in calm.events() if isinstance(event, Step)]
    for event in hit.events():
        if isinstance(event, Step) and event.number == calm.trainer.state.progress.step - 2:
            hit.trainer.stop()
    list(resume(hit.folder.path, digits).events())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates)) and rates[-1] < rates[0]


def test_a_run_of_minutes_that_is_stopped_before_its_first_plan_begins_them_again(
    begun: Callable[..., Run], digits: Dataset
) -> None:
    course = timed(begun("run", "training.length=1 minute"), 1000.0)
    for event in course.events():
        if isinstance(event, Step):
            course.trainer.stop()
    assert not course.trainer.complete and checkpoints.header(course.folder.latest)["total"] is None
    again = resume(course.folder.path, digits)
    assert (
        again.trainer.state.progress.step == 1
        and again.trainer.budget is not None
        and again.trainer.budget.seconds == 60
    )


def test_a_run_resumes_for_some_minutes_and_keeps_the_newest_milestones(
    begun: Callable[..., Run], digits: Dataset
) -> None:
    changes = "training.milestones=['2 steps', '4 steps', '6 steps']", "training.keep=2"
    finished = begun("run", *changes)
    list(finished.events())
    course = timed(resume(finished.folder.path, digits, Length(3, "minutes")), 3.0)
    # six steps in the seconds before, and no sudden stop of the decay that had come to its end
    assert 0 < course.trainer.state.horizon.remaining < 1 and changed_rate(course) is not None
    events = list(course.events())
    steps = [event.number for event in events if isinstance(event, Step)]
    assert steps == list(range(7, 7 + len(steps))) and course.trainer.complete
    assert len(list(course.folder.checkpoints.glob("step-*"))) == 2
    assert course.folder.written_recipe()["training"]["length"] == f"{steps[-1]} steps"


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
def test_a_new_length_says_what_it_does_to_a_decaying_rate(
    begun: Callable[..., Run], digits: Dataset, decay: str
) -> None:
    course = begun("run", f"optimizer.decay={decay}")
    list(course.events())
    longer = resume(course.folder.path, digits, Length(12, "steps"))
    told = changed_rate(longer)
    assert (told is None) == (decay == "none")
    if told is not None:
        assert all(number in told for number in ("step 7", "12 steps", "6 steps"))
    assert changed_rate(course) is None


def test_a_run_goes_by_the_name_of_its_recipe(
    tmp_path: Path, tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = [start(tiny()).folder.path for _ in range(2)]
    assert places == [Path("runs/tiny-1"), Path("runs/tiny-2")]


def test_a_run_on_a_file_finds_it_again(tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset) -> None:
    assert digits.labels is not None
    np.savez(tmp_path / "mine.npz", images=digits.values[:, 0].numpy(), labels=digits.labels.numpy())
    course = start(tiny(), str(tmp_path / "mine.npz"), tmp_path / "run")
    for event in course.events():
        if isinstance(event, Step) and event.number == 2:
            course.trainer.stop()
    assert resume(course.folder.path).trainer.state.progress.step == 2


@pytest.mark.parametrize("edge", ["sampling.preview=ddim:500", "sampling.preview=ddim:0"])
def test_a_preview_that_cannot_be_drawn_is_refused_before_training(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset, edge: str
) -> None:
    # it would otherwise end the run at its first milestone, hours later
    with pytest.raises(UsageError, match="steps"):
        start(tiny("schedule={kind='linear', T=100}", edge), digits, tmp_path / "run")


@pytest.mark.parametrize(
    ("network", "data"),
    [("mlp", "digits"), ("simple-unet", "moons"), ("batchnorm-unet", "moons")],
)
def test_a_network_that_does_not_fit_the_data_is_refused_before_training(
    tmp_path: Path, tiny: Callable[..., Recipe], network: str, data: str
) -> None:
    changes = ("training.label_dropout=0.0", f"network={{kind='{network}', conditional=true}}")
    with pytest.raises(UsageError):
        start(tiny(*changes), data, tmp_path / "run")


def test_on_data_without_labels_the_network_hears_none(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset
) -> None:
    taught = tiny("training.guidance=1.5", "training.label_dropout=0.1", "sampling.guidance=2.0")
    course = start(taught, Dataset("plain", digits.values), tmp_path / "run")
    list(course.events())
    assert not course.trainer.ema.conditional
    written = course.folder.written_recipe()
    assert not written["network"]["conditional"] and written["sampling"]["guidance"] == 1
    assert written["training"]["guidance"] == 1 and written["training"]["label_dropout"] == 0
    longer = resume(course.folder.path, Dataset("plain", digits.values), Length(9, "steps"))
    assert longer.trainer.total == 9


def test_a_run_killed_before_its_first_measurement_begins_anew(
    tmp_path: Path, begun: Callable[..., Run], digits: Dataset
) -> None:
    course = begun("run")
    for event in course.events():
        if isinstance(event, Step) and event.number == 2:
            shutil.copytree(course.folder.path, tmp_path / "killed")
    killed = RunFolder(tmp_path / "killed")
    # what a crash leaves besides: a last row that is cut short
    with killed.metrics.open("a") as file:
        file.write('{"kind": "tr')
    list(resume(killed.path, digits).events())
    assert [row["step"] for row in killed.rows() if row["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
