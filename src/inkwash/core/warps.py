"""A warp is a monotone map of u in [0, 1] into [0, 1] that composes with any schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from inkwash.core.schedules import Schedule
from inkwash.core.shapes import Scalars


class Warp:
    """The identity, and the base class of warps: a subclass overrides `__call__`."""

    def __call__(self, u: Scalars) -> Scalars:
        """Return the warped `u`, float64 of any shape."""
        return u


@dataclass(frozen=True)
class Stretch(Warp):
    """u * end, with `end` <= 1: the path starts below the noisiest level, as in SDEdit (Meng et al., 2022)."""

    end: float = 1.0

    def __call__(self, u: Scalars) -> Scalars:
        return u * self.end


@dataclass(frozen=True)
class Power(Warp):
    """u^rho, with `rho` > 0: values above 1 concentrate the levels at the clean end."""

    rho: float = 2.0

    def __call__(self, u: Scalars) -> Scalars:
        return u**self.rho


@dataclass(frozen=True)
class Shift(Warp):
    """s u / (1 + (s - 1) u): values above 1 concentrate the levels at the noisy end; Esser et al. (2024), Eq. 23."""

    s: float = 3.0

    def __call__(self, u: Scalars) -> Scalars:
        return self.s * u / (1 + (self.s - 1) * u)


@dataclass(frozen=True)
class Warped(Schedule):
    """The composition `schedule(warp(u))` on the grid of `schedule`."""

    schedule: Schedule
    warp: Warp = field(default_factory=Warp)

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        return self.schedule.alpha_sigma(self.warp(u))

    @property
    def num_timesteps(self) -> int | None:
        return self.schedule.num_timesteps

    def snap(self, u: Scalars) -> Scalars:
        return self.schedule.snap(u)

    def grid(self, n: int) -> Scalars:
        return self.schedule.grid(n)


WARPS: dict[str, Callable[..., Warp]] = {"none": Warp, "stretch": Stretch, "power": Power, "shift": Shift}
