"""Two hosts in short: the cable between them is cut, both say so, and the run goes on as if nothing had been."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def has_namespaces() -> bool:
    """Whether this process may make a network namespace; what it makes to see that is gone again."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"inkwash-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made


@pytest.mark.skipif(not has_namespaces(), reason="network namespaces are made by root alone, by the command ip")
def test_a_host_that_is_cut_off_is_told_of_in_time_and_costs_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "hosts.py"), "--steps", "60", "--patience", "5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "differing from the undisturbed run: none" in done.stdout
    assert done.stdout.count("another process of this run is gone or silent") == 2
