"""Faults of the machine cost nothing but time: python benchmarks/faults.py.

A short run on the bundled digits meets a disk that fills up, a folder that becomes read-only, a clock that jumps, and a
gradient that is not finite. Each time it must end in one line with every checkpoint whole, and once the fault is mended
go on to the very bytes of a run that nobody disturbed. The disks are tmpfs in a mount namespace of this process alone.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cyclopts import App
from survive import OFTEN, RUN, differing, step, unreadable

ROOT = Path(__file__).parent.parent
PAGE = 4096
NAMESPACE = ["unshare", "-m"] if hasattr(os, "getuid") and os.getuid() == 0 else ["unshare", "-Urm"]
BEGIN = ["train", "digits", *RUN, *OFTEN, "--quiet"]
DRAW = ["sample", "moons", "-n", "2500", "--steps", "1", "--batch", "500", "--quiet", "-o"]
POISON = """
import os, torch
from inkwash.ranks import Ranks
where, number, rank, value = os.environ["POISON"].split()
clip, backward, calls = torch.nn.utils.clip_grad_norm_, Ranks.backward, []

def due():
    calls.append(0)
    return len(calls) == int(number) and os.environ.get("RANK", "0") == rank

def clipped(parameters, *rest):
    if where == "summed" and due():
        parameters[-1].grad.view(-1)[0] = float(value)
    return clip(parameters, *rest)

def poisoned(self, loss):
    backward(self, loss * float(value) if where == "own" and due() else loss)

torch.nn.utils.clip_grad_norm_, Ranks.backward = clipped, poisoned
"""
CLOCK = """
import time
begun, plain = time.perf_counter(), time.time

def jumping():
    # a day ahead after two seconds, a year back after three
    passed = time.perf_counter() - begun
    return plain() + (0 if passed < 2 else 86400 if passed < 3 else -365 * 86400)

time.time, time.time_ns = jumping, lambda: int(jumping() * 1e9)
"""
app = App()


class HarmedError(Exception):
    """A fault cost more than time."""


@app.default
def main(turns: int = 20, steps: int = 300, only: str = "", seed: int = 0) -> int:
    """Meet each fault whose name holds `only`; the disk fills up so many times (`turns`), after a random moment."""
    if "INKWASH_OWN_MOUNTS" not in os.environ:
        os.environ["INKWASH_OWN_MOUNTS"] = "yes"
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, *sys.argv])
    faults = {
        "full disk, training": lambda place: full_while_training(place, turns, steps, random.Random(seed)),
        "full disk, drawing": full_while_drawing,
        "read-only, training": lambda place: read_only_while_training(place, steps),
        "read-only, at the start": read_only_at_the_start,
        "clock": lambda place: clock(place, 2 * steps),
        "not finite": lambda place: not_finite(place, steps),
    }
    failures = 0
    with TemporaryDirectory() as place:
        os.environ["INKWASH_CACHE"] = f"{place}/cache"
        for name, fault in faults.items():
            if only in name:
                (Path(place) / name).mkdir()
                try:
                    print(f"{name}: {fault(Path(place) / name)}", flush=True)
                except HarmedError as error:
                    failures += 1
                    print(f"{name}: FAILED: {error}", flush=True)
    return int(failures > 0)


def inkwash(place: Path, *words: object, **environment: str) -> tuple[int, list[str]]:
    """Run the command in the folder `place` and return its exit code and the lines that it said."""
    path = os.pathsep.join(each for each in (environment.pop("FIRST", ""), str(ROOT)) if each)
    given = os.environ | environment | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "inkwash", *map(str, words)]
    done = subprocess.run(command, cwd=place, env=given, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stderr.splitlines()


def require_one_line(outcome: tuple[int, list[str]], words: str, codes: tuple[int, ...] = (1,)) -> str:
    code, lines = outcome
    if code not in codes or len(lines) != 1 or words not in lines[0] or "unexpected" in lines[0]:
        raise HarmedError(f"left with {code}, saying {lines}")
    return lines[0]


def require_whole(run: Path) -> None:
    broken = unreadable(run)
    if broken:
        raise HarmedError(broken[0])


def require_same(calm: Path, hit: Path) -> None:
    apart = differing(calm, hit)
    if apart != "none":
        raise HarmedError(f"differing from the undisturbed run: {apart}")


def undisturbed(place: Path, steps: int) -> Path:
    """Return the folder of the run that nothing happens to."""
    if inkwash(place, *BEGIN, "--steps", steps, "--out", "calm")[0]:
        raise HarmedError("the undisturbed run failed")
    return place / "calm"


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
    calm, named, ended = undisturbed(place, steps), Counter[str](), 0
    size = 2 * sum(file.stat().st_size for file in calm.rglob("*") if file.is_file())
    for turn in range(turns):
        with disk(place / f"disk{turn}", size) as small:
            words = [*BEGIN, "--steps", str(steps), "--out", "hit"]
            moment = chance.randrange(steps)
            with begun(small, words) as run:
                while run.poll() is None and step(small / "hit") < moment - 20:
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


@contextmanager
def begun(place: Path, words: list[str]):
    """Start the command in the folder `place`."""
    given = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "inkwash", *words]
    with subprocess.Popen(command, cwd=place, env=given, stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


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


def clock(place: Path, steps: int) -> str:
    import json

    calm = undisturbed(place, steps)
    (place / "jumping").mkdir()
    (place / "jumping" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    words = [*BEGIN, "--steps", steps, "--out", "hit"]
    code, lines = inkwash(place, *words, FIRST=str(place / "jumping"))
    if code:
        raise HarmedError(f"left with {code}, saying {lines}")
    require_same(calm, place / "hit")
    # once more in two sessions, of which the files of the first lie in the future
    with begun(place, [*BEGIN, "--steps", str(steps), "--out", "twice"]) as going:
        while step(place / "twice") < steps // 2 and going.poll() is None:
            time.sleep(0.01)
        going.kill()
    later = time.time() + 86400
    for file in (place / "twice").rglob("*"):
        os.utime(file, (later, later))
    code, lines = inkwash(place, "train", "twice", "--quiet", FIRST=str(place / "jumping"))
    if code:
        raise HarmedError(f"left with {code}, saying {lines}")
    require_same(calm, place / "twice")
    for run in ("hit", "twice"):
        rows = [json.loads(line) for line in (place / run / "metrics.jsonl").read_text().splitlines()]
        seconds = [row["seconds"] for row in rows if "seconds" in row]
        told = [each["seconds"] for each in json.loads((place / run / "environment.json").read_text())]
        if seconds != sorted(seconds) or min(seconds) < 0 or min(each or 0 for each in told) < 0:
            raise HarmedError(f"{run} has seconds that go backwards: {seconds}, {told}")
    return "a day ahead and a year back by a patched time.time, and files of tomorrow: same bytes, seconds only grow"


def not_finite(place: Path, steps: int) -> str:
    (place / "poison.py").write_text(POISON, encoding="utf-8")
    slowest = 0.0
    for processes, rank in ((1, 0), (2, 0), (2, 1)):
        calm = f"calm{processes}"
        together = ["--processes", str(processes)] if processes > 1 else []
        if not (place / calm).exists() and inkwash(place, *BEGIN, *together, "--steps", steps, "--out", calm)[0]:
            raise HarmedError("the undisturbed run failed")
        for where in ("own", "summed"):
            for value in ("nan", "inf"):
                name = f"hit-{processes}-{rank}-{where}-{value}"
                poison = f"{where} {steps // 2 + 7} {rank} {value}"
                words = [*BEGIN, *together, "--steps", steps, "--out", name, "--with", "poison.py"]
                since = time.perf_counter()
                require_one_line(inkwash(place, *words, POISON=poison), f"not finite at step {steps // 2 + 7}")
                slowest = max(slowest, time.perf_counter() - since)
                require_whole(place / name)
                if not 0 < step(place / name) < steps // 2 + 7:
                    raise HarmedError(f"{name} kept step {step(place / name)}")
                if inkwash(place, "train", name, "--quiet", *together)[0]:
                    raise HarmedError("the run did not go on")
                require_same(place / calm, place / name)
    return f"12 runs, 8 of them in 2 processes: one line each, all ended within {slowest:.0f} s; gone on: same bytes"


if __name__ == "__main__":
    sys.exit(app())
