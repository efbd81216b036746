"""Minutes become as many steps as fit, with everything that a run does beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.objectives import Denoising
from inkwash.recipe import Recipe
from inkwash.runs import course as courses
from inkwash.runs import planning
from inkwash.runs.planning import Costs, costs, planned
from inkwash.training import heldout
from inkwash.training.lengths import Length

CPU = torch.device("cpu")
IMAGES, BATCH = 1000, 10


def pauses(recipe: Recipe) -> int:
    """Return how often a run of `recipe` stops to measure."""
    total = Length.parse(recipe.training.length).steps(BATCH, IMAGES)
    every = Length.parse(recipe.training.checkpoint_every).steps(BATCH, IMAGES)
    milestones = recipe.milestones.names(total, BATCH, IMAGES)
    return sum(step % every == 0 or step in milestones or step == total for step in range(1, total + 1))


@pytest.mark.parametrize("often", ["1 epoch", "1 steps"])
@pytest.mark.parametrize("pause", [0.0001, 0.05, 0.5, 3.0, 20.0])
@pytest.mark.parametrize("step", [0.01, 0.1])
@pytest.mark.parametrize("seconds", [60.0, 600.0])
def test_steps_and_pauses_fill_the_time_and_do_not_exceed_it(
    tiny: Callable[..., Recipe],
    digits: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    step: float,
    pause: float,
    often: str,
) -> None:
    monkeypatch.setattr(planning, "costs", lambda *_: Costs(2.0, step, pause, IMAGES))
    begun = time.perf_counter()
    asked = tiny(f"training.batch={BATCH}", f"training.checkpoint_every={often}")
    found = planned(asked, digits, seconds, CPU, since=begun)
    total = Length.parse(found.training.length).steps(BATCH, IMAGES)
    spent = 2 + total * step + pauses(found) * pause
    # thinned pauses may take less than the quarter that is planned for them
    thinned = found.training.checkpoint_every != asked.training.checkpoint_every
    assert (0.55 if thinned else 0.85) * seconds < spent <= seconds


def test_the_minutes_of_a_thousand_years_are_planned_like_any(
    tiny: Callable[..., Recipe], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is listed that is as long as the run; as many steps are refused where they are counted."""
    monkeypatch.setattr(planning, "costs", lambda *_: Costs(2.0, 0.1, 0.5, IMAGES))
    found = planned(tiny(f"training.batch={BATCH}"), digits, 3e10, CPU)
    with pytest.raises(UsageError, match="4,294,967,295"):
        Length.parse(found.training.length).steps(BATCH, IMAGES)
    assert planned(tiny(), digits, 1e300, CPU).training.length


def test_a_run_in_small_costs_what_a_run_costs(
    tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where time is lost it is found: before the first step, in each step, and in each pause with its plots."""

    def late(seconds: float, act: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any) -> Any:
            time.sleep(seconds)
            return act(*arguments)

        return work

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(courses, "write_record", late(0.2, lambda *_: None))
    monkeypatch.setattr(heldout, "floor", late(0.3, heldout.floor))
    recipe = tiny()
    objective = late(0.05, Denoising(recipe.schedule))
    found = costs(recipe, digits, 1.0, CPU, objective=objective)
    assert found.pause >= 0.2 and found.once >= 0.3 and found.step >= 0.05
    assert not list(tmp_path.iterdir())


def test_what_was_spent_before_counts(
    tiny: Callable[..., Recipe], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "costs", lambda *_: Costs(0.0, 0.1, 0.0001, IMAGES))
    now = time.perf_counter()
    totals = [
        Length.parse(planned(tiny(), digits, 60.0, CPU, since=now - before).training.length).amount
        for before in (0.0, 30.0)
    ]
    assert totals[1] == pytest.approx(totals[0] / 2, rel=0.05)
    with pytest.raises(UsageError, match="over before"):
        planned(tiny(), digits, 60.0, CPU, since=now - 60)
