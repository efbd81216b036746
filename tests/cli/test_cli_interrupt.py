"""Ctrl-C during training: the run is saved, exits with 130, and resumes to the weights of an uninterrupted one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outcome import CopyRun, Inkwash, Runs

from inkwash.io import checkpoints

TINY = [
    "--set",
    "network.width=8",
    "--set",
    "network.depth=1",
    "--set",
    "training.batch=8",
    "--set",
    "sampling.preview=ddim:1",
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to another process")
def test_ctrl_c_in_another_process_saves_the_run(tmp_path: Path, inkwash: Inkwash) -> None:
    command = [sys.executable, "-m", "inkwash", "train", "moons", *TINY, "--steps", "999999", "--out", "run", "--json"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["event"] == "step"
        running.send_signal(signal.SIGINT)
        _, printed = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "Traceback" not in printed

    latest = "run/checkpoints/latest.safetensors"
    step = checkpoints.load(latest).header["progress"]["step"]
    assert step >= 1
    resumed = inkwash("train", "run", "--steps", step + 2)
    assert resumed.code == 0 and f"from step {step:,}" in resumed.err
    assert inkwash("sample", "run", "-n", "2", "-o", "x.npz").code == 0


def test_ctrl_c_prints_the_command_that_resumes_exactly(
    runs: Runs, copied: CopyRun, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inkwash.training.trainer import Trainer

    def interrupted(*arguments: Any) -> Iterator[Any]:
        for event in steps(*arguments):
            signal.raise_signal(signal.SIGINT)
            yield event

    # a shell that runs the tests in the background makes them ignore the signal
    before = signal.getsignal(signal.SIGINT)
    run, steps = copied(runs.plain), Trainer.steps
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "steps", interrupted)
        outcome = inkwash("train", run, "--steps", "9")
    assert outcome.code == 130
    assert f"saved at step 7; resume with: inkwash train {run}" in outcome.err
    assert inkwash("train", run, "-q").code == 0
    shutil.copytree(runs.plain, "uninterrupted")
    assert inkwash("train", "uninterrupted", "--steps", "9", "-q").code == 0
    assert weights(run) == weights(Path("uninterrupted"))
    assert signal.getsignal(signal.SIGINT) is before


def weights(run: Path) -> str:
    """Return the hash of all tensors of the latest checkpoint: network, EMA and optimizer."""
    return checkpoints.weights_digest(checkpoints.load(run / "checkpoints/latest.safetensors").tensors)
