"""Thousands of requests that nobody would make, in one process, and some of them as processes: nothing may break.

    python benchmarks/fuzz.py --cases 10000 --processes 200

Each request (benchmarks/wild.py) runs in a folder with a run, data, pictures and files of the user's own, under a limit of
memory and of time. It must end with exit code 0, 1 or 2, without a traceback or a complaint about inkwash itself, with one
line that says why where the code is not 0, nothing written elsewhere, and nothing of the user's changed.

What is sound would train, draw, build judges or serve for hours. It is stopped where that begins: when so many examples have
gone through a network (`SHORT`, for every tenth request `LONG`, with which small ones come to their end), and before judges
are built, more pixels are written than are held in memory, a server listens for requests, or a
launcher starts processes. Such a request has "begun". The internet is out of reach throughout. The processes are requests
that came to an end by themselves.
"""

from __future__ import annotations

import io
import itertools
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from cyclopts import App
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from sandbox import sandbox
from wild import COMMANDS, WRITTEN, Case, requests

from inkwash import cli
from inkwash.core import NetDenoiser

SHORT, LONG = 40, 1000
PATIENCE = 30.0
TURN, TURNS = 20, 10**6
LONG_WORK = (
    "inkwash.data.memory_map.array",
    "inkwash.metrics.extractor_set.build",
    "torch.distributed.launcher.api.elastic_launch",
    "uvicorn.Server.run",
)
app = App()


class Begun(BaseException):
    """The request was sound, and its long work has begun."""


class Hung(BaseException):
    """The request took longer than a refusal may."""


class Outcome(NamedTuple):
    """How a request ended: its exit code or what it ended with instead, and what it printed."""

    code: int | str
    out: str
    err: str


@dataclass
class Tally:
    """How often requests ended how, by the way that they were made and by command, and how many broke something."""

    counts: Counter[tuple[str, str, int | str]] = field(default_factory=Counter)
    failures: int = 0

    def take(self, way: str, case: Case, outcome: Outcome, found: list[str]) -> None:
        """Count a request, and tell at once what was `found` to be wrong."""
        self.counts[way, command(case), "failed" if found else outcome.code] += 1
        if found:
            said = (outcome.err + outcome.out).strip()[-1500:]
            self.failures += 1
            print(f"FAILED {way}: {shown(case)}\n  {'; '.join(found)}\n  {said}\n", flush=True)

    def __str__(self) -> str:
        lines = []
        for way in dict.fromkeys(way for way, _, _ in self.counts):
            lines.append(f"{way}: {sum(n for (other, _, _), n in self.counts.items() if other == way):,} requests")
            for name in (*COMMANDS, "none"):
                counts = {str(code): n for (w, c, code), n in self.counts.items() if (w, c) == (way, name)}
                lines.append(f"  {name:9}" + "".join(f"{code:>8}: {n:<5,}" for code, n in sorted(counts.items())))
        return "\n".join([*lines, f"{self.failures} failures"])


@app.default
def main(cases: int = 10_000, processes: int = 200, seed: int = 0, verbose: bool = False) -> int:
    """Make so many requests in this process, and so many of them again as processes; `seed` decides which."""
    tally, ended = Tally(), []
    with sandbox() as place:
        for count, case in enumerate(drawn(cases, seed)):
            if verbose:
                print(f"{count}: {shown(case)}", file=sys.stderr, flush=True)
            place.write(case.file)
            outcome = here(case, LONG if count % 10 == 0 else SHORT)
            tally.take("in one process", case, outcome, faults(outcome) + place.restore(outcome.code in (0, "begun")))
            if outcome.code in (0, 1, 2):
                ended.append((case, outcome.code))
        for case, code in ended[:: max(1, len(ended) // max(1, processes))][:processes]:
            place.write(case.file)
            outcome = apart(case)
            found = faults(outcome) + place.restore(outcome.code == 0)
            found += [] if outcome.code == code else [f"exit code {outcome.code}, in one process {code}"]
            tally.take("as a process", case, outcome, found)
    print(tally)
    return 1 if tally.failures else 0


def drawn(count: int, start: int) -> Iterator[Case]:
    """Yield so many different requests, always the same from the same `start`."""
    seen: set[str] = set()
    found: list[Case] = []
    for turn in itertools.count(start * TURNS):
        # of two examples: the first is the simplest there is, and from the third on most vary those before
        @settings(
            max_examples=2, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
        )
        @seeded(turn)
        @given(st.lists(requests(), min_size=TURN, max_size=TURN))
        def look(some: list[Case]) -> None:
            found[:] = some

        look()
        for case in found:
            if repr(case) not in seen:
                seen.add(repr(case))
                yield case
            if len(seen) == count:
                return


def here(case: Case, examples: int) -> Outcome:
    """Return how a request ends in this process, stopped when so many examples went through a network."""

    def hung(number: int, frame: Any) -> None:
        raise Hung

    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors, write_through=True) for errors in ("strict", "backslashreplace")
    )
    signal.signal(signal.SIGALRM, hung)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    code: int | str
    try:
        with stopped(examples) as begun, redirect_stdout(out), redirect_stderr(err):
            code = cli.run(case.words)
    except Begun:
        code = "begun"
    except BaseException as error:
        # what draws by now was no refusal, and may last
        code = "begun" if isinstance(error, Hung) and begun() else f"{type(error).__name__} {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    torch.set_num_threads(1)
    return Outcome(code, *(text.buffer.getvalue().decode("utf-8", "replace") for text in (out, err)))


def apart(case: Case) -> Outcome:
    """Return how a request ends as a process of its own."""
    start = [sys.executable, "-m", "inkwash", *case.words]
    try:
        done = subprocess.run(start, capture_output=True, timeout=4 * PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        return Outcome("Hung", str(error.stdout), str(error.stderr))
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


@contextmanager
def stopped(examples: int) -> Iterator[Callable[[], bool]]:
    """Raise `Begun` where long work would begin, and when so many examples have gone through a network.

    Yields what tells whether any has.
    """
    done, output = 0, NetDenoiser.output

    def counted(self: NetDenoiser, x: torch.Tensor, *more: Any) -> torch.Tensor:
        nonlocal done
        done += len(x)
        if done > examples:
            raise Begun
        return output(self, x, *more)

    with ExitStack() as stack:
        stack.enter_context(patch.object(NetDenoiser, "output", counted))
        stack.enter_context(patch("inkwash.web.catalog.Catalog.warm", lambda self: None))
        for name in LONG_WORK:
            stack.enter_context(patch(name, side_effect=Begun))
        yield lambda: done > 0


def faults(outcome: Outcome) -> list[str]:
    """Return what is wrong with the way a request ended."""
    code, lines = outcome.code, outcome.err.removesuffix("\n").split("\n")
    complaints = [line for line in lines if line.startswith("inkwash: ")]
    found = [] if code in (0, 1, 2, "begun") else [f"ended with {code}"]
    found += ["a traceback"] * ("Traceback" in outcome.err + outcome.out)
    found += ["a complaint about itself"] * any(line.startswith("inkwash: unexpected") for line in complaints)
    found += ["not one complaint at the end"] * (code in (1, 2) and complaints != lines[-1:])
    return found


def command(case: Case) -> str:
    """Return which command a request is for, "none" for none that there is."""
    return case.words[0] if case.words and case.words[0] in COMMANDS else "none"


def shown(case: Case) -> str:
    """Return a request as one would type it, with the recipe file that it finds."""
    line = shlex.join(["inkwash", *case.words])
    return f"{line[:2000]}" + ("" if case.file is None else f"   with {WRITTEN}: {case.file[:3000]!r}")


if __name__ == "__main__":
    # a request can hold what no terminal shows
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(app())
