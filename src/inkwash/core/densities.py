"""A density says which levels training visits: a map from a uniform number in (0, 1) to a Level.

Each is a quantile function, so that stratified uniform numbers give stratified levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.levels import Level
from inkwash.core.schedules import Schedule


@dataclass(frozen=True)
class Uniform:
    """u itself, snapped to the rows of a beta table where there is one (Ho et al. 2020, algorithm 1)."""

    def __call__(self, schedule: Schedule, u: Tensor) -> Level:
        """Return the levels [B] of `schedule` for uniform numbers `u` in (0, 1), float64 [B]."""
        return schedule(schedule.snap(u))


@dataclass(frozen=True)
class LogitNormal:
    """u = sigmoid(mean + std * normal): the middle levels more often (Esser et al. 2024, section 3.1)."""

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, schedule: Schedule, u: Tensor) -> Level:
        """Return the levels [B] of `schedule` for uniform numbers `u` in (0, 1), float64 [B]."""
        return schedule(torch.sigmoid(self.mean + self.std * torch.special.ndtri(u)))


@dataclass(frozen=True)
class LogNormal:
    """log(sigma / alpha) is normal (Karras et al. 2022, EDM, table 1); the schedule has no say in it."""

    mean: float = -1.2
    std: float = 1.2

    def __call__(self, schedule: Schedule, u: Tensor) -> Level:
        """Return the levels [B] for uniform numbers `u` in (0, 1), float64 [B]."""
        sigma = torch.exp(self.mean + self.std * torch.special.ndtri(u))
        return Level(torch.ones_like(sigma), sigma)


Density = Callable[[Schedule, Tensor], Level]

DENSITIES: dict[str, Callable[..., Density]] = {
    "uniform": Uniform,
    "logit-normal": LogitNormal,
    "log-normal": LogNormal,
}
