"""The step at which training ends, and how the learning rate's decay is spread over the steps up to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Horizon:
    """Training ends after step `total`; after step `start` the share `remaining` of the decay is still to come.

    A run whose length is fixed keeps start = 0 and remaining = 1. Where `total` is revised during the run, the decay
    continues from the share that it has reached, so that the learning rate never jumps.
    """

    total: int
    start: int = 0
    remaining: float = 1.0

    def remaining_at(self, step: int) -> float:
        """Return the share of the decay in [0, 1] that is still to come at `step`: linear, 0 after the last step."""
        done = (step - 1 - self.start) / max(self.total - self.start, 1)
        return self.remaining * min(max(0.0, 1 - done), 1.0)

    def revised(self, step: int, total: int) -> Horizon:
        """Return the horizon of another `total`, whose decay continues from the share left after `step`."""
        return Horizon(total, step, self.remaining_at(step + 1))
