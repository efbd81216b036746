"""Progress in a log: every stage once with `every`, and otherwise the stages that take long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from inkwash.cli import progress
from inkwash.text.durations import format_duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows its first number."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def run_stages(clock: list[float], **options: bool) -> None:
    with progress.stages(**options) as stage:
        stage("it takes 3 minutes", 0.0)
        for fraction in (0.0, 0.25, 0.5):
            clock[0] += 10
            stage("training extractor a", fraction)


def test_every_stage_is_printed_once(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    run_stages(clock, every=True)
    lines = capsys.readouterr().err.splitlines()
    # a quarter took ten seconds
    assert lines == ["it takes 3 minutes", "training extractor a", "training extractor a: about 30 seconds left"]


def test_by_default_a_stage_is_printed_when_the_time_left_is_known(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    run_stages(clock)
    assert capsys.readouterr().err.splitlines() == ["training extractor a: about 30 seconds left"]


def test_quiet_prints_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    run_stages(clock, quiet=True, every=True)
    assert capsys.readouterr().err == ""


def test_sampling_counts_network_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, float]] = []

    @contextmanager
    def counter(total: float, title: str, quiet: bool, unit: str) -> Iterator[Callable[[float], object]]:
        calls.append((unit, total))
        yield lambda done: calls.append(("done", done))

    monkeypatch.setattr(progress, "counter", counter)
    sampler = SimpleNamespace(evaluations=1000)
    with progress.sampling(cast(Any, sampler), 4, quiet=True) as done:
        done(0.5)
        done(4)
    assert calls == [("network evaluations", 4000), ("done", 500), ("done", 4000)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 second"), (1.2, "1 second"), (1.6, "2 seconds"), (89, "89 seconds"), (91, "2 minutes")],
)
def test_duration_in_words_has_the_right_number(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
