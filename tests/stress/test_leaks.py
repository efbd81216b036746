"""Training and sampling in turn in one process: open files, threads, tensors and memory do not grow."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from command import run

MAX_GROWTH = 0.1
LARGE_EVERY = 2
"""The interval of turns that sample more images than fit into one chunk."""


class Resources(NamedTuple):
    """Open files, threads and tensors of this process."""

    files: int
    threads: int
    tensors: int


def turns(count: int, steps: int = 2) -> Iterator[None]:
    """Resume a run and sample from it, `count` times."""
    often = ["--set", f'training.milestones=["every {LARGE_EVERY * steps} steps"]', "--keep", "2", "--quiet"]
    assert run(["train", "digits", "--steps", str(steps), *often, "--out", "run"]) == 0
    for turn in range(2, count + 2):
        assert run(["train", "run", "--steps", str(turn * steps), "--quiet"]) == 0
        assert run(["sample", "run", "-n", "16", "--quiet", "-o", "images.png"]) == 0
        if turn % LARGE_EVERY == 0:
            words = ["-n", "1200", "--sampler", "ddim:2", "--quiet", "-o", "arrays.npz"]
            assert run(["sample", "run", *words]) == 0
        for name in ("images.png", "arrays.npz"):
            Path(name).unlink(missing_ok=True)
        yield


def resources() -> Resources:
    gc.collect()
    tensors = sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
    return Resources(len(list(Path("/proc/self/fd").iterdir())), int(status("Threads")), tensors)


def status(field: str) -> str:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{field}:"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the resources of a process are read from /proc")
def test_resources_do_not_grow(long: bool) -> None:
    count = 600 if long else 4
    found = [(resources(), int(status("VmRSS"))) for _ in turns(count)]
    # what is made once is made in the first third; only turns of one kind are compared
    settled, last = found[(count // 3 // LARGE_EVERY) * LARGE_EVERY], found[-(LARGE_EVERY)]
    assert last[0] == settled[0]
    if long:
        assert last[1] < (1 + MAX_GROWTH) * settled[1]
