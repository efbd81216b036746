"""A length in minutes ends at its deadline on machines of varying speed, simulated without real time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import pytest

from inkwash.io.limits import MAX_STEPS
from inkwash.optim.optimizers import LRDecay
from inkwash.training.time_budget import MAX_VALIDATION_FRACTION, MIN_STEPS, Plan, TimeBudget

Seconds = Callable[[float], float]
START = 4.0
"""Seconds that pass before the first step."""


class Run(NamedTuple):
    """A simulated run: steps, end time, seconds of validations, all plans, and the fraction of the decay by step."""

    steps: int
    end: float
    validating: float
    plans: list[Plan]
    decay: list[float]
    warning: str | None


def run(seconds: float, step: Seconds, validation: Seconds, every: int = 10**9, after: int = 0) -> Run:
    """Simulate a run whose step at time t takes step(t) seconds, and a validation validation(t)."""
    now, spent, number, total, spacing = START, 0.0, after, MAX_STEPS, 0
    budget = TimeBudget(seconds, 0.0, lambda: now)
    budget.begin(number)
    lr_decay, plans, fractions, warning = LRDecay(MAX_STEPS, after), list[Plan](), list[float](), None
    while number < total:
        fractions.append(lr_decay.remaining_at(number + 1))
        now += step(now)
        number += 1
        trial = False
        if budget.due(number):
            trial = not budget.calibrated
            if not trial:
                plans.append(budget.plan(number, lambda steps: steps // every + 1))
        if plans:
            total, spacing = plans[-1].total, plans[-1].spacing
        if trial or number == total or number % (spacing or every) == 0:
            cost = validation(now)
            now, spent = now + cost, spent + cost
            budget.validated(number, cost, milestone=True)
        if trial:
            plans.append(budget.plan(number, lambda steps: steps // every + 1))
            total, spacing, warning = plans[-1].total, plans[-1].spacing, budget.warning(plans[-1])
        if plans:
            lr_decay = lr_decay.revised(number, total)
    return Run(number - after, now, spent, plans, fractions, warning)


@pytest.mark.parametrize("seconds", [30.0, 60.0, 600.0])
@pytest.mark.parametrize("step", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("validation", [0.02, 1.0, 4.0])
def test_constant_speed_uses_nearly_all_of_the_time(seconds: float, step: float, validation: float) -> None:
    found = run(seconds, lambda _: step, lambda _: validation)
    assert seconds - 2 * step - 1 < found.end < seconds + step + 1
    assert found.steps * step + found.validating > 0.9 * (seconds - START) - 2 * step


@pytest.mark.parametrize("speed", [0.2, 0.5, 3.0, 10.0])
@pytest.mark.parametrize("change", [20.0, 60.0, 110.0])
def test_changing_speed_ends_at_the_deadline(speed: float, change: float) -> None:
    """The plan grows after a slow start and shrinks after a fast one; validations change speed as well."""

    def factor(now: float) -> float:
        return 1.0 if now < change else 1 / speed

    found = run(120.0, lambda now: 0.1 * factor(now), lambda now: 1.5 * factor(now))
    assert 120 - 3 * max(1, 1 / speed) < found.end < 120 + 10
    work = (change - START) / 0.1 + (120 - change) * speed / 0.1
    assert found.steps > 0.75 * work - 30


def test_alternating_speed_ends_at_the_deadline() -> None:
    found = run(180.0, lambda now: 0.3 if int(now / 7) % 2 else 0.1, lambda now: 4.0 if int(now / 7) % 2 else 1.5)
    assert 170 < found.end < 190
    assert max(plan.total for plan in found.plans[2:]) < 1.6 * min(plan.total for plan in found.plans[2:])


def test_pause_past_the_deadline_ends_after_that_step() -> None:
    found = run(60.0, lambda now: 100.0 if now > 30 else 0.1, lambda _: 1.0)
    assert found.end < 30 + 100 + 2


@pytest.mark.parametrize("speed", [0.2, 1.0, 5.0])
def test_learning_rate_decay_is_monotone_and_complete(speed: float) -> None:
    found = run(120.0, lambda now: 0.1 if now < 60 else 0.1 / speed, lambda _: 1.0)
    assert found.decay[0] == pytest.approx(1.0)
    assert all(later <= earlier for earlier, later in zip(found.decay, found.decay[1:], strict=False))
    assert 0 < found.decay[-1] < 0.02


def test_validations_take_at_most_a_quarter_of_the_time() -> None:
    often = run(600.0, lambda _: 0.1, lambda _: 1.0, every=1)
    assert often.validating < (MAX_VALIDATION_FRACTION + 0.05) * 600
    assert 595 < often.end < 605
    spacings = {plan.spacing for plan in often.plans}
    assert all(spacing and math.log2(spacing).is_integer() for spacing in spacings) and len(spacings) <= 2
    rare = run(600.0, lambda _: 0.1, lambda _: 1.0, every=500)
    assert {plan.spacing for plan in rare.plans} == {0}


def test_warning_for_too_few_steps_names_enough_minutes() -> None:
    short = run(30.0, lambda _: 5.0, lambda _: 6.0)
    assert 1 <= short.steps < MIN_STEPS and short.end < 30 + 10
    assert short.warning is not None and "5 s/step" in short.warning
    minutes = float(short.warning.split("--minutes ")[1].split()[0])
    enough = run(60 * minutes, lambda _: 5.0, lambda _: 6.0)
    assert enough.warning is None and enough.steps >= MIN_STEPS


def test_elapsed_budget_allows_one_step_and_one_validation() -> None:
    found = run(2.0, lambda _: 5.0, lambda _: 6.0)
    assert (found.steps, found.validating) == (1, 6.0) and found.warning is not None


def test_resumed_run_has_the_full_budget() -> None:
    new, resumed = (run(60.0, lambda _: 0.1, lambda _: 1.0, every=50, after=after) for after in (0, 1000))
    assert (new.steps, new.end) == (resumed.steps, resumed.end)


def test_plan_of_a_huge_budget_is_bounded() -> None:
    budget = TimeBudget(1e300, 0.0, iter(range(100)).__next__)
    budget.begin(0)
    budget.due(1)
    budget.validated(1, 1.0, milestone=True)
    plan = budget.plan(2, lambda total: total)
    assert plan.total <= MAX_STEPS and plan.total // plan.spacing <= 10_000


def test_lr_decay_is_linear_and_continuous_when_revised() -> None:
    lr_decay = LRDecay(100)
    assert [lr_decay.remaining_at(step) for step in (1, 51, 101)] == [1.0, 0.5, 0.0]
    for total in (60, 100, 1000):
        revised = lr_decay.revised(50, total)
        assert revised.remaining_at(51) == lr_decay.remaining_at(51)
        assert revised.remaining_at(50 + (total - 50) // 2 + 1) == pytest.approx(0.25)
        assert revised.remaining_at(total + 1) == 0
