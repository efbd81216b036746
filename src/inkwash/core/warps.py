"""A warp is a monotone map of u in [0, 1] into [0, 1] that composes with any schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


class Warp:
    """The warp that changes nothing, and the base of the others: a subclass gives `__call__`."""

    def __call__(self, u: Tensor) -> Tensor:
        """Return the warped `u` (float64, any shape)."""
        return u


@dataclass(frozen=True)
class Stretch(Warp):
    """u runs only to `end` <= 1: the path starts below the noisiest level, from a picture noised that far."""

    end: float = 1.0

    def __call__(self, u: Tensor) -> Tensor:
        return u * self.end


@dataclass(frozen=True)
class Power(Warp):
    """u to the power `rho` > 0: above 1 the levels crowd towards the clean end."""

    rho: float = 2.0

    def __call__(self, u: Tensor) -> Tensor:
        return u**self.rho


@dataclass(frozen=True)
class Shift(Warp):
    """s u / (1 + (s - 1) u): above 1 the levels crowd towards the noisy end (Esser et al. 2024, eq. 23)."""

    s: float = 3.0

    def __call__(self, u: Tensor) -> Tensor:
        return self.s * u / (1 + (self.s - 1) * u)


WARPS: dict[str, Callable[..., Warp]] = {"none": Warp, "stretch": Stretch, "power": Power, "shift": Shift}
