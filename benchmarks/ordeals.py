"""What a run that meets a fault has to stand: one line, whole checkpoints, and the bytes of an undisturbed run."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from survive import OFTEN, RUN, differing, unreadable

ROOT = Path(__file__).parent.parent
BEGIN = ["train", "digits", *RUN, *OFTEN, "--quiet"]


class HarmedError(Exception):
    """A fault cost more than time."""


def inkwash(place: Path, *words: object, **environment: str) -> tuple[int, list[str]]:
    """Run the command in the folder `place` and return its exit code and the lines that it said."""
    path = os.pathsep.join(each for each in (environment.pop("FIRST", ""), str(ROOT / "src")) if each)
    given = os.environ | environment | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "inkwash", *map(str, words)]
    done = subprocess.run(command, cwd=place, env=given, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, done.stderr.splitlines()


@contextmanager
def begun(place: Path, words: list[str]):
    """Start the command in the folder `place`."""
    given = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "inkwash", *words]
    with subprocess.Popen(command, cwd=place, env=given, stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def require_one_line(outcome: tuple[int, list[str]], words: str, codes: tuple[int, ...] = (1,)) -> str:
    code, lines = outcome
    if code not in codes or len(lines) != 1 or words not in lines[0] or "inkwash: unexpected" in lines[0]:
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


def undisturbed(place: Path, steps: int, begin: list[str] = BEGIN, name: str = "calm") -> Path:
    """Return the folder of the run that nothing happens to."""
    if inkwash(place, *begin, "--steps", steps, "--out", name)[0]:
        raise HarmedError("the undisturbed run failed")
    return place / name
