"""A full disk, a read-only folder, a clock that jumps and a gradient that is not finite cost nothing but time."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_injection import (
    TRAIN,
    assert_one_line,
    assert_same_checkpoint,
    assert_valid_checkpoints,
    ended,
    inkwash,
    started,
    step,
    undisturbed,
)

PAGE = 4096
SAMPLE = ["sample", "moons", "-n", "2500", "--steps", "1", "--batch", "500", "--quiet", "-o"]
POISON = """
import os, torch
from inkwash.distributed.process_group import ProcessGroup
where, number, rank, value = os.environ["POISON"].split()
clip, backward, calls = torch.nn.utils.clip_grad_norm_, ProcessGroup.backward, []

def due():
    calls.append(0)
    return len(calls) == int(number) and os.environ.get("RANK", "0") == rank

def clipped(parameters, *rest):
    if where == "summed" and due():
        parameters[-1].grad.view(-1)[0] = float(value)
    return clip(parameters, *rest)

def poisoned(self, loss):
    backward(self, loss * float(value) if where == "own" and due() else loss)

torch.nn.utils.clip_grad_norm_, ProcessGroup.backward = clipped, poisoned
"""
JUMPING_CLOCK = """
import time
begun, plain = time.perf_counter(), time.time

def jumping():
    # a day ahead after two seconds, a year back after three
    passed = time.perf_counter() - begun
    return plain() + (0 if passed < 2 else 86400 if passed < 3 else -365 * 86400)

time.time, time.time_ns = jumping, lambda: int(jumping() * 1e9)
"""


def fill(disk: Path, pages_left: int = 0) -> Path:
    """Fill a disk up to so many free pages; return the file that does."""
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * max(0, shutil.disk_usage(disk).free - pages_left * PAGE))
    return ballast


def logged_lines(run: Path) -> int:
    metrics = run / "metrics.jsonl"
    return metrics.read_bytes().count(b"\n") if metrics.is_file() else 0


@pytest.mark.root
@pytest.mark.slow
# with rare checkpoints it is the metrics and the images that meet the full disk
@pytest.mark.parametrize("checkpoints", ["2 steps", "999 steps"])
def test_training_on_a_disk_that_fills_up(checkpoints: str, disk: Callable[[str, int], Path], long: bool) -> None:
    turns, steps = (10, 300) if long else (1, 30)
    words = [checkpoints if word == "2 steps" else word for word in TRAIN]
    calm, chance = undisturbed(steps, words=words), random.Random(0)
    size = 2 * sum(file.stat().st_size for file in calm.rglob("*") if file.is_file())
    for turn in range(turns):
        small = disk(f"disk{turn}", max(size, 1 << 20))
        with started(*words, "--steps", steps, "--out", "hit", folder=small) as run:
            lines = chance.randrange(1, logged_lines(calm))
            while run.poll() is None and logged_lines(small / "hit") < lines:
                time.sleep(0.01)
            ballast = fill(small, chance.choice([0, 0, 1, 2, 4, 8, 16, 64]))
            outcome = ended(run)
        assert_valid_checkpoints(small / "hit")
        ballast.unlink()
        if outcome[0]:
            assert_one_line(outcome)
            assert inkwash("train", "hit", "--quiet", folder=small)[0] == 0
        assert_same_checkpoint(calm, small / "hit")


@pytest.mark.root
@pytest.mark.slow
def test_sampling_onto_a_full_disk(disk: Callable[[str, int], Path]) -> None:
    assert inkwash(*SAMPLE, "calm.npz") == (0, [])
    small = disk("disk", 1 << 20)
    for pages_left in (0, 1, 3, 6):
        shutil.rmtree(small / "hit.npz.parts", ignore_errors=True)
        ballast = fill(small, pages_left)
        assert_one_line(inkwash(*SAMPLE, "hit.npz", folder=small))
        assert not (small / "hit.npz").exists()
        ballast.unlink()
    assert inkwash(*SAMPLE, "hit.npz", "--continue", folder=small)[0] == 0
    assert (small / "hit.npz").read_bytes() == Path("calm.npz").read_bytes()


@pytest.mark.root
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_file_that_cannot_be_written_keeps_its_content(fault: str, disk: Callable[[str, int], Path]) -> None:
    from inkwash.errors import InkwashError
    from inkwash.io.atomic import write_text

    small = disk("disk", 1 << 16)
    write_text(small / "kept", "a" * 5000)
    if fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    with pytest.raises(InkwashError, match=r"cannot write .*kept"):
        write_text(small / "kept", "b" * 500_000)
    assert [path.name for path in small.iterdir()] == ["kept"] and (small / "kept").stat().st_size == 5000


@pytest.mark.root
@pytest.mark.slow
def test_training_in_a_folder_that_becomes_read_only(mount: Callable[..., Path], long: bool) -> None:
    steps = 300 if long else 60
    calm, run = undisturbed(steps), Path("hit").absolute()
    with started(*TRAIN, "--steps", steps, "--out", "hit") as going:
        while step(run) < steps // 3 and going.poll() is None:
            time.sleep(0.01)
        mount(run, "--bind", str(run))
        subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)
        assert_one_line(ended(going))
    assert_valid_checkpoints(run)
    assert_one_line(inkwash("train", "hit", "--quiet"))
    subprocess.run(["mount", "-o", "remount,bind,rw", run], check=True)
    assert inkwash("train", "hit", "--quiet")[0] == 0
    assert_same_checkpoint(calm, run)


@pytest.mark.root
@pytest.mark.slow
def test_commands_in_a_read_only_folder(disk: Callable[[str, int], Path]) -> None:
    fixed = disk("disk", 1 << 20)
    subprocess.run(["mount", "-o", "remount,ro", fixed], check=True)
    assert_one_line(inkwash(*TRAIN, "--steps", 9, "--out", "run", folder=fixed), codes=(1, 2))
    for target in ("x.npz", "x.png", "folder"):
        words = ["sample", "moons", "-n", 9, "--steps", 1, "-o", target]
        assert_one_line(inkwash(*words, folder=fixed), codes=(1, 2))
    # without a cache an evaluation succeeds with a warning
    words = ["evaluate", "moons", "-n", "200", "--sampler", "ddim:2", "--quiet", "--data", "moons"]
    code, lines = inkwash(*words, INKWASH_CACHE=f"{fixed}/cache")
    assert code == 0 and len(lines) <= 1


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_weight(long: bool) -> None:
    steps, patched = 600 if long else 60, Path("patched").absolute()
    calm = undisturbed(steps)
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(JUMPING_CLOCK, encoding="utf-8")
    with started(*TRAIN, "--steps", steps, "--out", "hit") as going:
        while step(Path("hit")) < steps // 2 and going.poll() is None:
            time.sleep(0.01)
    tomorrow = time.time() + 86400
    for file in Path("hit").rglob("*"):
        os.utime(file, (tomorrow, tomorrow))
    assert inkwash("train", "hit", "--quiet", first=patched)[0] == 0
    assert_same_checkpoint(calm, Path("hit"))
    rows = [json.loads(line) for line in Path("hit/metrics.jsonl").read_text().splitlines()]
    seconds = [row["seconds"] for row in rows if "seconds" in row]
    assert seconds == sorted(seconds) and seconds[0] >= 0


CASES = [(1, 0), (2, 0), (2, 1)]
"""Processes, and the rank of the one with the fault."""


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "rank"), CASES)
def test_a_gradient_that_is_not_finite_ends_the_run_before_it_is_applied(processes: int, rank: int, long: bool) -> None:
    steps = 300 if long else 30
    together = ["--processes", str(processes)] if processes > 1 else []
    calm, hit = undisturbed(steps, words=[*TRAIN, *together]), Path("hit")
    Path("poison.py").write_text(POISON, encoding="utf-8")
    for where, value in itertools.product(("own", "summed"), ("nan", "inf") if long else ("nan",)):
        shutil.rmtree(hit, ignore_errors=True)
        fault = steps // 2 + 7
        words = [*TRAIN, *together, "--steps", steps, "--out", hit, "--with", "poison.py"]
        assert_one_line(inkwash(*words, POISON=f"{where} {fault} {rank} {value}"), f"step {fault}")
        assert_valid_checkpoints(hit)
        assert 0 < step(hit) < fault
        assert inkwash("train", hit, "--quiet", *together)[0] == 0
        assert_same_checkpoint(calm, hit)
