"""Training in several processes: the run of one process, and nothing lost when one of them is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inkwash.io import checkpoints

Torchrun = Callable[..., Any]
SMALL = [
    "train",
    "digits",  # of channels enough that no group of a GroupNorm is one: Adam would walk a bias that has no gradient
    *("--set", "network.widths=[16,32]"),
    *("--set", "training.batch=18"),
    *("--set", "training.precision=float32"),
    *("--set", "sampling.preview=ddim:2"),
    *("--set", "training.milestones=['30 steps']"),
]


def weights(run: Path) -> dict[str, Tensor]:
    return checkpoints.load(run / "checkpoints/latest.safetensors").tensors


def gradients(run: Path) -> list[float]:
    """Return the norms of the gradient that the run has logged."""
    events = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [event["gradient"] for event in events if "gradient" in event]


def alone(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inkwash", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("count", [2, 4])
def test_weights_are_those_of_one_process(
    count: int, torchrun: Torchrun, environment: dict[str, str], tmp_path: Path
) -> None:
    length = ["--steps", "50", "--quiet"]
    assert alone(environment, tmp_path, *SMALL, *length, "--out", "one").returncode == 0
    assert torchrun(count, "-m", "inkwash", *SMALL, *length, "--out", "all").code == 0
    one, together = weights(tmp_path / "one"), weights(tmp_path / "all")
    assert one.keys() == together.keys()
    moved = [name for name in one if name.startswith(("net.", "average."))]
    assert max(float((one[name] - together[name]).abs().max()) for name in moved) < 1e-5
    # Adam's steps do not depend on the scale of the gradient: its norm does, and so does clipping
    norms = [gradients(tmp_path / run) for run in ("one", "all")]
    assert norms[0] and norms[1] == pytest.approx(norms[0], rel=1e-3)
    # the picture is drawn in shares and is that of one process; so is all that is told of the run
    files = [
        sorted(
            str(path.relative_to(tmp_path / run)) for path in (tmp_path / run).rglob("*.*") if "events" not in path.name
        )
        for run in ("one", "all")
    ]
    assert files[0] == files[1]
    pictures = [(tmp_path / run / "samples/step-0000030.png") for run in ("one", "all")]
    from inkwash.io import png_metadata

    first, second = (png_metadata.read_pixels(path).astype(int) for path in pictures)
    assert abs(first - second).max() <= 1


def test_a_worker_that_is_killed_costs_time_and_nothing_else(
    torchrun: Torchrun, environment: dict[str, str], tmp_path: Path
) -> None:
    asked = ["-m", "inkwash", *SMALL, "--steps", "120", "--checkpoint-every", "10 steps", "--quiet", "--out"]
    assert torchrun(2, *asked, "calm").code == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=3"]
    with subprocess.Popen(
        [*launcher, *asked, "hit"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as agent:
        for _ in range(2):
            before = written(tmp_path / "hit")
            wait_for(lambda before=before: written(tmp_path / "hit") > before, agent)
            os.kill(children(agent.pid)[-1], signal.SIGKILL)
        _, said = agent.communicate(timeout=120)
    assert agent.returncode == 0, said
    calm, hit = weights(tmp_path / "calm"), weights(tmp_path / "hit")
    assert all(torch.equal(calm[name], hit[name]) for name in calm)
    recorded = [(tmp_path / run / "metrics.jsonl").read_text().count('"held-out"') for run in ("calm", "hit")]
    assert recorded[0] == recorded[1]


DIES = """
import os, signal
from inkwash.runs.run import Run
if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    Run.write_record = lambda run: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("count", [1, 2])
def test_started_anew_after_its_last_step_a_run_is_done(count: int, torchrun: Torchrun, tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text(DIES)
    asked = ["-m", "inkwash", *SMALL, "--steps", "3", "--quiet", "--out", "run", "--with", "dies.py"]
    ended = torchrun(count, *asked, flags=("--max-restarts=1",))
    assert ended.code == 0, ended.err
    assert written(tmp_path / "run") == 3 and "inkwash:" not in ended.err


def test_another_launch_does_not_take_a_run_for_its_own(environment: dict[str, str], tmp_path: Path) -> None:
    # the same name, as users give it, and a run that waits to be trained on
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
    assert alone(environment, tmp_path, "train", "run", "--steps", "5", "--quiet").returncode == 0


def test_what_takes_the_others_longer_than_the_first_is_waited_for(program: Callable[..., list[Any]]) -> None:
    found = program(
        2,
        """
import os, time
os.environ["INKWASH_PATIENCE"] = "2"
with torchrun.join(torch.device("cpu")) as group:
    with group.main_first():
        time.sleep(4 * group.rank)
    told(group, group.any(True))
""",
    )
    assert found == [True, True]


def test_a_variable_of_another_launcher_silences_nobody(environment: dict[str, str], tmp_path: Path) -> None:
    ended = alone(environment | {"RANK": "3"}, tmp_path, "train", "nope")
    assert ended.returncode == 2 and "unknown recipe 'nope'" in ended.stderr


def test_what_is_wrong_is_said_once(environment: dict[str, str], tmp_path: Path) -> None:
    for more, cause in (
        (["--set", "training.batch=1"], "1 cannot be shared by 2 processes"),
        (["--set", "training.batsh=1"], "batsh"),
        (["--batsh", "1"], "--batsh"),
        (["--data", "nowhere"], "no file or folder 'nowhere'"),
    ):
        ended = alone(environment, tmp_path, *SMALL, "--processes", "2", *more, "--out", "none", "--quiet")
        assert ended.returncode == 2 and cause in ended.stderr
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert not (tmp_path / "none").exists()


def test_minutes_are_planned_by_all_with_the_clock_of_the_first(program: Callable[..., list[Any]]) -> None:
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
    # the clock of the second says that the time is long over, and ten times as much passes on it
    ticks = itertools.count(10000 * group.rank)
    run.trainer.clock = lambda: 0.05 * 10**group.rank * next(ticks)
    run.trainer.budget = TimeBudget(6.0, 0.0, run.trainer.clock)
    plans = [(event.step, event.total) for event in run.events() if type(event).__name__ == "Planned"]
    told(group, [plans, run.trainer.state.progress.step])
""",
    )
    assert found[0] == found[1]
    plans, steps = found[0]
    assert len(plans) > 2 and plans[-1][1] == steps > 10


def test_minutes_that_are_too_few_train_one_step_in_all(environment: dict[str, str], tmp_path: Path) -> None:
    ended = alone(environment, tmp_path, *SMALL, "--processes", "2", "--minutes", "0.001", "--out", "run")
    assert ended.returncode == 0 and ended.stderr.count("warning, length: ") == 1
    assert written(tmp_path / "run") == 1


def test_what_another_number_of_processes_changes_is_said(environment: dict[str, str], tmp_path: Path) -> None:
    assert alone(environment, tmp_path, *SMALL, "--steps", "2", "--out", "run").returncode == 0
    words = "sums are ordered differently"
    for step, more, said in (("3", [], False), ("4", ["--processes", "2"], True), ("5", ["--processes", "2"], False)):
        ended = alone(environment, tmp_path, "train", "run", "--steps", step, *more)
        assert ended.returncode == 0 and (words in ended.stderr) == said, ended.stderr


def test_a_launch_that_may_be_started_anew_needs_a_folder_to_find_again(torchrun: Torchrun) -> None:
    ended = torchrun(1, "-m", "inkwash", *SMALL, flags=("--max-restarts=1",))
    assert ended.code != 0 and "give --out FOLDER" in ended.err


def test_all_end_after_the_same_step_when_one_is_asked_to(environment: dict[str, str], tmp_path: Path) -> None:
    asked = [*SMALL, "--out", "run", "--steps", "100000", "--checkpoint-every", "50 steps", "--processes", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "inkwash", *asked], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as run:
        wait_for(lambda: written(tmp_path / "run") > 0, run)
        os.kill(children(run.pid)[0], signal.SIGTERM)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "stopped and saved at step" in said and "Traceback" not in said
    again = alone(
        environment, tmp_path, "train", "run", "--steps", str(written(tmp_path / "run") + 5), "--processes", "3"
    )
    assert again.returncode == 0 and "resuming run from step" in again.stderr


def written(run: Path) -> int:
    """The step of the latest checkpoint, 0 while there is none."""
    latest = run / "checkpoints/latest.safetensors"
    return int(checkpoints.header(latest)["progress"]["step"]) if latest.is_file() else 0


def wait_for(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + 60
    while not true():
        assert process.poll() is None and time.monotonic() < give_up
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The worker processes of a launcher, in the order of their start."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(told["PPid"]) == pid and b"inkwash" in command:
            found.append(int(status.parent.name))
    return sorted(found)
