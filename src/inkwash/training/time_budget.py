"""A length in minutes: the first steps are timed, and the total number of steps is planned repeatedly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from inkwash.config.lengths import Length
from inkwash.io.limits import MOST_STEPS

TRIAL_SHARE, TRIAL_SECONDS = 0.05, 10.0
"""Time of steps before the first plan: this share of the budget, at most so many seconds, at least two steps."""
PLANS = 20
"""The next plan is made after this fraction (1/20) of the time left, and after the deadline."""
MEMORY = 0.8
"""Weight of the time before a plan in the pace, relative to the time after it."""
SHORTEST = 0.5
"""Minimum seconds between two plans."""
MEASURING_SHARE, MOST_MEASUREMENTS = 0.25, 10_000
"""Maximum share of the time for measurements, and their maximum number: beyond either they are thinned out."""
FEWEST_STEPS = 10
"""With fewer steps nothing is learned, and there is a warning."""


class Plan(NamedTuple):
    """A run of `total` steps at `pace` seconds per step, with a measurement every `spacing` steps (0: as in the recipe)."""

    total: int
    pace: float
    spacing: int


class TimeBudget:
    """Planner of the steps of a run that ends `seconds` after the moment `since` of `clock`.

    A measurement is a validation with its preview and checkpoints. Its cost is expressed in steps, because a busy
    machine slows down both alike. The pace is a mean over the last few plans, weighted by powers of `MEMORY`.
    """

    def __init__(
        self, seconds: float, since: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds, self.clock = seconds, clock
        self.since = clock() if since is None else since
        self.pace, self.measurement = 0.0, 0.0
        self.first, self.planned = 0, False
        self._mark, self._step = self.since, 0
        self._elapsed, self._steps = 0.0, 0.0
        self._next = 0.0

    @property
    def left(self) -> float:
        """Seconds left, negative after the deadline."""
        return self.since + self.seconds - self.clock()

    @property
    def calibrated(self) -> bool:
        """Whether steps and a measurement at a milestone have been timed, so that a plan can be made."""
        return self.measurement > 0

    def begin(self, step: int) -> None:
        """Start timing; the next step is `step` + 1."""
        self._mark, self._step, self.first = self.clock(), step, step

    def due(self, step: int) -> bool:
        """Return whether a plan is due after `step`; must be called after each step."""
        now = self.clock()
        if not self.pace:
            # The first step includes imports and allocations: its pace is used only if there is no time for a second.
            self.pace = max(now - self._mark, 1e-9)
            self._next = max(now, self._mark + min(TRIAL_SHARE * self.seconds, TRIAL_SECONDS))
            self._mark, self._step = now, step
            return self.left <= 0
        return now >= self._next

    def measured(self, step: int, seconds: float, milestone: bool) -> None:
        """Record that a measurement after `step` took `seconds`; those at a `milestone` set the cost."""
        self._mark += seconds
        self._time_steps(step)
        if milestone:
            # The cost decreases slowly, so that the last measurement ends before the deadline.
            self.measurement = max(seconds / self.pace, MEMORY * self.measurement, 1e-9)
            self._next = 0.0

    def _time_steps(self, step: int) -> None:
        """Update the pace from the steps since the last call."""
        now = self.clock()
        if step > self._step:
            self._elapsed = MEMORY * self._elapsed + now - self._mark
            self._steps = MEMORY * self._steps + step - self._step
            self.pace = max(self._elapsed / self._steps, 1e-9)
        self._mark, self._step = now, step

    def plan(self, step: int, measurements: Callable[[int], int]) -> Plan:
        """Return the plan after `step`; its total is `step` when no time is left.

        `measurements(total)` is the number of measurements in `total` steps. Time for the last one is always reserved.
        """
        self._time_steps(step)
        # All quantities are in steps.
        room = min(self.left / self.pace - self.measurement, float(MOST_STEPS - step))
        total = step + max(0, int(room))
        wanted = measurements(total) - measurements(self.first)
        allowed = max(1.0, min((total - self.first) * MEASURING_SHARE / self.measurement, MOST_MEASUREMENTS))
        spacing = 0
        ahead = measurements(total) - measurements(step)
        if wanted > allowed:
            # Powers of two, so that measured steps of one plan are also those of the next.
            spacing = 2 ** math.ceil(math.log2(max(1.0, (total - self.first) / allowed)))
            ahead = total // spacing - step // spacing
        self._next = self.clock() + max(self.left / PLANS, SHORTEST)
        self.planned = True
        return Plan(step + max(0, int(room - ahead * self.measurement)), self.pace, spacing)

    def warning(self, plan: Plan) -> str | None:
        """Return a warning for a plan of fewer than `FEWEST_STEPS` steps, None otherwise."""
        steps = plan.total - self.first
        if steps >= FEWEST_STEPS:
            return None
        # With one step to spare.
        more = (FEWEST_STEPS + 1 - (self._step - self.first) + self.measurement) * self.pace
        needed = math.ceil((self.seconds - self.left + more) / 6) / 10
        return (
            f"{Length(self.seconds / 60, 'minutes')} allows {Length(steps, 'steps')} only ({self.pace:.2g} s/step), "
            f"too few to learn anything: use --minutes {needed:g} or --steps"
        )
