"""A run that is killed at random moments resumes to the bits of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fault_injection import (
    TRAIN,
    assert_same_checkpoint,
    assert_valid_checkpoints,
    environment,
    inkwash,
    started,
    step,
    undisturbed,
)

MAX_DELAY = 0.6
"""Seconds after the first step of a session, or after a checkpoint, within which a process is killed."""


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(long: bool) -> None:
    kills, steps = (100, 1200) if long else (3, 60)
    chance, hit = random.Random(0), Path("hit")
    for _ in range(kills):
        words = ["train", hit] if (hit / "recipe.toml").is_file() else [*TRAIN[:-1], "--steps", steps, "--out", hit]
        with started(*words, "--json") as run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(chance.uniform(0, MAX_DELAY))
            run.kill()
        assert_valid_checkpoints(hit)
    inkwash("train", hit, "--quiet")
    assert step(hit) == steps
    assert_same_checkpoint(undisturbed(steps), hit)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the workers of torchrun are found in /proc")
def test_workers_killed_under_torchrun_are_restarted_to_the_same_bits(long: bool) -> None:
    kills, steps = (10, 400) if long else (1, 60)
    chance, hit = random.Random(0), Path("hit")
    assert subprocess.run(torchrun(0, steps, "undisturbed"), env=environment(), check=False).returncode == 0
    with subprocess.Popen(torchrun(kills, steps, "hit"), env=environment(), stderr=subprocess.DEVNULL) as agent:
        for _ in range(kills):
            before = step(hit)
            while step(hit) <= before and agent.poll() is None:
                time.sleep(0.05)
            time.sleep(chance.uniform(0, MAX_DELAY))
            if workers := workers_of(agent.pid):
                os.kill(chance.choice(workers), signal.SIGKILL)
    assert agent.returncode == 0
    assert_same_checkpoint(Path("undisturbed"), hit)


def torchrun(restarts: int, steps: int, out: str) -> list[str]:
    """Return the command that trains in two processes, restarted up to `restarts` times."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", f"--max-restarts={restarts}"]
    return [sys.executable, "-m", *launcher, "-m", "inkwash", *TRAIN, "--steps", str(steps), "--out", out]


def workers_of(pid: int) -> list[int]:
    """Return the inkwash processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"inkwash" in stat.with_name("cmdline").read_bytes():
                found.append(int(stat.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    return found
