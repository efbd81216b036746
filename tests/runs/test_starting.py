"""Starting a run and going on with one: what fits is taken up, what does not is refused in one line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.data import Dataset
from inkwash.errors import InkwashError, UsageError
from inkwash.recipe import Recipe
from inkwash.runs import course as courses
from inkwash.runs import planning
from inkwash.runs.course import Course, Step
from inkwash.runs.folder import RunFolder
from inkwash.runs.planning import planned
from inkwash.runs.starting import changed_rate, go_on, start
from inkwash.training.lengths import Length

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards and plots have tests of their own."""
    monkeypatch.setattr(courses, "write_record", lambda *_: None)


@pytest.fixture
def finished(begun: Callable[..., Course]) -> Course:
    """A run that has come to its end."""
    course = begun("run")
    list(course.events())
    return course


def refused(kind: type[InkwashError], *arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        go_on(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_complete_run_has_nothing_left_to_do(finished: Course, digits: Dataset) -> None:
    before = finished.folder.metrics.read_bytes()
    told = refused(UsageError, finished.folder.path, digits)
    assert "complete at step 6" in told and "--steps" in told
    refused(UsageError, finished.folder.path, digits, Length(6, "steps"))
    assert finished.folder.metrics.read_bytes() == before


def test_a_longer_length_goes_on_and_is_written_down(finished: Course, digits: Dataset) -> None:
    longer = go_on(finished.folder.path, digits, Length(8, "steps"))
    assert [event.number for event in longer.events() if isinstance(event, Step)] == [7, 8]
    assert finished.folder.written_recipe()["training"]["length"] == "8 steps"
    refused(UsageError, finished.folder.path, digits)


def test_other_data_are_refused_and_both_are_named(finished: Course, digits: Dataset) -> None:
    other = replace(digits, name="others", values=digits.values.flip(0))
    told = refused(InkwashError, finished.folder.path, other, Length(8, "steps"))
    assert "others" in told and digits.name in told
    assert digits.sha256[:12] in told and other.sha256[:12] in told


def test_another_network_in_the_recipe_is_refused(finished: Course, digits: Dataset) -> None:
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
    begun: Callable[..., Course], digits: Dataset
) -> None:
    calm, hit = (begun(name, "training.milestones=['3 steps', '5 steps']") for name in ("calm", "hit"))
    list(calm.events())
    list(hit.events())
    for name in ("latest", "step-0000006", "best"):
        path = hit.folder.checkpoints / f"{name}.safetensors"
        if path.is_file():
            damage(path)
    again = go_on(hit.folder.path, digits)
    assert again.state.progress.step == 5
    told = again.fallen_back
    assert told is not None and str(hit.folder.latest) in told and "step-0000005.safetensors, step 5" in told
    list(again.events())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    assert [row["step"] for row in hit.folder.rows()] == [row["step"] for row in calm.folder.rows()]


def test_where_none_is_whole_the_run_is_not_begun_anew(finished: Course, digits: Dataset) -> None:
    for path in finished.folder.checkpoints.iterdir():
        damage(path)
    before = finished.folder.metrics.read_bytes()
    told = refused(InkwashError, finished.folder.path, digits, Length(8, "steps"))
    assert str(finished.folder.latest) in told and "damaged" in told
    assert finished.folder.metrics.read_bytes() == before


def test_a_latest_that_is_gone_falls_back_as_well(finished: Course, digits: Dataset) -> None:
    finished.folder.latest.unlink()
    again = go_on(finished.folder.path, digits, Length(8, "steps"))
    assert again.fallen_back is not None and again.state.progress.step > 0


@pytest.mark.parametrize(("keep", "left"), [(None, [1, 2, 4, 6]), (2, [4, 6]), (0, [])])
def test_old_milestones_make_room_and_their_pictures_stay(
    keep: int | None, left: list[int], begun: Callable[..., Course]
) -> None:
    changes = [] if keep is None else [f"training.keep={keep}"]
    course = begun("run", "training.milestones=['1 step', '2 steps', '4 steps', '6 steps']", *changes)
    list(course.events())
    kept = sorted(path.stem for path in course.folder.checkpoints.glob("step-*"))
    assert kept == [f"step-{step:07d}" for step in left]
    assert len(list(course.folder.samples.glob("*.png"))) == 4
    assert course.folder.latest.is_file() and (course.folder.checkpoints / "best.safetensors").is_file()


def test_minutes_are_planned_at_the_start_only(finished: Course, digits: Dataset) -> None:
    assert "minutes" in refused(UsageError, finished.folder.path, digits, Length(3, "minutes"))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    refused(UsageError, tmp_path)


def test_minutes_become_a_number_of_steps(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    length = Length.parse(planned(tiny("training.length=1 minute"), digits, 20.0, CPU).training.length)
    assert length.unit == "steps"
    assert length.amount >= 10
    assert length.amount == int(length.amount)


def test_minutes_that_leave_no_time_to_train_are_refused_with_how_many_would_do(
    tiny: Callable[..., Recipe], digits: Dataset
) -> None:
    with pytest.raises(UsageError, match="over before 10 steps are done") as caught:
        planned(tiny("training.length=1 minute"), digits, 0.0, CPU)
    needed = re.search(r"at least ([\d.]+) minutes", str(caught.value))
    assert needed is not None
    planned(tiny("training.length=1 minute"), digits, 60 * float(needed[1]), CPU)


def test_a_run_of_minutes_writes_down_its_steps(begun: Callable[..., Course]) -> None:
    course = begun("run", "training.length=0.2 minutes")
    length = Length.parse(course.folder.written_recipe()["training"]["length"])
    assert length.unit == "steps" and length.amount == course.total >= 1
    assert course.state.progress.step == 0 and course.folder.rows() == []


def test_planning_leaves_a_network_of_ones_own_untouched(tiny: Callable[..., Recipe], digits: Dataset) -> None:
    class Own(torch.nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(1, 1, 3, padding=1)

        def forward(self, x: Any, code: Any, label: Any = None) -> Any:
            return super().forward(x)

    net = Own()
    before = net.weight.detach().clone()
    planned(tiny("training.length=1 minute"), digits, 20.0, CPU, net)
    assert torch.equal(net.weight, before) and net.weight.grad is None


def test_measuring_takes_a_small_part_of_the_minutes_where_an_epoch_is_one_step(
    tiny: Callable[..., Recipe], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty pictures in batches of 64: measured after every epoch, a run would do nothing else."""
    assert digits.labels is not None
    few = Dataset("few", digits.values[:60], digits.labels[:60], digits.classes)
    often = tiny("training.batch=64", "training.checkpoint_every=1 epoch", "training.milestones=['every 1 epoch']")
    monkeypatch.setattr(planning, "TIMED_SECONDS", 0.1)
    found = planned(often, few, 2000.0, CPU)
    total = Length.parse(found.training.length).steps(64, 54)
    every = Length.parse(found.training.checkpoint_every).steps(64, 54)
    assert total > 10 * every > 10


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
def test_a_new_length_says_what_it_does_to_a_decaying_rate(
    begun: Callable[..., Course], digits: Dataset, decay: str
) -> None:
    course = begun("run", f"optimizer.decay={decay}")
    list(course.events())
    longer = go_on(course.folder.path, digits, Length(12, "steps"))
    told = changed_rate(longer)
    assert (told is None) == (decay == "none")
    if told is not None:
        assert all(number in told for number in ("step 7", "12 steps", "that of 6"))
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
            course.stop()
    assert go_on(course.folder.path).state.progress.step == 2


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
    assert not course.average().conditional
    written = course.folder.written_recipe()
    assert not written["network"]["conditional"] and written["sampling"]["guidance"] == 1
    assert written["training"]["guidance"] == 1 and written["training"]["label_dropout"] == 0
    assert go_on(course.folder.path, Dataset("plain", digits.values), Length(9, "steps")).total == 9


def test_a_run_killed_before_its_first_measurement_begins_anew(
    tmp_path: Path, begun: Callable[..., Course], digits: Dataset
) -> None:
    course = begun("run")
    for event in course.events():
        if isinstance(event, Step) and event.number == 2:
            shutil.copytree(course.folder.path, tmp_path / "killed")
    killed = RunFolder(tmp_path / "killed")
    # what a crash leaves besides: a last row that is cut short
    with killed.metrics.open("a") as file:
        file.write('{"kind": "tr')
    list(go_on(killed.path, digits).events())
    assert [row["step"] for row in killed.rows() if row["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
