"""The card of a run is an experiment record: it says what was tried, with what, what came out and what comes next."""

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
    course = begun("run")
    for event in course.events():
        if isinstance(event, Step) and event.number == 4:
            course.trainer.stop()
    return course


def test_a_card_has_the_sections_of_an_experiment_record(stopped: Run) -> None:
    card = stopped.folder.card.read_text(encoding="utf-8")
    assert re.findall(r"^##+ .*$", card, flags=re.MULTILINE) == SECTIONS
    for told in ("See it run.", "It runs.", "Let it rest.", "**Type**: baseline", "digits", "class-unet", "adamw"):
        assert told in card
    assert re.search(r"\*\*Date\*\*: \d{4}-\d{2}-\d{2}\b", card)
    assert "stopped at step 4 of 6" in card


def test_a_card_grows_with_its_run_and_shows_its_pictures(stopped: Run, digits: Dataset) -> None:
    list(resume(stopped.folder.path, digits).events())
    card = stopped.folder.card.read_text(encoding="utf-8")
    assert "**Status**: complete" in card
    shown = re.findall(r"!\[.*?\]\((.*?)\)", card)
    assert "samples/step-0000006.png" in shown
    # a link that leads nowhere, or out of the folder, would break when the folder is moved
    assert all((stopped.folder.path / link).is_file() and not Path(link).is_absolute() for link in shown)
    rows = [row for row in stopped.folder.rows() if row["kind"] == "held-out"]
    assert f"{rows[-1]['loss']:.4f}" in card
    assert len(stopped.folder.sessions()) == 2


def test_a_run_that_says_nothing_of_itself_says_so(begun: Callable[..., Run]) -> None:
    course = begun("run", "experiment={}", "training.length=1 step")
    list(course.events())
    card = course.folder.card.read_text(encoding="utf-8")
    assert re.findall(r"^##+ .*$", card, flags=re.MULTILINE) == SECTIONS
    assert card.count("Not stated.") == 3


def test_an_average_too_young_to_draw_from_is_said_to_be(begun: Callable[..., Run]) -> None:
    # after one step of a half-life of a twentieth of a step, a millionth of the random start is left
    old, young = begun("old", "training.length=1 step"), begun("young", "training.length=1 step")
    young.trainer.state.progress.start_left = 1e5
    for course in (old, young):
        list(course.events())
    assert "too early to sample" not in old.folder.card.read_text(encoding="utf-8")
    assert "too early to sample" in young.folder.card.read_text(encoding="utf-8")
