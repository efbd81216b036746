"""The distribution of training noise levels, as a map from a uniform number in (0, 1) to a Level.

Each density is a quantile function, so that stratified uniform numbers give stratified levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkwash.core.levels import Level
from inkwash.core.schedules import Schedule
from inkwash.core.shapes import PerExample


@dataclass(frozen=True)
class Uniform:
    """Uniform u, rounded up to a timestep of a discrete schedule: Ho et al. (2020), Algorithm 1."""

    def __call__(self, schedule: Schedule, u: PerExample) -> Level:
        """Return the levels [B] of `schedule` for uniform numbers `u` in (0, 1), float64 [B]."""
        return schedule(schedule.snap(u))


@dataclass(frozen=True)
class LogitNormal:
    """u = sigmoid(mean + std * normal), which favours middle levels: Esser et al. (2024), Section 3.1."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, schedule: Schedule, u: PerExample) -> Level:
        """Return the levels [B] of `schedule` for uniform numbers `u` in (0, 1), float64 [B]."""
        return schedule(torch.sigmoid(self.mean + self.std * torch.special.ndtri(u)))


@dataclass(frozen=True)
class LogNormal:
    """log(sigma / alpha) is normal, independent of the schedule: Karras et al. (2022), Table 1."""

    mean: float = -1.2
    std: float = 1.2

    def __call__(self, schedule: Schedule, u: PerExample) -> Level:
        """Return the levels [B] for uniform numbers `u` in (0, 1), float64 [B]."""
        sigma = torch.exp(self.mean + self.std * torch.special.ndtri(u))
        return Level(torch.ones_like(sigma), sigma)


Density = Callable[[Schedule, PerExample], Level]

DENSITIES: dict[str, Callable[..., Density]] = {
    "uniform": Uniform,
    "logit-normal": LogitNormal,
    "log-normal": LogNormal,
}
