"""A warp is a monotone map of u in [0, 1] into [0, 1] that composes with any schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inkwash.core.shapes import Scalars


class Warp:
    """The identity, and the base class of warps: a subclass overrides `__call__`."""

    def __call__(self, u: Scalars) -> Scalars:
        """Return the warped `u`, float64 of any shape."""
        return u


@dataclass(frozen=True)
class Stretch(Warp):
    """u * end, with `end` <= 1: the path starts below the noisiest level, as image-to-image sampling does."""

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


WARPS: dict[str, Callable[..., Warp]] = {"none": Warp, "stretch": Stretch, "power": Power, "shift": Shift}
