"""Train and draw in turn, in one process: does memory stay flat, and does any file stay open?

    python benchmarks/soak.py --minutes 60 --data FOLDER 2> drawn.log

Every turn is two or three commands, called as the shell calls them: go on with the run, draw a picture, and every fifth
turn a large draw into arrays. The first third of the time is for what is made once. It fails when memory at the end is more
than a tenth above what it was after that third, or when a file or a thread more is open.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cyclopts import App

from inkwash import cli

GROWTH = 0.1
LARGE = 5
"""Every so many turns there is a draw of more than one part."""
app = App()


class Held(NamedTuple):
    """What the process holds: resident memory in MB, open files, threads."""

    memory: float
    files: int
    threads: int


@app.default
def main(
    minutes: float = 60.0, recipe: str = "fast", data: str | None = None, steps: int = 20, every: float = 60.0
) -> int:
    """Go on for so many `minutes`, with so many `steps` of training a turn, telling what is held `every` so many seconds."""
    given = [] if data is None else ["--data", os.path.abspath(data)]
    settled, last, found = None, 0.0, held()
    with TemporaryDirectory() as place:
        os.chdir(place)
        begun = time.perf_counter()
        for turn in turns(recipe, given, steps):
            passed, found = time.perf_counter() - begun, held()
            if settled is None and passed > 20 * minutes:
                settled = found
                _tell("after a third", turn, passed, found)
            elif passed - last > every:
                last = passed
                _tell("", turn, passed, found)
            if passed > 60 * minutes and settled is not None:
                _tell("at the end", turn, passed, found)
                break
        os.chdir(os.sep)
    assert settled is not None
    grown = found.memory > (1 + GROWTH) * settled.memory, found.files > settled.files, found.threads > settled.threads
    named = [name for name, more in zip(("memory", "open files", "threads"), grown, strict=True) if more]
    print(f"grown after the first third: {', '.join(named) or 'nothing'}")
    return len(named)


def turns(recipe: str, given: list[str], steps: int) -> Iterator[int]:
    """Train and draw in the current folder, yielding the number of the turn after each."""
    often = ["--set", f'training.milestones=["every {LARGE * steps} steps"]', "--keep", "2", "--quiet"]
    _call("train", recipe, *given, "--steps", str(steps), *often, "--out", "run")
    turn = 1
    while True:
        yield turn
        turn += 1
        _call("train", "run", *given, "--steps", str(turn * steps), "--quiet")
        _call("sample", "run", "-n", "16", "-o", "picture.png")
        Path("picture.png").unlink()
        if turn % LARGE == 0:
            _call("sample", "run", "-n", "1200", "--sampler", "ddim:2", "-o", "arrays.npz")
            Path("arrays.npz").unlink()


def held() -> Held:
    """Return what this process holds now; Linux tells it."""
    own = Path("/proc/self")
    fields = dict(line.split(":", 1) for line in (own / "status").read_text(encoding="utf-8").splitlines())
    return Held(int(fields["VmRSS"].split()[0]) / 1024, len(list((own / "fd").iterdir())), int(fields["Threads"]))


def _call(*arguments: str) -> None:
    code = cli.run([*arguments])
    if code:
        sys.exit(f"exit code {code} of: inkwash {' '.join(arguments)}")


def _tell(moment: str, turn: int, seconds: float, found: Held) -> None:
    told = f"{found.memory:,.0f} MB, {found.files} files, {found.threads} threads"
    print(f"{seconds / 60:5.1f} min, turn {turn:,}: {told}{f', {moment}' if moment else ''}", flush=True)


if __name__ == "__main__":
    sys.exit(app())
