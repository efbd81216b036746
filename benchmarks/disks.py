"""Disks that fill up and folders that become read-only, as tmpfs and bind mounts of this process alone."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from ordeals import (
    BEGIN,
    HarmedError,
    begun,
    inkwash,
    require_one_line,
    require_same,
    require_whole,
    undisturbed,
)
from survive import step

PAGE = 4096
DRAW = ["sample", "moons", "-n", "2500", "--steps", "1", "--batch", "500", "--quiet", "-o"]


@contextmanager
def disk(place: Path, size: int):
    """Mount an empty tmpfs of `size` bytes at `place`."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path, left: int = 0) -> Path:
    """Leave `left` pages of the disk at `place`, and return the file that has the others."""
    ballast = place / "ballast"
    free = shutil.disk_usage(place).free
    ballast.write_bytes(b"x" * max(0, free - left * PAGE))
    return ballast


def full_while_training(place: Path, turns: int, steps: int, chance: random.Random) -> str:
    named, ended = Counter[str](), 0
    # where checkpoints are rare it is the metrics and the pictures that find the disk full
    rhythms = {rhythm: [rhythm if word == "2 steps" else word for word in BEGIN] for rhythm in ("2 steps", "999 steps")}
    calms = {rhythm: undisturbed(place, steps, begin, rhythm) for rhythm, begin in rhythms.items()}
    size = 2 * sum(file.stat().st_size for file in calms["2 steps"].rglob("*") if file.is_file())
    for turn in range(turns):
        with disk(place / f"disk{turn}", size) as small:
            rhythm = list(rhythms)[turn % 2]
            calm, words = calms[rhythm], [*rhythms[rhythm], "--steps", str(steps), "--out", "hit"]
            lines = chance.randrange(1, _lines(calm))
            with begun(small, words) as run:
                while run.poll() is None and _lines(small / "hit") < lines:
                    time.sleep(0.01)
                ballast = fill(small, chance.choice([0, 0, 1, 2, 4, 8, 16, 64]))
                outcome = run.wait(120), run.stderr.read().splitlines()
            if outcome[0] == 0:
                ended += 1
            else:
                line = require_one_line(outcome, "")
                named[kind(line)] += 1
            require_whole(small / "hit")
            ballast.unlink()
            if outcome[0] and inkwash(small, "train", "hit", "--quiet")[0]:
                raise HarmedError("the run did not go on")
            require_same(calm, small / "hit")
    told = ", ".join(f"{count} {name}" for name, count in named.most_common())
    return f"{turns} runs, one line each ({told}; {ended} ended first), no unreadable file; gone on: same bytes"


def _lines(run: Path) -> int:
    metrics = run / "metrics.jsonl"
    return metrics.read_bytes().count(b"\n") if metrics.is_file() else 0


def kind(line: str) -> str:
    """Return which file a line complains of."""
    kinds = {
        ".safetensors": "a checkpoint",
        ".png": "a picture",
        "metrics": "the metrics",
        "environment": "the session",
    }
    return next((name for part, name in kinds.items() if part in line.split(":")[1]), line)


def full_while_drawing(place: Path) -> str:
    calm = inkwash(place, *DRAW, "calm.npz")
    if calm[0]:
        raise HarmedError(f"the undisturbed draw failed: {calm[1]}")
    with disk(place / "disk", 1 << 20) as small:
        for left in (0, 1, 3, 6):
            shutil.rmtree(small / "hit.npz.parts", ignore_errors=True)
            ballast = fill(small, left)
            require_one_line(inkwash(small, *DRAW, "hit.npz"), "cannot write")
            if (small / "hit.npz").exists():
                raise HarmedError("half a file was left")
            ballast.unlink()
        if inkwash(small, *DRAW, "hit.npz", "--continue")[0]:
            raise HarmedError("the draw did not go on")
        if (small / "hit.npz").read_bytes() != (place / "calm.npz").read_bytes():
            raise HarmedError("the draw that went on is not the undisturbed one")
    return "4 draws, one line each, nothing half-written; --continue: the same file, byte for byte"


def read_only_while_training(place: Path, steps: int) -> str:
    calm, run = undisturbed(place, steps), place / "hit"
    with begun(place, [*BEGIN, "--steps", str(steps), "--out", "hit"]) as going:
        while step(run) < steps // 3 and going.poll() is None:
            time.sleep(0.01)
        subprocess.run(["mount", "--bind", run, run], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", run], check=True)
        outcome = going.wait(120), going.stderr.read().splitlines()
    line = require_one_line(outcome, "Read-only file system")
    require_whole(run)
    refused = require_one_line(inkwash(place, "train", "hit", "--quiet"), "Read-only file system")
    subprocess.run(["umount", "-l", run], check=True)
    if inkwash(place, "train", "hit", "--quiet")[0]:
        raise HarmedError("the run did not go on")
    require_same(calm, run)
    return f"in the middle: '{line[:60]}…', gone on while it lasts: '{refused[:60]}…', afterwards: same bytes"


def read_only_at_the_start(place: Path) -> str:
    with disk(place / "disk", 1 << 20) as fixed:
        subprocess.run(["mount", "-o", "remount,ro", fixed], check=True)
        require_one_line(inkwash(fixed, *BEGIN, "--steps", 9, "--out", "run"), "", (1, 2))
        for target in ("x.npz", "x.png", "folder"):
            require_one_line(inkwash(fixed, "sample", "moons", "-n", 9, "--steps", 1, "-o", target), "", (1, 2))
        words = ["evaluate", "moons", "-n", "200", "--sampler", "ddim:2", "--quiet", "--data", "moons"]
        code, lines = inkwash(place, *words, INKWASH_CACHE=f"{fixed}/cache")
        if code or len(lines) > 1:
            raise HarmedError(f"evaluate left with {code}, saying {lines}")
    return f"train and sample refuse in one line; evaluate without a cache goes on and says: '{lines[0][:70]}…'"
