"""Sampling by several processes gives the images of one process, in the same order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


def sample(environment: dict[str, str], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inkwash", "sample", "digits", "-n", "2100", "--steps", "2", *more]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
def test_samples_of_processes_equal_those_of_one_process(environment: dict[str, str], tmp_path: Path) -> None:
    assert sample(environment, tmp_path, "-o", "one.npz", "--quiet").returncode == 0
    shared = sample(environment, tmp_path, "-o", "all.npz", "--processes", "3")
    assert shared.returncode == 0, shared.stderr
    assert shared.stderr.count("2,100 from digits") == 1
    with np.load(tmp_path / "one.npz") as one, np.load(tmp_path / "all.npz") as together:
        assert one.files == together.files
        assert all((one[name] == together[name]).all() for name in one.files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.npz", "one.npz"]


@pytest.mark.slow
def test_refused_sampling_prints_one_error(environment: dict[str, str], tmp_path: Path) -> None:
    for more, cause in ((["-o", "grid.png"], "NAME.npz"), (["-o", "a.npz", "--eta", "7"], "eta")):
        refused = sample(environment, tmp_path, *more, "--processes", "2")
        assert refused.returncode == 2 and cause in refused.stderr
        assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert list(tmp_path.iterdir()) == []
