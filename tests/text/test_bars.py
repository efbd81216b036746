"""Progress on a terminal, in a notebook and in a log."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from inkwash.text import bars
from inkwash.text.durations import format_duration
from inkwash.text.notebook import in_notebook

HOSTILE = "<b>[red]a[/red]</b> \x1b[31m"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows its first number."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


class Cell:
    """The output of a notebook cell: every content that it had."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, content: dict[str, str], raw: bool, display_id: bool) -> Cell:
        assert raw and display_id and not self.shown
        self.shown.append(content)
        return self

    def update(self, content: dict[str, str], raw: bool) -> None:
        assert raw and self.shown
        self.shown.append(content)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """The cell of a notebook that this process seems to run."""
    shown = Cell()
    shell = SimpleNamespace(kernel=object())
    ipython: Any = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=shown.display))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return the terminal that stderr is from now on."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def run_stages(clock: list[float], **options: bool) -> None:
    with bars.stages(**options) as stage:
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


def test_a_stage_is_shown_below_the_cell(clock: list[float], cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    run_stages(clock)
    assert [content["text/plain"] for content in cell.shown] == [
        "training extractor a",
        "training extractor a 25%, 30 seconds left",
        "training extractor a 50%, 20 seconds left",
        "",
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("place", ["log", "notebook"])
def test_quiet_shows_nothing(
    clock: list[float], capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, place: str
) -> None:
    cell = request.getfixturevalue("cell") if place == "notebook" else None
    run_stages(clock, quiet=True, every=True)
    with bars.sampling(5, 10, quiet=True) as done:
        clock[0] += 100
        done(3)
    assert capsys.readouterr().err == ""
    assert cell is None or not cell.shown


def test_a_log_has_a_line_every_thirty_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with bars.sampling(1000, 4, quiet=False) as done:
        # A step of 64 images at once is a fraction of them.
        for step in range(101):
            clock[0] = float(step)
            done(4 * step / 100)
    assert capsys.readouterr().err.splitlines() == [
        "sampling 4: 1,200 of 4,000 network evaluations, 70 seconds left",
        "sampling 4: 2,400 of 4,000 network evaluations, 40 seconds left",
        "sampling 4: 3,600 of 4,000 network evaluations, 10 seconds left",
    ]


def test_a_report_delays_the_next_line_of_a_log(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with bars.bar("run", None, "steps") as bar:
        for second in range(0, 70, 10):
            clock[0] = float(second)
            bar.update(second, "loss 0.5")
            if second == 20:
                bar.report("validation")
    assert capsys.readouterr().err.splitlines() == ["validation", "run: 50 steps, loss 0.5"]


def test_the_time_left_is_that_of_the_items_of_this_session(clock: list[float]) -> None:
    with bars.bar("run", 300, first=200, quiet=True) as bar:
        clock[0] = 10.0
        bar.update(210)
        assert bar.line == "run: 210 of 300, 2 minutes left"
        bar.update(260, total=280)
        assert bar.line == "run: 260 of 280, 3 seconds left"
        bar.update(280)
        assert bar.line == "run: 280 of 280"


def test_a_notebook_shows_the_last_state_and_no_flicker(
    clock: list[float], cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    with bars.sampling(10, 5, quiet=False) as done:
        done(4)
    assert not cell.shown
    with bars.sampling(10, 5, quiet=False) as done:
        for step in range(1, 101):
            clock[0] += 0.01
            done(step / 20)
    # After half a second, then every fifth of a second, then the end.
    texts = [content["text/plain"] for content in cell.shown]
    assert [int(re.findall(r": (\d+) of 50", text)[0]) for text in texts] == [25, 35, 45, 50]
    assert '<progress value="50" max="50">' in cell.shown[-1]["text/html"]
    assert capsys.readouterr() == ("", "")


def test_a_notebook_shows_the_newest_image(clock: list[float], cell: Cell, tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "x.png")
    with bars.bar(HOSTILE, 5) as bar:
        clock[0] = 1.0
        bar.report(HOSTILE, tmp_path / "x.png")
        bar.update(1, HOSTILE)
    shown = cell.shown[-1]["text/html"]
    assert shown.count("<img") == 1 and "data:image/png;base64,iVBOR" in shown
    assert "<b>" not in shown and "\x1b" not in shown and "\x1b" not in cell.shown[-1]["text/plain"]


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not in_notebook()


def test_a_terminal_shows_steps_and_text_without_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with bars.bar(HOSTILE, 40, "steps", first=30, transient=False) as bar:
        bar.update(35, HOSTILE)
        bar.report("loss 0.5", shown=True)
        bar.report(f"file {HOSTILE}")
        bar.update(40)
    shown = terminal.getvalue()
    assert "40/40" in shown and "steps" in shown and "<b>[red]a[/red]</b> \\x1b[31m" in shown
    assert "file <b>" in shown and "loss 0.5" not in shown


def test_bars_may_be_nested(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with bars.counter(5, "outer") as outer, bars.sampling(2, 3, quiet=False) as inner, bars.stages() as stage:
        outer(1)
        inner(0.5)
        stage("measuring", 0.5)
    assert "outer" in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 second"), (1.2, "1 second"), (1.6, "2 seconds"), (89, "89 seconds"), (91, "2 minutes")],
)
def test_duration_in_words_has_the_right_number(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
