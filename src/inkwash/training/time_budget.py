"""A length in minutes: the first steps are timed, and the total number of steps is planned repeatedly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from inkwash.config.lengths import Length
from inkwash.io.limits import MAX_STEPS

MAX_TRIAL_FRACTION, MAX_TRIAL_SECONDS = 0.05, 10.0
"""The first plan is made after this fraction of the budget, at most after so many seconds, at least after two steps."""
REPLAN_FRACTION, MIN_REPLAN_SECONDS = 0.05, 0.5
"""The next plan is made after this fraction of the remaining time, at least after so many seconds."""
PACE_DECAY = 0.8
"""The weight in the pace of the time before a plan, relative to the time after it."""
MAX_VALIDATION_FRACTION, MAX_VALIDATIONS = 0.25, 10_000
"""Validations are thinned out beyond this fraction of the time, or this number."""
MIN_STEPS = 10
"""A warning is printed for a plan of fewer steps."""


class Plan(NamedTuple):
    """A run of `total` steps at `pace` seconds per step, with a validation every `spacing` steps (0: as in the recipe)."""

    total: int
    pace: float
    spacing: int


class TimeBudget:
    """Planner of the steps of a run that ends `seconds` after the moment `since` of `clock`.

    The cost of a validation, with its preview and checkpoints, is expressed in steps, because a busy machine slows down
    both alike. The pace is a mean over the last few plans, weighted by powers of `PACE_DECAY`.
    """

    def __init__(
        self, seconds: float, since: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds, self.clock = seconds, clock
        self.since = clock() if since is None else since
        self.pace, self.validation_cost = 0.0, 0.0
        self.first_step, self.planned = 0, False
        self._mark, self._step = self.since, 0
        self._elapsed, self._steps = 0.0, 0.0
        self._next = 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds left, negative after the deadline."""
        return self.since + self.seconds - self.clock()

    @property
    def calibrated(self) -> bool:
        """Whether steps and a validation at a milestone have been timed, so that a plan can be made."""
        return self.validation_cost > 0

    def begin(self, step: int) -> None:
        """Start timing; the next step is `step` + 1."""
        self._mark, self._step, self.first_step = self.clock(), step, step

    def due(self, step: int) -> bool:
        """Return whether a plan is due after `step`; must be called after each step."""
        now = self.clock()
        if not self.pace:
            # The first step includes imports and allocations: its pace is used only if there is no time for a second.
            self.pace = max(now - self._mark, 1e-9)
            self._next = max(now, self._mark + min(MAX_TRIAL_FRACTION * self.seconds, MAX_TRIAL_SECONDS))
            self._mark, self._step = now, step
            return self.seconds_left <= 0
        return now >= self._next

    def validated(self, step: int, seconds: float, milestone: bool) -> None:
        """Record that a validation after `step` took `seconds`; those at a `milestone` set the cost."""
        self._mark += seconds
        self._time_steps(step)
        if milestone:
            # The cost decreases slowly, so that the last validation ends before the deadline.
            self.validation_cost = max(seconds / self.pace, PACE_DECAY * self.validation_cost, 1e-9)
            self._next = 0.0

    def _time_steps(self, step: int) -> None:
        """Update the pace from the steps since the last call."""
        now = self.clock()
        if step > self._step:
            self._elapsed = PACE_DECAY * self._elapsed + now - self._mark
            self._steps = PACE_DECAY * self._steps + step - self._step
            self.pace = max(self._elapsed / self._steps, 1e-9)
        self._mark, self._step = now, step

    def plan(self, step: int, validations: Callable[[int], int]) -> Plan:
        """Return the plan after `step`; its total is `step` when no time is left.

        `validations(total)` is the number of validations in `total` steps. Time for the last one is always reserved.
        """
        self._time_steps(step)
        # All quantities are in steps.
        room = min(self.seconds_left / self.pace - self.validation_cost, float(MAX_STEPS - step))
        total = step + max(0, int(room))
        wanted = validations(total) - validations(self.first_step)
        allowed = max(
            1.0, min((total - self.first_step) * MAX_VALIDATION_FRACTION / self.validation_cost, MAX_VALIDATIONS)
        )
        spacing = 0
        ahead = validations(total) - validations(step)
        if wanted > allowed:
            # Powers of two, so that steps with a validation in one plan are also those of the next.
            spacing = 2 ** math.ceil(math.log2(max(1.0, (total - self.first_step) / allowed)))
            ahead = total // spacing - step // spacing
        self._next = self.clock() + max(self.seconds_left * REPLAN_FRACTION, MIN_REPLAN_SECONDS)
        self.planned = True
        return Plan(step + max(0, int(room - ahead * self.validation_cost)), self.pace, spacing)

    def warning(self, plan: Plan) -> str | None:
        """Return a warning for a plan of fewer than `MIN_STEPS` steps, None otherwise."""
        steps = plan.total - self.first_step
        if steps >= MIN_STEPS:
            return None
        # Add one step as a margin.
        more = (MIN_STEPS + 1 - (self._step - self.first_step) + self.validation_cost) * self.pace
        needed = math.ceil((self.seconds - self.seconds_left + more) / 6) / 10
        return (
            f"{Length(self.seconds / 60, 'minutes')} allows {Length(steps, 'steps')} only ({self.pace:.2g} s/step), "
            f"too few to learn anything: use --minutes {needed:g} or --steps"
        )
