"""The lab in several processes: the same results as in one, and resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
OWN = Path(__file__).with_name("more_steps.py")


@pytest.fixture
def command(built: SimpleNamespace) -> list[str]:
    arguments = ["lab", "more-steps", "--with", str(OWN), "--data", built.data, "-n", "450"]
    return [sys.executable, "-m", "inkwash", *arguments]


@pytest.fixture
def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_several_processes_give_the_results_of_one(command: list[str], environment: dict[str, str]) -> None:
    for out, more in (("one", []), ("two", ["--processes", "2"])):
        done = subprocess.run(
            [*command, "--out", out, *more], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        # only the main process prints
        assert done.stderr.count("training takes about") == 1 and done.stderr.count("card: ") == 1
    one, two = (json.loads(Path(out, "results.json").read_text()) for out in ("one", "two"))
    assert one["verdict"]["outcome"] == two["verdict"]["outcome"]
    for first, second in zip(one["arms"], two["arms"], strict=True):
        values = [{score["key"]: score["value"] for score in arm["scores"]} for arm in (first, second)]
        assert values[0].keys() == values[1].keys()
        assert values[0]["images"] == values[1]["images"] == 64
        # the order of sums differs, and so does the rounding of weights and pixels
        assert values[1]["fd.c"] == pytest.approx(values[0]["fd.c"], rel=1e-2)
    session = json.loads(Path("two/runs/simple-unet/environment.json").read_text())[0]
    assert session["processes"] == 2


@pytest.mark.slow
def test_interrupted_processes_save_and_one_process_resumes(command: list[str], environment: dict[str, str]) -> None:
    arguments = [*command, "--out", "out", "--length", "100000 epochs"]
    latest = Path("out/runs/simple-unet/checkpoints/latest.safetensors")
    with subprocess.Popen([*arguments, "--processes", "2"], env=environment, stderr=subprocess.PIPE, text=True) as lab:
        deadline = time.monotonic() + 90
        while not latest.is_file():
            assert lab.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        lab.send_signal(signal.SIGINT)
        _, messages = lab.communicate(timeout=60)
    assert lab.returncode == 130
    assert (
        messages.count("stopped; finished parts are kept") == 1
        and "Traceback" not in messages
        and "signal" not in messages
    )
    with subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True) as lab:
        assert lab.stderr is not None
        try:
            lines = iter(lab.stderr.readline, "")
            assert any("resuming out/runs/simple-unet from step" in line for line in lines)
        finally:
            lab.kill()
