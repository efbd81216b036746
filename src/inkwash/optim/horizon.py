"""The last training step, and the decay of the learning rate up to it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Horizon:
    """Training ends after step `total`; after step `start` the fraction `remaining` of the decay is ahead.

    A run of fixed length has start = 0 and remaining = 1. When `total` is revised during a run, the decay continues
    from the fraction it has reached, so that the learning rate is continuous.
    """

    total: int
    start: int = 0
    remaining: float = 1.0

    def remaining_at(self, step: int) -> float:
        """Return the fraction in [0, 1] of the decay that is ahead at `step`: linear, 0 after the last step."""
        done = (step - 1 - self.start) / max(self.total - self.start, 1)
        return self.remaining * min(max(0.0, 1 - done), 1.0)

    def revised(self, step: int, total: int) -> Horizon:
        """Return the horizon with a new `total`, whose decay continues from the fraction that is ahead after `step`."""
        return Horizon(total, step, self.remaining_at(step + 1))
