"""The grid of noise levels that the likelihood bound is computed on: steps even in log-SNR."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core import Level, LogLinear, Schedule
from inkwash.errors import UsageError

MAX_LOG_SNR = 8.0
"""Default log-SNR of the lowest noise level: minimizes the bound of both bundled models on MNIST's train images within
0.001 (7 and 9 cost up to 0.015 more, 11 about 0.1). `likelihood.with_best_end` chooses it for a model."""

MIN_LOG_SNR = -9.0
"""Default log-SNR of the highest noise level: the prior term is below 1e-4 bits/dim there."""

_LOG_SNR_LIMIT = 20.0


@dataclass(frozen=True)
class LogSNRGrid:
    """`steps` steps, even in log-SNR, from `cleanest` to `noisiest`, variance-preserving (alpha^2 + sigma^2 = 1).

    Raises `UsageError` unless -20 <= noisiest < cleanest <= 20 and steps >= 1.
    """

    cleanest: float = MAX_LOG_SNR
    noisiest: float = MIN_LOG_SNR
    steps: int = 1000

    def __post_init__(self) -> None:
        if not -_LOG_SNR_LIMIT <= self.noisiest < self.cleanest <= _LOG_SNR_LIMIT:
            raise UsageError(
                f"log-SNR from {self.cleanest:g} to {self.noisiest:g}: the grid must descend, within 20 and -20",
                code="out-of-range",
            )
        if self.steps < 1:
            raise UsageError(f"steps is {self.steps}: the bound needs at least 1", code="out-of-range", field="steps")

    @classmethod
    def of(cls, schedule: Schedule, steps: int = 1000) -> LogSNRGrid:
        """Return the grid over the log-SNR range of `schedule`, at most `MAX_LOG_SNR` to `MIN_LOG_SNR`.

        Where a schedule ends above `MIN_LOG_SNR`, the grid ends there too, and the prior term includes the signal left.
        """
        clean = schedule(schedule.snap(torch.zeros((), dtype=torch.float64)))
        return cls(min(MAX_LOG_SNR, float(clean.log_snr)), max(MIN_LOG_SNR, float(schedule.terminal.log_snr)), steps)

    @property
    def log_snr_step(self) -> float:
        """The log-SNR of one step."""
        return (self.cleanest - self.noisiest) / self.steps

    def level(self, edge: Tensor | float) -> Level:
        """Return the noise level at grid point `edge`, a number or a tensor [B]: 0 is the cleanest, `steps` the noisiest."""
        edge = torch.as_tensor(edge, dtype=torch.float64)
        return LogLinear(self.cleanest, self.noisiest)(edge / self.steps)
