"""Runs and models of the tiny recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.runs import run as run_module
from inkwash.runs.run import Run
from inkwash.runs.start import start


@pytest.fixture
def begun(tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset) -> Callable[..., Run]:
    """`begun("name", "field=value", ...)` is a new run of the tiny recipe in a folder of that name."""
    return lambda name="run", *changes: start(tiny(*changes), digits, tmp_path / name)


@pytest.fixture
def without_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out cards and plots, which take longer than the training steps."""
    monkeypatch.setattr(run_module, "write_card", lambda *_: None)


@pytest.fixture
def complete(begun: Callable[..., Run], without_cards: None) -> Run:
    """A complete run."""
    run = begun("run")
    list(run.train())
    return run
