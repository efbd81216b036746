"""Faults of the machine cost nothing but time: python benchmarks/faults.py.

A short run on the bundled digits meets a disk that fills up, a folder that becomes read-only, a clock that jumps, and a
gradient that is not finite. Each time it must end in one line with every checkpoint whole, and once the fault is mended
go on to the very bytes of a run that nobody disturbed. The disks are tmpfs in a mount namespace of this process alone.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from cyclopts import App
from disks import full_while_drawing, full_while_training, read_only_at_the_start, read_only_while_training
from ordeals import BEGIN, HarmedError, begun, inkwash, require_one_line, require_same, require_whole, undisturbed
from survive import step

NAMESPACE = ["unshare", "-m"] if hasattr(os, "getuid") and os.getuid() == 0 else ["unshare", "-Urm"]
POISON = """
import os, torch
from inkwash.distributed.process_group import ProcessGroup
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


def clock(place: Path, steps: int) -> str:
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
