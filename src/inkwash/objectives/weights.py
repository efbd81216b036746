"""Loss weights over noise levels, for the squared error of the image; the objective converts them to target space.

To add one, write a frozen dataclass with `__call__(level, target)` and add it to WEIGHTS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkwash.core import Level, Target
from inkwash.core.shapes import Scalars

Weight = Callable[[Level, Target], Scalars]


@dataclass(frozen=True)
class Unweighted:
    """Weight 1 in target space: depending on the target, the simple loss of DDPM, v, flow-matching or EDM loss.

    Undefined where the target has no solution (eps at alpha = 0), a level that no density in (0, 1) returns.
    """

    def __call__(self, level: Level, target: Target) -> Scalars:
        """Return the weight of the image's squared error, float64 [B]."""
        return (target.determinant(level) / level.sigma) ** 2


@dataclass(frozen=True)
class MinSNR:
    """min(SNR, gamma): Hang et al. (2023), Eq. 8."""

    gamma: float = 5.0

    def __call__(self, level: Level, target: Target) -> Scalars:
        """Return the weight of the image's squared error, float64 [B]."""
        return torch.exp(level.log_snr).clamp(max=self.gamma)


@dataclass(frozen=True)
class SoftMinSNR:
    """SNR * gamma / (SNR + gamma), a smooth `MinSNR`: Crowson et al. (2024), HDiT, Section 4.2."""

    gamma: float = 4.0

    def __call__(self, level: Level, target: Target) -> Scalars:
        """Return the weight of the image's squared error, float64 [B]."""
        return self.gamma / (1 + self.gamma * torch.exp(-level.log_snr))


@dataclass(frozen=True)
class EDMWeight:
    """(s^2 + data_std^2) / (s data_std)^2 with s = sigma / alpha: Karras et al. (2022), Table 1."""

    def __call__(self, level: Level, target: Target) -> Scalars:
        """Return the weight of the image's squared error, float64 [B]."""
        return torch.exp(level.log_snr) + target.data_std**-2


WEIGHTS: dict[str, Callable[..., Weight]] = {
    "none": Unweighted,
    "min-snr": MinSNR,
    "soft-min-snr": SoftMinSNR,
    "edm": EDMWeight,
}
