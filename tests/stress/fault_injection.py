"""Short runs of the command as processes, and the comparison of a disturbed run with an undisturbed one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

import inkwash as package
from inkwash.io import checkpoints

SOURCE = Path(package.__file__).parents[1]
SMALL = ["--set", "network.widths=[8,16]", "--set", "training.batch=16", "--set", "sampling.preview=ddim:2"]
FREQUENT = ["--checkpoint-every", "2 steps", "--set", 'training.milestones=["every 50 steps"]', "--keep", "2"]
TRAIN = ["train", "digits", *SMALL, *FREQUENT, "--quiet"]

Outcome = tuple[int, list[str]]
"""Exit code and the lines of standard error."""


def environment(first: Path | None = None, **variables: str) -> dict[str, str]:
    """Return the environment of a process that imports this inkwash; modules in `first` take precedence."""
    path = os.pathsep.join(str(each) for each in (first, SOURCE) if each)
    return os.environ | variables | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def inkwash(*words: object, folder: Path | None = None, first: Path | None = None, **variables: str) -> Outcome:
    """Run the command to its end in `folder`, by default the current one."""
    command = [sys.executable, "-m", "inkwash", *map(str, words)]
    given = environment(first, **variables)
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stderr.splitlines()


@contextmanager
def started(*words: object, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start the command in `folder`; it is killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "inkwash", *map(str, words)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def ended(run: subprocess.Popen[str]) -> Outcome:
    """Wait for a started command."""
    _, err = run.communicate(timeout=240)
    return run.returncode, err.splitlines()


def undisturbed(steps: int, name: str = "undisturbed", words: list[str] = TRAIN) -> Path:
    """Return the folder of a run that ended without a fault."""
    assert inkwash(*words, "--steps", steps, "--out", name) == (0, [])
    return Path(name).absolute()


def step(run: Path) -> int:
    """Return the step of the latest checkpoint, 0 where there is none."""
    latest = run / "checkpoints" / "latest.safetensors"
    return int(checkpoints.header(latest)["progress"]["step"]) if latest.is_file() else 0


def assert_one_line(outcome: Outcome, words: str = "", codes: tuple[int, ...] = (1,)) -> None:
    """Assert that a command failed with one line on standard error that contains `words`."""
    code, lines = outcome
    assert code in codes and len(lines) == 1, outcome
    assert words in lines[0] and "inkwash: unexpected" not in lines[0], lines


def assert_valid_checkpoints(run: Path) -> None:
    """Assert that every checkpoint of a run loads with its checksum; an unfinished temporary file does not count."""
    for path in run.glob("checkpoints/[!.]*.safetensors"):
        checkpoints.load(path)


def assert_same_checkpoint(one: Path, other: Path) -> None:
    """Assert that the latest checkpoints of two runs are equal to the last bit."""
    first, second = (checkpoints.load(run / "checkpoints" / "latest.safetensors") for run in (one, other))
    assert first.header == second.header and first.tensors.keys() == second.tensors.keys()
    assert all(torch.equal(value, second.tensors[name]) for name, value in first.tensors.items())
