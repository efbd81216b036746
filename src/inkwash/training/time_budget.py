"""A length in minutes: the run's own first steps are timed, and its total is planned again as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from inkwash.config.lengths import Length
from inkwash.io.limits import MOST_STEPS

TRIAL_SHARE, TRIAL_SECONDS = 0.05, 10.0
"""How long steps are timed before the first plan: this share of the time, at most so many seconds, at least two steps."""
PLANS = 20
"""The next plan is made after one part in so many of the time left, and after the first step past its end."""
MEMORY = 0.8
"""The weight in the pace of the time before a plan, relative to that of the time since."""
SHORTEST = 0.5
"""Seconds between two plans, at least."""
MEASURING_SHARE, MOST_MEASUREMENTS = 0.25, 10_000
"""The share of the run that measurements may take, and how many there may be: with more they are thinned out."""
FEWEST_STEPS = 10
"""A run of fewer steps learns nothing, and a warning says so."""


class Plan(NamedTuple):
    """A run of `total` steps at `pace` seconds per step; `spacing` thins out its measurements, 0 leaves them alone."""

    total: int
    pace: float
    spacing: int


class TimeBudget:
    """Plans the steps of a run that is to end `seconds` after the moment `since` of `clock`.

    What a measurement costs is kept in steps, not in seconds, because a busy machine slows down both alike. The pace is a
    mean over the time since the last few plans, with weights of `MEMORY`.
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
        """Whether steps and a measurement with its grid and checkpoints were timed, so that a plan can be made."""
        return self.measurement > 0

    def begin(self, step: int) -> None:
        """Start timing: the run continues after `step`."""
        self._mark, self._step, self.first = self.clock(), step, step

    def due(self, step: int) -> bool:
        """Return whether it is time to plan, after `step`; to be called after each one."""
        now = self.clock()
        if not self.pace:
            # the first step pays for imports and buffers: its pace only holds where there is no time for a second one
            self.pace = max(now - self._mark, 1e-9)
            self._next = max(now, self._mark + min(TRIAL_SHARE * self.seconds, TRIAL_SECONDS))
            self._mark, self._step = now, step
            return self.left <= 0
        return now >= self._next

    def measured(self, step: int, seconds: float, milestone: bool) -> None:
        """Take into account a measurement after `step` that has just taken `seconds`, with a grid at a `milestone`."""
        self._mark += seconds
        self._time_steps(step)
        if milestone:
            # the last one must not come too late: a cost that was higher before is forgotten slowly
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
        """Return the plan after `step`, whose total is `step` itself where no time is left.

        `measurements(total)` counts those of a run of `total` steps. The last one, with its grid and checkpoints, always
        finds room.
        """
        self._time_steps(step)
        # all of this is in units of steps
        room = min(self.left / self.pace - self.measurement, float(MOST_STEPS - step))
        total = step + max(0, int(room))
        wanted = measurements(total) - measurements(self.first)
        allowed = max(1.0, min((total - self.first) * MEASURING_SHARE / self.measurement, MOST_MEASUREMENTS))
        spacing = 0
        ahead = measurements(total) - measurements(step)
        if wanted > allowed:
            # powers of two, so that the steps of one plan are among those of the next
            spacing = 2 ** math.ceil(math.log2(max(1.0, (total - self.first) / allowed)))
            ahead = total // spacing - step // spacing
        self._next = self.clock() + max(self.left / PLANS, SHORTEST)
        self.planned = True
        return Plan(step + max(0, int(room - ahead * self.measurement)), self.pace, spacing)

    def warning(self, plan: Plan) -> str | None:
        """Return what is wrong with a plan of too few steps to learn anything, None where it has enough."""
        steps = plan.total - self.first
        if steps >= FEWEST_STEPS:
            return None
        # with one step to spare
        more = (FEWEST_STEPS + 1 - (self._step - self.first) + self.measurement) * self.pace
        needed = math.ceil((self.seconds - self.left + more) / 6) / 10
        return (
            f"{Length(self.seconds / 60, 'minutes')} allows {Length(steps, 'steps')} only ({self.pace:.2g} s/step), "
            f"too few to learn anything: use --minutes {needed:g} or --steps"
        )
