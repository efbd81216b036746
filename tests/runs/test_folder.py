"""Run folders: creation, metrics, sessions and the written recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inkwash.config.recipe import Recipe
from inkwash.errors import InkwashError, UsageError
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.runs.start import start

CPU = torch.device("cpu")


def rows(*steps: int) -> str:
    return "".join(json.dumps({"kind": "train", "step": step, "loss": 1 / (step + 1)}) + "\n" for step in steps)


def test_create_makes_parent_folders(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "a" / "b" / "run")
    assert folder.checkpoints.is_dir() and folder.samples.is_dir()
    assert folder.rows() == [] and folder.sessions() == []


def test_empty_folder_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert RunFolder.create(tmp_path / "run").checkpoints.is_dir()


@pytest.mark.parametrize("content", ["notes.txt", "recipe.toml"])
def test_nonempty_folder_is_refused_and_unchanged(tmp_path: Path, content: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / content).write_text("text")
    with pytest.raises(UsageError) as error:
        RunFolder.create(run)
    assert (error.value.code, error.value.field) == ("exists", "out")
    assert (f"inkwash train {run}" in str(error.value)) == (content == "recipe.toml")
    assert [file.name for file in run.iterdir()] == [content]


def test_file_at_the_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError) as error:
            RunFolder.create(place)
        assert error.value.field == "out"
    assert (tmp_path / "file").read_text() == "text"


def test_next_free_fills_the_first_gap(tmp_path: Path) -> None:
    for name in ("digits-1", "digits-2", "digits-4", "moons-1"):
        (tmp_path / name).mkdir()
    assert RunFolder.next_unused("digits", tmp_path) == tmp_path / "digits-3"
    assert RunFolder.next_unused("moons", tmp_path) == tmp_path / "moons-2"


def test_open_refuses_a_folder_without_recipe(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        RunFolder.open(tmp_path)
    assert (error.value.code, error.value.field) == ("wrong-file", "run")


@pytest.mark.parametrize("last", [0, 2, 3, 9])
def test_truncating_metrics_deletes_later_rows_only(tmp_path: Path, last: int) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.metrics.write_text(rows(1, 2, 2, 3, 5, 4))
    folder.truncate_metrics(last)
    assert folder.metrics.read_text() == rows(*[step for step in (1, 2, 2, 3, 5, 4) if step <= last])


@pytest.mark.parametrize(
    "cut", ['{"kind": "train", "st', '{"kind": "train", "step": 4', "{", '{"kind": "train", "step"\n']
)
def test_truncated_last_row_is_ignored_and_replaced(tmp_path: Path, cut: str) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.metrics.write_text(rows(1, 2, 3) + cut)
    assert [row["step"] for row in folder.rows()] == [1, 2, 3]
    folder.truncate_metrics(3)
    with folder.log() as log:
        log.write("train", 4, {"loss": 0.5})
    assert [row["step"] for row in folder.rows()] == [1, 2, 3, 4]
    assert folder.rows()[-1] == {"kind": "train", "step": 4, "loss": 0.5}


def test_rows_are_written_immediately(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run")
    with folder.log() as log:
        log.write("train", 1, {"loss": 0.5})
        assert [row["step"] for row in folder.rows()] == [1]


def test_tensorboard_reads_sessions_and_replaced_steps(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = RunFolder.create(tmp_path / "run")
    for after, losses in ((0, {1: 0.5, 2: 0.25, 3: 7.0}), (2, {3: 0.125})):
        with folder.log(after) as log:
            for step, loss in losses.items():
                log.write("train", step, {"loss": loss, "picture": "none"})
    read = events.EventAccumulator(str(folder.path / "tensorboard"))
    read.Reload()
    assert read.Tags()["scalars"] == ["train/loss"]
    assert [(each.step, each.value) for each in read.Scalars("train/loss")] == [(1, 0.5), (2, 0.25), (3, 0.125)]


@pytest.mark.parametrize("place", range(0, 100, 7))
def test_only_the_damaged_row_is_ignored(tmp_path: Path, place: int) -> None:
    folder = RunFolder.create(tmp_path / "run")
    with folder.log() as log:
        for step in range(1, 6):
            log.write("train", step, {"loss": step / 8})
    before, lines = folder.rows(), folder.metrics.read_bytes().splitlines(keepends=True)
    line = bytearray(lines[2])
    line[place % (len(line) - 1)] ^= 1
    folder.metrics.write_bytes(b"".join([*lines[:2], bytes(line), *lines[3:]]))
    loss = {row["step"]: row["loss"] for row in folder.rows()}
    assert [row for row in before if loss.get(row["step"]) != row["loss"]] in ([], [before[2]])
    assert {1, 2, 4, 5} <= loss.keys()


def test_sessions_are_recorded_without_host_and_path(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run")
    folder.end_session(folder.begin_session(CPU, "abc1234"), 1.25, 10)
    folder.end_session(folder.begin_session(CPU, "abc1234+"), 2.5, 20)
    sessions = folder.sessions()
    assert [session["until_step"] for session in sessions] == [10, 20]
    assert [session["commit"] for session in sessions] == ["abc1234", "abc1234+"]
    assert {"device", "hardware", "torch", "python", "inkwash", "commit", "seconds"} <= set(sessions[0])
    assert str(tmp_path) not in folder.environment.read_text()
    folder.environment.write_text("[{")
    with pytest.raises(InkwashError) as error:
        folder.sessions()
    assert error.value.code == "damaged-file"


def test_folder_has_the_resolved_recipe(begun: Callable[..., Run]) -> None:
    run = begun("run", "optimizer.lr=0.01")
    written = Recipe.from_dict(run.folder.read_recipe())
    assert written == run.trainer.recipe
    assert written.optimizer.lr == 0.01
    # All defaults are written, so that a version with other defaults trains the same.
    assert run.folder.read_recipe()["optimizer"]["betas"] == [0.9, 0.999]


def test_recipe_that_is_not_toml_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("= [")
    with pytest.raises(UsageError) as error:
        resume(tmp_path)
    assert (error.value.code, error.value.field) == ("wrong-file", "recipe")


@pytest.mark.parametrize(
    "change",
    ["training.milestones=['soon']", "training.ema=3 minutes", "training.precision=float16", "network.widths=[-8]"],
)
def test_refused_run_leaves_no_folder(tmp_path: Path, tiny: Callable[..., Any], change: str) -> None:
    with pytest.raises(UsageError):
        start(tiny(change), None, tmp_path / "run")
    assert not (tmp_path / "run").exists()
