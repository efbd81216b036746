"""The progress that functions of the package report: to a function, to stderr, or to no one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import inkwash
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.model import Model
from inkwash.runs import run as run_module
from inkwash.text import bars


def test_sampling_counts_steps(untrained: Callable[..., Model]) -> None:
    done: list[float] = []
    inkwash.sample(untrained(), n=3, batch=2, sampler="ddim:4", progress=done.append)
    # A batch of two and one of one, in four steps each.
    assert done == [0, 0.5, 1, 1.5, 2, 2, 2.25, 2.5, 2.75, 3]


def test_evaluation_reports_sampling_and_measuring() -> None:
    stages: dict[str, float] = {}
    inkwash.evaluate("moons", n=200, sampler="ddim:2", progress=lambda stage, done: stages.update({stage: done}))
    assert stages["sampling moons ddim:2"] == 1
    assert len(stages) > 1


def test_progress_is_printed_in_a_log_unless_it_is_false(
    tiny: Callable[..., Recipe],
    digits: Dataset,
    untrained: Callable[..., Model],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_module, "write_card", lambda *_: None)
    monkeypatch.setattr(bars, "LOG_SECONDS", 0.0)
    for progress in (True, False):
        inkwash.train(tiny(), digits, progress=progress)
        inkwash.sample(untrained(), n=2, sampler="ddim:2", progress=progress)
        shown = capsys.readouterr().err
        for text in (
            "tiny: 3 of 6 steps, validation loss 0.",
            "tiny: 4 of 6 steps, loss ",
            "sampling 2: 2 of 4 network",
        ):
            assert (text in shown) == progress
        assert progress or not shown
