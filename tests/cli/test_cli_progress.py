"""What a log hears of long work: each stage once where all are wanted, and otherwise those that take long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from inkwash.cli import progress
from inkwash.text.durations import format_duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands at its first number."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def tell(clock: list[float], **how: bool) -> None:
    with progress.stages(**how) as stage:
        stage("it takes 3 minutes", 0.0)
        for share in (0.0, 0.25, 0.5):
            clock[0] += 10
            stage("judge a learns", share)


def test_every_stage_is_told_once(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    tell(clock, every=True)
    lines = capsys.readouterr().err.splitlines()
    # a quarter took ten seconds: three more are left
    assert lines == ["it takes 3 minutes", "judge a learns", "judge a learns: about 30 seconds left"]


def test_by_default_a_stage_is_told_when_the_time_left_is_known(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    tell(clock)
    assert capsys.readouterr().err.splitlines() == ["judge a learns: about 30 seconds left"]


def test_quiet_tells_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    tell(clock, quiet=True, every=True)
    assert capsys.readouterr().err == ""


def test_sampling_counts_network_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, float]] = []

    @contextmanager
    def counter(total: float, told: str, quiet: bool, unit: str) -> Iterator[Callable[[float], object]]:
        seen.append((unit, total))
        yield lambda done: seen.append(("done", done))

    monkeypatch.setattr(progress, "counter", counter)
    sampler = SimpleNamespace(evaluations=1000)
    with progress.sampling(sampler, 4, quiet=True) as done:
        done(0.5)
        done(4)
    assert seen == [("network evaluations", 4000), ("done", 500), ("done", 4000)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (1.2, "1 second"), (1.6, "2 seconds"), (89, "89 seconds"), (91, "2 minutes")],
)
def test_a_time_in_words_has_the_right_number(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
