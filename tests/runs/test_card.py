"""The card of a run, an experiment record in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from inkwash.data import Dataset
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.training.events import Step

SECTIONS = [
    "## Objective",
    "## Hypothesis",
    "## Configuration",
    "## Hardware",
    "## Results",
    "### Quantitative",
    "### Qualitative",
    "## Observations",
    "## Next steps",
    "## Sample from it",
]


@pytest.fixture
def stopped(begun: Callable[..., Run]) -> Run:
    """A run that was stopped after four of its six steps."""
    run = begun("run")
    for event in run.train():
        if isinstance(event, Step) and event.number == 4:
            run.trainer.stop()
    return run


def test_card_has_the_sections_of_an_experiment_record(stopped: Run) -> None:
    card = stopped.folder.card.read_text(encoding="utf-8")
    assert re.findall(r"^##+ .*$", card, flags=re.MULTILINE) == SECTIONS
    for text in ("Test a run.", "It runs.", "Nothing.", "**Type**: baseline", "digits", "class-unet", "adamw"):
        assert text in card
    assert re.search(r"\*\*Date\*\*: \d{4}-\d{2}-\d{2}\b", card)
    assert "stopped at step 4 of 6" in card


def test_card_is_updated_and_links_its_samples(stopped: Run, digits: Dataset) -> None:
    list(resume(stopped.folder.path, digits).train())
    card = stopped.folder.card.read_text(encoding="utf-8")
    assert "**Status**: complete" in card
    shown = re.findall(r"!\[.*?\]\((.*?)\)", card)
    assert "samples/step-0000006.png" in shown
    # Links must be relative and exist, so that they stay valid when the folder is moved.
    assert all((stopped.folder.path / link).is_file() and not Path(link).is_absolute() for link in shown)
    rows = [row for row in stopped.folder.rows() if row["kind"] == "held-out"]
    assert f"{rows[-1]['loss']:.4f}" in card
    assert len(stopped.folder.sessions()) == 2


def test_card_of_an_empty_experiment_has_placeholders(begun: Callable[..., Run]) -> None:
    run = begun("run", "experiment={}", "training.length=1 step")
    list(run.train())
    card = run.folder.card.read_text(encoding="utf-8")
    assert re.findall(r"^##+ .*$", card, flags=re.MULTILINE) == SECTIONS
    assert card.count("Not stated.") == 3


def test_card_warns_about_an_ema_with_initial_weight(begun: Callable[..., Run]) -> None:
    # At step 1 the half-life is 1/20 step, which leaves a weight of 2^-20 to the initial parameters.
    old, young = begun("old", "training.length=1 step"), begun("young", "training.length=1 step")
    young.trainer.state.progress.start_left = 1e5
    for run in (old, young):
        list(run.train())
    assert "too early to sample" not in old.folder.card.read_text(encoding="utf-8")
    assert "too early to sample" in young.folder.card.read_text(encoding="utf-8")
