"""Exact resume: a run that was killed, stopped or interrupted ends with the files of an undisturbed one, bit for bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch.optim.optimizer import register_optimizer_step_post_hook

import inkwash
from inkwash import cli
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.errors import InkwashError
from inkwash.io.integrity import verified
from inkwash.runs.folder import RunFolder
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.runs.start import start
from inkwash.training.events import Step

RECIPE = """
target = "eps"
network = { kind = "batchnorm-unet", conditional = true, base = 8, dim = 16 }
schedule = { kind = "linear", T = 100 }
data = { name = "digits" }
optimizer = { kind = "adamw", lr = 3e-3, weight_decay = 0.1, clip = 1.0, warmup = 3, decay = "cosine" }
training = { length = "20 steps", batch = 16, label_dropout = 0.1, ema = "10 steps", checkpoint_every = "10 steps", \
milestones = ["15 steps"], precision = "float32" }
sampling = { sampler = "ddim:2", preview = "ddim:2" }
"""

KILLED_AT_STEP_13 = """
import os, signal
from torch.optim.optimizer import register_optimizer_step_post_hook

taken = 0

def count(*_):
    global taken
    taken += 1
    if taken == 13:
        os.kill(os.getpid(), signal.SIGKILL)

register_optimizer_step_post_hook(count)
"""
"""A plugin that kills its process within step 13, after the optimizer step."""


def inkwash_train(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(inkwash.__file__).parents[1])}
    command = [sys.executable, "-m", "inkwash", "train", *arguments, "--json"]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120)


def train_in_process(*arguments: str) -> object:
    """Run the command in this process and return its exit code."""
    with pytest.raises(SystemExit) as left:
        cli.main(["train", *arguments])
    return left.value.code


def step_numbers(output: str) -> list[int]:
    events = [json.loads(line) for line in output.splitlines()]
    return [event["number"] for event in events if event["event"] == "step"]


def checkpoint_bytes(run: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((run / "checkpoints").iterdir())}


def rows_without_seconds(run: Path) -> list[dict[str, Any]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in verified(json.loads(line)).items() if key != "seconds"} for line in lines]


def assert_same_run(run: Path, reference: Path) -> None:
    assert set(checkpoint_bytes(run)) == set(checkpoint_bytes(reference))
    assert [
        name for name, content in checkpoint_bytes(run).items() if content != checkpoint_bytes(reference)[name]
    ] == []
    assert rows_without_seconds(run) == rows_without_seconds(reference)
    pictures = [{file.name: file.read_bytes() for file in (each / "samples").iterdir()} for each in (run, reference)]
    assert pictures[0] == pictures[1]


@pytest.fixture
def after_optimizer_step() -> Iterator[Callable[[int, Callable[[], None]], None]]:
    """`after_optimizer_step(k, act)` calls `act` after the k-th optimizer step from now on."""
    handles = []

    def call_after(k: int, act: Callable[[], None]) -> None:
        taken = 0

        def count(*_: object) -> None:
            nonlocal taken
            taken += 1
            if taken == k:
                act()

        handles.append(register_optimizer_step_post_hook(count))

    yield call_after
    for handle in handles:
        handle.remove()


@pytest.fixture(scope="module")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run of twenty steps."""
    place = tmp_path_factory.mktemp("reference_run")
    (place / "tiny.toml").write_text(RECIPE)
    assert train_in_process(str(place / "tiny.toml"), "-o", str(place / "run"), "--quiet") == 0
    assert set(checkpoint_bytes(place / "run")) >= {"latest.safetensors", "best.safetensors"}
    return place / "run"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Recipe], digits: Dataset) -> Path:
    """The folder of an uninterrupted run of the tiny recipe."""
    run = start(tiny(), digits, tmp_path_factory.mktemp("undisturbed") / "run")
    list(run.train())
    return run.folder.path


@pytest.mark.slow
def test_killed_run_resumes_bit_for_bit(tmp_path: Path, reference_run: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    (tmp_path / "killed.py").write_text(KILLED_AT_STEP_13)
    killed = inkwash_train(tmp_path, "tiny.toml", "-o", "run", "--with", "killed.py")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert step_numbers(killed.stdout) == list(range(1, 13))
    assert checkpoint_bytes(tmp_path / "run") != checkpoint_bytes(reference_run)
    resumed = inkwash_train(tmp_path, "run")
    assert resumed.returncode == 0, resumed.stderr
    assert step_numbers(resumed.stdout) == list(range(11, 21))
    assert_same_run(tmp_path / "run", reference_run)


@pytest.mark.usefixtures("without_cards")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_stopped_by_signal_resumes_bit_for_bit(
    tmp_path: Path,
    reference_run: Path,
    after_optimizer_step: Callable[[int, Callable[[], None]], None],
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    def send_signal() -> None:
        assert signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler)
        os.kill(os.getpid(), number)

    recipe, run = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    before = signal.getsignal(number)
    after_optimizer_step(13, send_signal)
    assert train_in_process(str(recipe), "-o", str(run)) == 130
    assert f"inkwash train {run}" in capsys.readouterr().err
    assert signal.getsignal(number) is before
    assert train_in_process(str(run), "--json") == 0
    assert step_numbers(capsys.readouterr().out) == list(range(14, 21))
    assert_same_run(run, reference_run)


@pytest.mark.usefixtures("without_cards")
def test_run_killed_after_any_write_resumes_bit_for_bit(
    tmp_path: Path, begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ("training.milestones=['3 steps']", "network.widths=[8]")
    reference = begun("reference", *changes)
    list(reference.train())
    run, replace = begun("run", *changes), os.replace
    states: list[Path] = []

    def replace_and_copy(source: Any, target: Any) -> None:
        replace(source, target)
        states.append(tmp_path / f"killed-{len(states):02d}")
        shutil.copytree(run.folder.path, states[-1])

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_and_copy)
        list(run.train())
    assert_same_run(run.folder.path, reference.folder.path)
    assert len(states) > 8
    differing = []
    for state in states:
        latest = RunFolder(state).latest
        complete = latest.is_file() and latest.read_bytes() == reference.folder.latest.read_bytes()
        if not complete:
            list(resume(state, digits).train())
        found = checkpoint_bytes(state), rows_without_seconds(state)
        if found != (checkpoint_bytes(reference.folder.path), rows_without_seconds(reference.folder.path)):
            differing.append((state.name, sorted(found[0]), len(found[1])))
    assert not differing


@pytest.mark.usefixtures("without_cards")
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_run_interrupted_within_a_step_resumes_bit_for_bit(
    begun: Callable[..., Run],
    undisturbed: Path,
    digits: Dataset,
    after_optimizer_step: Callable[[int, Callable[[], None]], None],
    error: type[BaseException],
) -> None:
    run = begun("run")

    def fail() -> None:
        raise error

    after_optimizer_step(5, fail)
    with pytest.raises(error):
        list(run.train())
    list(resume(run.folder.path, digits).train())
    assert_same_run(run.folder.path, undisturbed)


@pytest.mark.usefixtures("without_cards")
@pytest.mark.parametrize("write", ["inkwash.io.png_metadata.save_png", "inkwash.io.checkpoints.save"])
def test_run_with_a_full_disk_resumes_bit_for_bit(
    begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    reference, run = (begun(name, "training.milestones=['3 steps']") for name in ("reference", "run"))
    list(reference.train())

    def full(*_: Any, **__: Any) -> None:
        raise InkwashError("no space left on device", code="io")

    with monkeypatch.context() as patched, pytest.raises(InkwashError):
        patched.setattr(write, full)
        list(run.train())
    list(resume(run.folder.path, digits).train())
    assert_same_run(run.folder.path, reference.folder.path)


@pytest.mark.usefixtures("without_cards")
@pytest.mark.parametrize("stop_after", range(1, 6))
def test_run_stopped_after_any_step_resumes_bit_for_bit(
    begun: Callable[..., Run], undisturbed: Path, digits: Dataset, stop_after: int
) -> None:
    run = begun("run")
    for event in run.train():
        if isinstance(event, Step) and event.number == stop_after:
            run.trainer.stop()
    assert run.trainer.state.progress.step == stop_after
    list(resume(run.folder.path, digits).train())
    assert_same_run(run.folder.path, undisturbed)


@pytest.mark.usefixtures("without_cards")
def test_closed_event_iterator_saves_the_current_step(
    begun: Callable[..., Run], undisturbed: Path, digits: Dataset
) -> None:
    run = begun("run")
    events = run.train()
    while run.trainer.state.progress.step < 4:
        next(events)
    events.close()
    resumed = resume(run.folder.path, digits)
    assert resumed.trainer.state.progress.step == 4
    list(resumed.train())
    assert_same_run(run.folder.path, undisturbed)


@pytest.mark.usefixtures("without_cards")
def test_equal_runs_write_equal_files_in_any_folder(begun: Callable[..., Run]) -> None:
    first, second = begun("first"), begun("somewhere/else")
    list(first.train()), list(second.train())
    assert_same_run(first.folder.path, second.folder.path)
