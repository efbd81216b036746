"""Training by several processes equals that of one process, and resumes after workers were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from inkwash.config import recipe
from inkwash.io import checkpoints, png_metadata
from inkwash.training.trainer import Trainer

Torchrun = Callable[..., Any]
SMALL = [
    "train",
    "digits",  # Enough channels for GroupNorm groups of several: otherwise biases have no gradient and Adam amplifies rounding.
    *("--set", "network.widths=[16,32]"),
    *("--set", "training.batch=18"),
    *("--set", "training.precision=float32"),
    *("--set", "sampling.preview=ddim:2"),
    *("--set", "training.milestones=['30 steps']"),
]

DISTILLED = [
    "distillation={start=0.7, lr=1e-5}",  # Small steps, so that differences in rounding do not grow.
    "optimizer={kind='adam', lr=1e-5}",
    "training.length=5 steps",  # The fourth has the gradient penalty.
    "training.batch=10",
    "training.precision=float32",
    "sampling.sampler=ddim:1",
    "sampling.preview=ddim:1",
]

WITH_ATTRIBUTES = [
    "network.widths=[8, 16]",
    "attribute_loss.steps=3",
    "optimizer={kind='adamw', lr=1e-4}",
    "training.length=4 steps",
    "training.batch=42",  # In each batch some examples have all attributes; four processes have unequal shards.
    "training.precision=float32",
]


def weights(run: Path) -> dict[str, Tensor]:
    return checkpoints.load(run / "checkpoints/latest.safetensors").tensors


def gradients(run: Path) -> list[float]:
    """Return the logged gradient norms."""
    events = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [event["gradient"] for event in events if "gradient" in event]


def run_single(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inkwash", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_weights_equal_those_of_one_process(
    count: int, torchrun: Torchrun, environment: dict[str, str], tmp_path: Path
) -> None:
    length = ["--steps", "50", "--quiet"]
    assert run_single(environment, tmp_path, *SMALL, *length, "--out", "one").returncode == 0
    assert torchrun(count, "-m", "inkwash", *SMALL, *length, "--out", "all").code == 0
    one, together = weights(tmp_path / "one"), weights(tmp_path / "all")
    assert one.keys() == together.keys()
    moved = [name for name in one if name.startswith(("net.", "average."))]
    assert max(float((one[name] - together[name]).abs().max()) for name in moved) < 1e-5
    # Adam's steps do not depend on the scale of the gradient, but its norm and clipping do.
    norms = [gradients(tmp_path / run) for run in ("one", "all")]
    assert norms[0] and norms[1] == pytest.approx(norms[0], rel=1e-3)
    # The preview is sampled in shards and equals that of one process, as do the metrics.
    files = [
        sorted(
            str(path.relative_to(tmp_path / run)) for path in (tmp_path / run).rglob("*.*") if "events" not in path.name
        )
        for run in ("one", "all")
    ]
    assert files[0] == files[1]
    paths = [tmp_path / run / "samples/step-0000030.png" for run in ("one", "all")]
    first, second = (png_metadata.read_pixels(path).astype(int) for path in paths)
    assert abs(first - second).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])  # Ten examples are divided evenly among two, unevenly among four.
def test_distilled_weights_equal_those_of_one_process(
    count: int, program: Callable[..., list[Any]], tmp_path: Path
) -> None:
    losses = program(
        count,
        f"""
from inkwash.config import recipe
from inkwash.io import checkpoints
from inkwash.training.trainer import Trainer
with torchrun.join(torch.device("cpu")) as group:
    trainer = Trainer(recipe.load("digits").with_changes({DISTILLED}), pretrained="digits", process_group=group)
    losses = [step.loss for step in trainer.steps()]
    if group.is_main:
        checkpoints.save(Path("all.safetensors"), trainer.checkpoint())
    report(group, losses)
""",
    )
    trainer = Trainer(recipe.load("digits").with_changes(DISTILLED), pretrained="digits")
    initial = trainer.checkpoint().tensors
    expected = [step.loss for step in trainer.steps()]
    assert all(found == pytest.approx(expected, abs=1e-5) for found in losses)
    one, together = trainer.checkpoint().tensors, checkpoints.load(tmp_path / "all.safetensors").tensors
    assert one.keys() == together.keys()
    for part in ("net.", "average.", "objective.discriminator."):
        names = [name for name in one if name.startswith(part)]
        moved, differing = (
            torch.cat([(one[name] - other[name]).abs().flatten() for name in names]).mean()
            for other in (initial, together)
        )
        # Adam amplifies rounding where a gradient is nearly 0, so that single weights may differ by as much as they moved.
        assert moved > 0 and differing < 1e-3 * moved, part


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_weights_with_a_loss_of_attributes_equal_those_of_one_process(
    count: int, program: Callable[..., list[Any]], tmp_path: Path
) -> None:
    images = np.zeros((80, 12, 12), np.uint8)
    for k, image in enumerate(images):
        image[2 : 6 + k % 5, 3 : 5 + k % 4] = 255
    np.savez(tmp_path / "bars.npz", images=images, labels=np.arange(80) % 2)
    program(
        count,
        f"""
from inkwash.config import recipe
from inkwash.io import checkpoints
from inkwash.training.trainer import Trainer
with torchrun.join(torch.device("cpu")) as group:
    trainer = Trainer(recipe.load("words").with_changes({WITH_ATTRIBUTES}), "bars.npz", process_group=group)
    losses = [step.loss for step in trainer.steps()]
    if group.is_main:
        checkpoints.save(Path("all.safetensors"), trainer.checkpoint())
    report(group, losses)
""",
    )
    trainer = Trainer(recipe.load("words").with_changes(WITH_ATTRIBUTES), tmp_path / "bars.npz")
    for _ in trainer.steps():
        pass
    one, together = trainer.checkpoint().part("net"), checkpoints.load(tmp_path / "all.safetensors").part("net")
    assert max(float((one[name] - together[name]).abs().max()) for name in one) < 1e-5


@pytest.mark.slow
def test_restarted_run_equals_an_undisturbed_one(
    torchrun: Torchrun, environment: dict[str, str], tmp_path: Path
) -> None:
    arguments = ["-m", "inkwash", *SMALL, "--steps", "120", "--checkpoint-every", "10 steps", "--quiet", "--out"]
    assert torchrun(2, *arguments, "calm").code == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=3"]
    with subprocess.Popen(
        [*launcher, *arguments, "hit"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as agent:
        for _ in range(2):
            before = written(tmp_path / "hit")
            wait_for(partial(newer, tmp_path / "hit", before), agent)
            os.kill(children(agent.pid)[-1], signal.SIGKILL)
        _, errors = agent.communicate(timeout=120)
    assert agent.returncode == 0, errors
    calm, hit = weights(tmp_path / "calm"), weights(tmp_path / "hit")
    assert all(torch.equal(calm[name], hit[name]) for name in calm)
    recorded = [(tmp_path / run / "metrics.jsonl").read_text().count('"held-out"') for run in ("calm", "hit")]
    assert recorded[0] == recorded[1]


KILLED_AT_THE_END = """
import os, signal
from inkwash.runs.run import Run
if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    Run.write_card = lambda run: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_restart_after_the_last_step_exits_successfully(count: int, torchrun: Torchrun, tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED_AT_THE_END)
    arguments = ["-m", "inkwash", *SMALL, "--steps", "3", "--quiet", "--out", "run", "--with", "killed.py"]
    ended = torchrun(count, *arguments, flags=("--max-restarts=1",))
    assert ended.code == 0, ended.err
    assert written(tmp_path / "run") == 3 and "inkwash:" not in ended.err


@pytest.mark.slow
def test_another_launch_does_not_resume_the_run(environment: dict[str, str], tmp_path: Path) -> None:
    # The same rendezvous id, as users give it, and a run that could be resumed.
    meeting = ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--rdzv-id=one", "--max-restarts=1"]
    launch = [sys.executable, "-m", "torch.distributed.run", *meeting, "-m", "inkwash"]
    for steps, code in (("3", 0), ("9", 1)):
        ended = subprocess.run(
            [*launch, *SMALL, "--steps", steps, "--out", "run", "--quiet"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert bool(ended.returncode) == bool(code), ended.stderr
        assert written(tmp_path / "run") == 3
    assert ended.stderr.count("run is not empty") == 2
    assert run_single(environment, tmp_path, "train", "run", "--steps", "5", "--quiet").returncode == 0


@pytest.mark.slow
def test_other_processes_may_prepare_slowly(program: Callable[..., list[Any]]) -> None:
    found = program(
        2,
        """
import os, time
os.environ["INKWASH_PATIENCE"] = "2"
with torchrun.join(torch.device("cpu")) as group:
    with group.main_first():
        time.sleep(4 * group.rank)
    report(group, group.any_process(True))
""",
    )
    assert found == [True, True]


def test_rank_variable_without_torchrun_is_ignored(environment: dict[str, str], tmp_path: Path) -> None:
    ended = run_single(environment | {"RANK": "3"}, tmp_path, "train", "nope")
    assert ended.returncode == 2 and "unknown recipe 'nope'" in ended.stderr


@pytest.mark.slow
def test_usage_errors_are_printed_once(environment: dict[str, str], tmp_path: Path) -> None:
    for more, cause in (
        (["--set", "training.batch=1"], "1 examples cannot be divided among 2 processes"),
        (["--set", "training.batsh=1"], "batsh"),
        (["--batsh", "1"], "--batsh"),
        (["--data", "nowhere"], "no file or folder 'nowhere'"),
    ):
        ended = run_single(environment, tmp_path, *SMALL, "--processes", "2", *more, "--out", "none", "--quiet")
        assert ended.returncode == 2 and cause in ended.stderr
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_processes_plan_minutes_by_the_main_clock(program: Callable[..., list[Any]]) -> None:
    found = program(
        2,
        """
import itertools
from inkwash.config import recipe
from inkwash.runs.start import start
from inkwash.training.time_budget import TimeBudget
small = ["network.widths=[8,16]", "training.batch=16", "sampling.preview=ddim:2", "training.length=3 minutes"]
with torchrun.join(torch.device("cpu")) as group:
    run = start(recipe.load("digits").with_changes(small), out="run", process_group=group)
    # On the clock of rank 1 the time is over, and passes ten times as fast.
    ticks = itertools.count(10000 * group.rank)
    run.trainer.clock = lambda: 0.05 * 10**group.rank * next(ticks)
    run.trainer.time_budget = TimeBudget(6.0, 0.0, run.trainer.clock)
    plans = [(event.step, event.total) for event in run.train() if type(event).__name__ == "Planned"]
    report(group, [plans, run.trainer.state.progress.step])
""",
    )
    assert found[0] == found[1]
    plans, steps = found[0]
    assert len(plans) > 2 and plans[-1][1] == steps > 10


@pytest.mark.slow
def test_too_few_minutes_train_one_step_in_all_processes(environment: dict[str, str], tmp_path: Path) -> None:
    ended = run_single(environment, tmp_path, *SMALL, "--processes", "2", "--minutes", "0.001", "--out", "run")
    assert ended.returncode == 0 and ended.stderr.count("warning: length: ") == 1
    assert written(tmp_path / "run") == 1


@pytest.mark.slow
def test_changed_number_of_processes_is_reported(environment: dict[str, str], tmp_path: Path) -> None:
    assert run_single(environment, tmp_path, *SMALL, "--steps", "2", "--out", "run").returncode == 0
    words = "sums are ordered differently"
    for step, more, warns in (("3", [], False), ("4", ["--processes", "2"], True), ("5", ["--processes", "2"], False)):
        ended = run_single(environment, tmp_path, "train", "run", "--steps", step, *more)
        assert ended.returncode == 0 and (words in ended.stderr) == warns, ended.stderr


@pytest.mark.slow
def test_restartable_launch_requires_out(torchrun: Torchrun) -> None:
    ended = torchrun(1, "-m", "inkwash", *SMALL, flags=("--max-restarts=1",))
    assert ended.code != 0 and "give --out FOLDER" in ended.err


@pytest.mark.slow
def test_signal_stops_all_processes_after_the_same_step(environment: dict[str, str], tmp_path: Path) -> None:
    arguments = [*SMALL, "--out", "run", "--steps", "100000", "--checkpoint-every", "50 steps", "--processes", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "inkwash", *arguments], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_for(lambda: written(tmp_path / "run") > 0, run)
        os.kill(children(run.pid)[0], signal.SIGTERM)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "stopped and saved at step" in errors and "Traceback" not in errors
    again = run_single(
        environment, tmp_path, "train", "run", "--steps", str(written(tmp_path / "run") + 5), "--processes", "3"
    )
    assert again.returncode == 0 and "resuming run from step" in again.stderr


def written(run: Path) -> int:
    """Return the step of the latest checkpoint, 0 without one."""
    latest = run / "checkpoints/latest.safetensors"
    return int(checkpoints.header(latest)["progress"]["step"]) if latest.is_file() else 0


def newer(run: Path, step: int) -> bool:
    """Return whether the latest checkpoint is after `step`."""
    return written(run) > step


def wait_for(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + 60
    while not true():
        assert process.poll() is None and time.monotonic() < give_up
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the worker processes of a launcher, in the order of their start."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields["PPid"]) == pid and b"inkwash" in command:
            found.append(int(status.parent.name))
    return sorted(found)
