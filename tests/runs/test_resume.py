"""Starting and resuming runs: fallback to older checkpoints, new lengths, and errors in one line."""

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
from inkwash.runs.events import Sampled, Saved
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import learning_rate_change, resume
from inkwash.runs.run import Run
from inkwash.runs.start import start
from inkwash.training.events import Measured, Planned, Step
from inkwash.training.time_budget import TimeBudget

CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("without_cards")


def refusal(*arguments: Any) -> tuple[str | None, str | None]:
    """Return code and field of the error of `resume` with these arguments."""
    with pytest.raises(InkwashError) as error:
        resume(*arguments)
    assert "\n" not in str(error.value)
    return error.value.code, error.value.field


@pytest.mark.parametrize("length", [None, Length(6, "steps")])
def test_resuming_a_complete_run_is_refused(complete: Run, digits: Dataset, length: Length | None) -> None:
    before = complete.folder.metrics.read_bytes()
    assert refusal(complete.folder.path, digits, length) == ("no-effect", "length")
    assert complete.folder.metrics.read_bytes() == before


def test_longer_length_is_trained_and_written(complete: Run, digits: Dataset) -> None:
    longer = resume(complete.folder.path, digits, Length(8, "steps"))
    assert [event.number for event in longer.train() if isinstance(event, Step)] == [7, 8]
    assert complete.folder.read_recipe()["training"]["length"] == "8 steps"
    assert refusal(complete.folder.path, digits) == ("no-effect", "length")


def test_other_data_are_refused_by_name_and_checksum(complete: Run, digits: Dataset) -> None:
    other = replace(digits, name="others", values=digits.values.flip(0))
    with pytest.raises(InkwashError) as error:
        resume(complete.folder.path, other, Length(8, "steps"))
    assert error.value.code == "mismatch"
    assert all(text in str(error.value) for each in (digits, other) for text in (each.name, each.sha256[:12]))


def test_changed_network_in_the_recipe_is_refused(complete: Run, digits: Dataset) -> None:
    text = complete.folder.recipe.read_text()
    complete.folder.recipe.write_text(text.replace("dim = 16", "dim = 32"))
    assert refusal(complete.folder.path, digits, Length(8, "steps"))[0] == "mismatch"


def damage(path: Path) -> None:
    """Flip one bit of a file's tensors."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    path.write_bytes(content)


def test_damaged_latest_falls_back_to_the_previous_checkpoint(begun: Callable[..., Run], digits: Dataset) -> None:
    calm, hit = (begun(name, "training.milestones=['3 steps', '5 steps']") for name in ("calm", "hit"))
    list(calm.train())
    list(hit.train())
    for name in ("latest", "step-0000006", "best"):
        path = hit.folder.checkpoints / f"{name}.safetensors"
        if path.is_file():
            damage(path)
    again = resume(hit.folder.path, digits)
    assert again.trainer.state.progress.step == 5
    reason = again.fallback_reason
    assert reason is not None and str(hit.folder.latest) in reason and "step-0000005.safetensors, step 5" in reason
    list(again.train())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    assert [row["step"] for row in hit.folder.rows()] == [row["step"] for row in calm.folder.rows()]


def test_run_without_intact_checkpoint_is_refused(complete: Run, digits: Dataset) -> None:
    for path in complete.folder.checkpoints.iterdir():
        damage(path)
    before = complete.folder.metrics.read_bytes()
    with pytest.raises(InkwashError, match=str(complete.folder.latest)):
        resume(complete.folder.path, digits, Length(8, "steps"))
    assert complete.folder.metrics.read_bytes() == before


def test_missing_latest_falls_back(complete: Run, digits: Dataset) -> None:
    complete.folder.latest.unlink()
    again = resume(complete.folder.path, digits, Length(8, "steps"))
    assert again.fallback_reason is not None and again.trainer.state.progress.step > 0


@pytest.mark.parametrize(("keep", "left"), [(None, [1, 2, 4, 6]), (2, [4, 6]), (0, [])])
def test_keep_deletes_old_milestone_checkpoints_only(
    keep: int | None, left: list[int], begun: Callable[..., Run]
) -> None:
    changes = [] if keep is None else [f"training.keep={keep}"]
    run = begun("run", "training.milestones=['1 step', '2 steps', '4 steps', '6 steps']", *changes)
    list(run.train())
    kept = sorted(path.stem for path in run.folder.checkpoints.glob("step-*"))
    assert kept == [f"step-{step:07d}" for step in left]
    assert len(list(run.folder.samples.glob("*.png"))) == 4
    assert run.folder.latest.is_file() and (run.folder.checkpoints / "best.safetensors").is_file()


def timed(run: Run, seconds: float) -> Run:
    """Return `run` with a clock that advances by a twentieth of a second per call."""
    ticks = itertools.count()
    run.trainer.clock = lambda: 0.05 * next(ticks)
    run.trainer.time_budget = TimeBudget(seconds, 0.0, run.trainer.clock)
    return run


def test_length_in_minutes_is_planned_and_written(begun: Callable[..., Run]) -> None:
    run = timed(begun("run", "training.length=1 minute"), 4.0)
    assert run.trainer.total is None and run.folder.read_recipe()["training"]["length"] == "1 minute"
    events = list(run.train())
    plans = [event for event in events if isinstance(event, Planned)]
    steps = [event.number for event in events if isinstance(event, Step)]
    assert steps == list(range(1, plans[-1].total + 1)) and len(steps) > 10
    assert [plan.first for plan in plans] == [True] + [False] * (len(plans) - 1)
    assert run.folder.read_recipe()["training"]["length"] == f"{steps[-1]} steps"
    header = checkpoints.header(run.folder.latest)
    assert header["total"] == header["progress"]["step"] == steps[-1]
    rows = run.folder.rows()
    assert {row["total"] for row in rows if row["kind"] == "plan"} == {plan.total for plan in plans}
    assert [row["step"] for row in rows if row["kind"] == "held-out"][-1] == steps[-1]
    rates = [event.rate for event in events if isinstance(event, Step)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates)) and rates[-1] < 0.1 * rates[0]


def test_only_the_final_total_is_validated(begun: Callable[..., Run]) -> None:
    run = timed(begun("run", "training.length=1 minute", "training.checkpoint_every=1000 steps"), 4.0)
    totals, measured = set(), []
    for event in run.train():
        if isinstance(event, Planned):
            totals.add(event.total)
        if isinstance(event, Measured):
            measured.append(event.step)
    assert len(totals) > 2
    # The first validation calibrates the budget, the last one ends the run; one more if step 100 is reached.
    assert len(measured) == 2 + (measured[-1] > 100) and measured[-1] == run.trainer.total


def test_elapsed_budget_trains_one_step_with_a_warning(begun: Callable[..., Run]) -> None:
    run = timed(begun("run", "training.length=1 minute"), 0.01)
    events = list(run.train())
    assert [event.number for event in events if isinstance(event, Step)] == [1]
    assert [event.step for event in events if isinstance(event, Sampled | Measured)] == [1, 1]
    assert [bool(event.warning) for event in events if isinstance(event, Planned)] == [True]
    assert run.trainer.complete and run.folder.latest.is_file()


def test_killed_run_in_minutes_resumes_to_its_last_plan_exactly(
    begun: Callable[..., Run], digits: Dataset, tmp_path: Path
) -> None:
    run = timed(begun("run", "training.length=1 minute"), 6.0)
    plans = 0
    for event in run.train():
        plans += isinstance(event, Planned)
        if isinstance(event, Saved) and event.path.stem == "latest" and plans >= 2:
            break
    for name in ("calm", "hit"):
        shutil.copytree(run.folder.path, tmp_path / name)
    total = run.trainer.total
    calm, hit = (resume(tmp_path / name, digits) for name in ("calm", "hit"))
    assert calm.trainer.total == total and calm.trainer.time_budget is None
    rates = [event.rate for event in calm.train() if isinstance(event, Step)]
    for event in hit.train():
        if isinstance(event, Step) and event.number == calm.trainer.state.progress.step - 2:
            hit.trainer.stop()
    list(resume(hit.folder.path, digits).train())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates)) and rates[-1] < rates[0]


def test_run_in_minutes_stopped_before_its_first_plan_restarts_its_budget(
    begun: Callable[..., Run], digits: Dataset
) -> None:
    run = timed(begun("run", "training.length=1 minute"), 1000.0)
    for event in run.train():
        if isinstance(event, Step):
            run.trainer.stop()
    assert not run.trainer.complete and checkpoints.header(run.folder.latest)["total"] is None
    again = resume(run.folder.path, digits)
    assert (
        again.trainer.state.progress.step == 1
        and again.trainer.time_budget is not None
        and again.trainer.time_budget.seconds == 60
    )


def test_run_resumed_for_minutes_keeps_the_newest_milestones(begun: Callable[..., Run], digits: Dataset) -> None:
    changes = "training.milestones=['2 steps', '4 steps', '6 steps']", "training.keep=2"
    complete = begun("run", *changes)
    list(complete.train())
    run = timed(resume(complete.folder.path, digits, Length(3, "minutes")), 3.0)
    # The decay was complete; it continues as in a run that had both times from its start.
    assert 0 < run.trainer.state.lr_decay.remaining < 1 and learning_rate_change(run) is not None
    events = list(run.train())
    steps = [event.number for event in events if isinstance(event, Step)]
    assert steps == list(range(7, 7 + len(steps))) and run.trainer.complete
    assert len(list(run.folder.checkpoints.glob("step-*"))) == 2
    assert run.folder.read_recipe()["training"]["length"] == f"{steps[-1]} steps"


@pytest.mark.parametrize("decay", ["none", "linear", "cosine"])
def test_changed_rate_is_reported_for_a_decaying_rate_only(
    begun: Callable[..., Run], digits: Dataset, decay: str
) -> None:
    run = begun("run", f"optimizer.decay={decay}")
    list(run.train())
    longer = resume(run.folder.path, digits, Length(12, "steps"))
    message = learning_rate_change(longer)
    assert (message is None) == (decay == "none")
    if message is not None:
        assert all(number in message for number in ("step 7", "12 steps", "6 steps"))
    assert learning_rate_change(run) is None


def test_default_folder_is_named_after_the_recipe(
    tmp_path: Path, tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [start(tiny()).folder.path for _ in range(2)]
    assert paths == [Path("runs/tiny-1"), Path("runs/tiny-2")]


def test_resumed_run_finds_its_data_file(tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset) -> None:
    assert digits.labels is not None
    np.savez(tmp_path / "images.npz", images=digits.values[:, 0].numpy(), labels=digits.labels.numpy())
    run = start(tiny(), str(tmp_path / "images.npz"), tmp_path / "run")
    for event in run.train():
        if isinstance(event, Step) and event.number == 2:
            run.trainer.stop()
    assert resume(run.folder.path).trainer.state.progress.step == 2


@pytest.mark.parametrize("edge", ["sampling.preview=ddim:500", "sampling.preview=ddim:0"])
def test_impossible_preview_sampler_is_refused_before_training(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset, edge: str
) -> None:
    # Otherwise the run would fail at its first milestone.
    with pytest.raises(UsageError) as error:
        start(tiny("schedule={kind='linear', T=100}", edge), digits, tmp_path / "run")
    assert error.value.code == "out-of-range"


@pytest.mark.parametrize(
    ("network", "data"),
    [("mlp", "digits"), ("simple-unet", "moons"), ("batchnorm-unet", "moons")],
)
def test_network_that_does_not_fit_the_data_is_refused_before_training(
    tmp_path: Path, tiny: Callable[..., Recipe], network: str, data: str
) -> None:
    changes = ("training.label_dropout=0.0", f"network={{kind='{network}', conditional=true}}")
    with pytest.raises(UsageError):
        start(tiny(*changes), data, tmp_path / "run")


def test_data_without_labels_make_the_recipe_unconditional(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset
) -> None:
    guided = tiny("training.guidance=1.5", "training.label_dropout=0.1", "sampling.guidance=2.0")
    run = start(guided, Dataset("plain", digits.values), tmp_path / "run")
    list(run.train())
    assert not run.trainer.ema_model.conditional
    written = run.folder.read_recipe()
    assert not written["network"]["conditional"] and written["sampling"]["guidance"] == 1
    assert written["training"]["guidance"] == 1 and written["training"]["label_dropout"] == 0
    longer = resume(run.folder.path, Dataset("plain", digits.values), Length(9, "steps"))
    assert longer.trainer.total == 9


def test_run_killed_before_its_first_validation_restarts(
    tmp_path: Path, begun: Callable[..., Run], digits: Dataset
) -> None:
    run = begun("run")
    for event in run.train():
        if isinstance(event, Step) and event.number == 2:
            shutil.copytree(run.folder.path, tmp_path / "killed")
    killed = RunFolder(tmp_path / "killed")
    # A crash also leaves a truncated last row.
    with killed.metrics.open("a") as file:
        file.write('{"kind": "tr')
    list(resume(killed.path, digits).train())
    assert [row["step"] for row in killed.rows() if row["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
