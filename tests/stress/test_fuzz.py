"""Any command line ends with exit code 0, 1 or 2, an error in one line, and no file of the user changed.

A valid command line would train, sample, build feature extractors or serve for hours. It is stopped where that begins:
when so many examples have gone through a network, before feature extractors are built, more pixels are written than fit
into memory, a server listens, or a launcher starts processes.
"""

from __future__ import annotations

import io
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import command
import pytest
import torch
from fuzz_sandbox import Sandbox, sandbox
from fuzz_strategies import RECIPE_FILE, CommandLine, requests
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from inkwash.core import NetDenoiser

SHORT, COMPLETE = 40, 1000
"""Examples through a network after which a command is stopped; with the second number small ones complete."""

TIMEOUT = 30
LONG_WORK = (
    "inkwash.data.memory_map.create_npy",
    "inkwash.metrics.extractor_set.build",
    "torch.distributed.launcher.api.elastic_launch",
    "uvicorn.Server.run",
)
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="commands are stopped by an alarm signal")


class WorkStartedError(BaseException):
    """The command line was valid and its long work started."""


class TimeoutPassedError(BaseException):
    """The command took longer than a refusal may."""


class Outcome(NamedTuple):
    """The exit code of a command, or the name of what ended it; and what it printed."""

    code: int | str
    out: str
    err: str


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    with sandbox() as made:
        yield made


@pytest.fixture(autouse=True)
def isolated(place: Sandbox) -> None:
    """The folder and environment of every test are those of the sandbox."""


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(requests(), st.sampled_from([SHORT] * 9 + [COMPLETE]))
def test_any_command_line_ends_in_order(place: Sandbox, case: CommandLine, examples: int) -> None:
    place.write(case.file)
    outcome = run_here(case.words, examples)
    harm = place.restore(outcome.code in (0, "work started"))
    note(f"{shlex.join(case.words)[:2000]}, {RECIPE_FILE}: {case.file!r}")
    note(f"{outcome.code}: {(outcome.err + outcome.out)[-1500:]}")
    assert [*problems(outcome), *harm] == []


@pytest.mark.slow
def test_a_process_ends_as_the_command_does_in_this_process(place: Sandbox, long: bool) -> None:
    @settings(max_examples=200 if long else 5)
    @given(requests())
    def check(case: CommandLine) -> None:
        place.write(case.file)
        here = run_here(case.words, SHORT)
        place.restore(True)
        if here.code in (0, 1, 2):
            place.write(case.file)
            command = [sys.executable, "-m", "inkwash", *case.words]
            done = subprocess.run(command, capture_output=True, timeout=4 * TIMEOUT, check=False)
            out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
            assert [*problems(Outcome(done.returncode, out, err)), *place.restore(done.returncode == 0)] == []
            assert done.returncode == here.code

    check()


def test_a_harmful_command_fails_the_check(place: Sandbox) -> None:
    def harmful(words: list[str]) -> int:
        Path("notes.txt").write_text("gone")
        Path("../../strayed").write_text("x")
        print("Traceback\ninkwash: unexpected KeyError: 1", file=sys.stderr)
        return 3

    place.write(None)
    try:
        with patch.object(command, "run", harmful):
            outcome = run_here(["show"], SHORT)
        assert len(problems(outcome)) == 3
        assert {harm.partition(" ")[0] for harm in place.restore(False)} == {"wrote", "changed"}
    finally:
        (place.path.parent.parent / "strayed").unlink()


def run_here(words: list[str], examples: int) -> Outcome:
    """Run a command line in this process, stopped after so many examples or `TIMEOUT` seconds."""

    def passed(number: int, frame: Any) -> None:
        raise TimeoutPassedError

    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace")]
    before = signal.signal(signal.SIGALRM, passed)
    signal.alarm(TIMEOUT)
    sampled: list[int] = []
    code: int | str
    try:
        with long_work_stopped(examples, sampled), redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            code = command.run(list(words))
    except WorkStartedError:
        code = "work started"
    except BaseException as error:
        # A request that samples by now was valid, and may take long.
        code = "work started" if isinstance(error, TimeoutPassedError) and sampled else repr(error)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        torch.set_num_threads(1)
    for stream in streams:
        stream.flush()
    return Outcome(code, *(stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams))


@contextmanager
def long_work_stopped(examples: int, sampled: list[int]) -> Iterator[None]:
    """Raise `WorkStartedError` where long work starts; batches through a network are appended to `sampled`."""
    output = NetDenoiser.output

    def counted(self: NetDenoiser, x: torch.Tensor, *more: Any) -> torch.Tensor:
        sampled.append(len(x))
        if sum(sampled) > examples:
            raise WorkStartedError
        return output(self, x, *more)

    with ExitStack() as stack:
        stack.enter_context(patch.object(NetDenoiser, "output", counted))
        stack.enter_context(patch("inkwash.web.catalog.Catalog.warm_up", lambda self: None))
        for name in LONG_WORK:
            stack.enter_context(patch(name, side_effect=WorkStartedError))
        yield


def problems(outcome: Outcome) -> list[str]:
    """Return what is wrong with the way in which a command ended."""
    code, lines = outcome.code, outcome.err.removesuffix("\n").split("\n")
    errors = [line for line in lines if line.startswith("inkwash: ")]
    found = [] if code in (0, 1, 2, "work started") else [f"ended with {code}"]
    found += ["a traceback"] * ("Traceback" in outcome.err + outcome.out)
    found += ["an unexpected error"] * any(line.startswith("inkwash: unexpected") for line in errors)
    found += ["not one error line at the end"] * (code in (1, 2) and errors != lines[-1:])
    return found
