"""Faults of the machine cost nothing but time: benchmarks/faults.py at full length, here once each.

What needs a disk of its own is skipped where a process may not mount one for itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inkwash.data import Dataset
from inkwash.errors import InkwashError
from inkwash.io import checkpoints
from inkwash.runs import run as run_module
from inkwash.runs.resume import resume
from inkwash.runs.run import Run

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAMESPACE = ["unshare", "-m"] if hasattr(os, "getuid") and os.getuid() == 0 else ["unshare", "-Urm"]


def may_mount() -> bool:
    try:
        mount = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(mount, capture_output=True, check=False, timeout=10).returncode == 0
    except OSError:
        return False


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots are drawn, and tested, elsewhere."""
    monkeypatch.setattr(run_module, "write_record", lambda *_: None)


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk for itself")
def test_a_disk_that_fills_up_loses_nothing_but_time() -> None:
    fault = "full disk, training"
    command = [sys.executable, str(BENCHMARKS / "faults.py"), "--turns", "1", "--steps", "30", "--only", fault]
    given = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{fault}: ") and "same bytes" in done.stdout


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_ends_the_run_before_it_is_taken_in(
    value: float, begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, hit = (begun(name, "training.checkpoint_every='1 step'") for name in ("calm", "hit"))
    list(calm.events())
    plain, calls = torch.nn.utils.clip_grad_norm_, []

    def poisoned(parameters: Any, *rest: Any) -> Any:
        calls.append(0)
        if len(calls) == 4:
            parameters[-1].grad.view(-1)[0] = value
        return plain(parameters, *rest)

    with monkeypatch.context() as fault:
        fault.setattr(torch.nn.utils, "clip_grad_norm_", poisoned)
        with pytest.raises(InkwashError, match="not finite at step 4: the last checkpoint is kept"):
            list(hit.events())
    kept = checkpoints.load(hit.folder.latest)
    assert kept.header["progress"]["step"] == 3
    assert all(torch.isfinite(number).all() for number in kept.tensors.values() if number.is_floating_point())
    list(resume(hit.folder.path, digits).events())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()


@pytest.mark.usefixtures("bare")
def test_a_clock_that_jumps_changes_nothing(
    begun: Callable[..., Run], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, hit = begun("calm"), begun("hit")
    list(calm.events())
    plain, jumps = time.time, iter([0, 86400, -365 * 86400] * 1000)
    monkeypatch.setattr(time, "time", lambda: plain() + next(jumps))
    for event in hit.events():
        if getattr(event, "number", 0) == 4:
            hit.trainer.stop()
    for file in hit.folder.path.rglob("*"):
        os.utime(file, (plain() + 86400,) * 2)
    list(resume(hit.folder.path, digits).events())
    assert hit.folder.latest.read_bytes() == calm.folder.latest.read_bytes()
    seconds = [row["seconds"] for row in hit.folder.rows() if "seconds" in row]
    assert seconds == sorted(seconds) and min(seconds) >= 0
    assert all(session["seconds"] >= 0 for session in hit.folder.sessions())


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk for itself")
@pytest.mark.parametrize(
    ("fault", "words"),
    [("true", "No space left on device"), ("mount -o remount,ro .", "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_file_that_cannot_be_written_leaves_the_one_before(fault: str, words: str, tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; from inkwash.io.atomic import write_text\n"
        "from inkwash.errors import InkwashError\n"
        "write_text('kept', 'a' * 5000)\n"
        "os.system(os.environ['FAULT'])\n"
        "try: write_text('kept', 'b' * 500_000)\n"
        "except InkwashError as error: print(error)\n"
        "print(sorted(path.name for path in Path().iterdir()), len(Path('kept').read_text()))"
    )
    (tmp_path / "disk").mkdir()
    shell = f'mount -t tmpfs -o size=64k tmpfs disk && cd disk && exec {sys.executable} -c "$0"'
    given = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent), "FAULT": fault}
    command = [*NAMESPACE, "sh", "-c", shell, program]
    done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=True, timeout=60)
    said, left = done.stdout.splitlines()
    assert said.startswith(f"cannot write kept: {words}") and left == "['kept'] 5000"
