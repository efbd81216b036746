"""Ctrl-C in a real process: the run saves, leaves with 130, and goes on to the same weights as one never stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

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
def test_ctrl_c_saves_and_the_run_goes_on_exactly(tmp_path, inkwash):
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
        assert json.loads(running.stdout.readline())["event"] == "step"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "Traceback" not in said

    latest = "run/checkpoints/latest.safetensors"
    step = checkpoints.load(latest).header["progress"]["step"]
    assert step >= 1
    shown = inkwash("train", "run", "--steps", step + 2)
    assert shown.code == 0 and f"from step {step:,}" in shown.err
    assert inkwash("sample", "run", "-n", "2", "-o", "x.npz").code == 0


def test_ctrl_c_in_this_process_says_how_to_go_on(runs, copied, inkwash, monkeypatch):
    """The signal comes after the first step; the run stops there, saves, and names the command."""
    from inkwash.training import trainer

    def interrupted(*arguments):
        for event in steps(*arguments):
            signal.raise_signal(signal.SIGINT)
            yield event

    # a shell that runs the tests in the background has them ignore the signal
    before = signal.getsignal(signal.SIGINT)
    run, steps = copied(runs.plain), trainer.steps
    with monkeypatch.context() as patched:
        patched.setattr(trainer, "steps", interrupted)
        outcome = inkwash("train", run, "--steps", "9")
    assert outcome.code == 130
    assert f"saved at step 7; resume with: inkwash train {run}" in outcome.err
    assert inkwash("train", run, "-q").code == 0
    whole = copied_whole(runs.plain, inkwash)
    assert weights(run) == weights(whole)
    assert signal.getsignal(signal.SIGINT) is before


def copied_whole(run, inkwash):
    """A copy of the run that goes to step 9 without a stop."""
    import shutil
    from pathlib import Path

    shutil.copytree(run, "whole")
    assert inkwash("train", "whole", "--steps", "9", "-q").code == 0
    return Path("whole")


def weights(run):
    """The hash of all tensors of the latest checkpoint: network, average and optimiser."""
    return checkpoints.digest(checkpoints.load(run / "checkpoints/latest.safetensors").tensors)
