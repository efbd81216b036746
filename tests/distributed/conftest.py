"""Fixtures that run programs in several processes with torchrun, one thread each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import inkwash

LONGEST = 120
"""Timeout of a launch in seconds."""


class Ended(NamedTuple):
    """The exit code of a launch, and the output of the launcher and its processes."""

    code: int
    out: str
    err: str


@pytest.fixture
def environment() -> dict[str, str]:
    """Environment variables of processes that import the same inkwash as the tests, with one thread."""
    return os.environ | {
        "PYTHONPATH": str(Path(inkwash.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def torchrun(tmp_path: Path, environment: dict[str, str]) -> Callable[..., Ended]:
    """`torchrun(2, "-m", "inkwash", "train", …)` runs that in two processes, in a folder of the test."""

    def run(count: int, *arguments: object, flags: tuple[str, ...] = ()) -> Ended:
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", *flags]
        done = subprocess.run(
            [*launcher, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def program(tmp_path: Path, torchrun: Callable[..., Ended]) -> Callable[..., list[Any]]:
    """`program(3, code)` runs `code` in three processes and returns the value that each passed to `report`, by rank."""

    def run(count: int, code: str) -> list[Any]:
        head = "import json, sys\nfrom pathlib import Path\nimport torch\nfrom inkwash.distributed import torchrun\n"
        head += 'def report(group, value): Path(f"{group.rank}.json").write_text(json.dumps(value))\n'
        (tmp_path / "program.py").write_text(head + code)
        ended = torchrun(count, "program.py")
        assert ended.code == 0, ended.err
        return [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(count)]

    return run
