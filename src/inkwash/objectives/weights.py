"""Loss weights, stated for the squared error of the image; the objective converts them into target space once.

To add one: a frozen dataclass with `__call__(level, target)`, and a row in WEIGHTS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core import Level, Target

Weight = Callable[[Level, Target], Tensor]


@dataclass(frozen=True)
class Unweighted:
    """1 in target space: DDPM's simple loss, the v loss, the flow-matching loss or the EDM loss, by the target.

    Not defined where the target has no solution, as for eps at alpha = 0, which no density in (0, 1) visits.
    """

    def __call__(self, level: Level, target: Target) -> Tensor:
        """Return the weight of the image's squared error, float64 [B]."""
        return (target.determinant(level) / level.sigma) ** 2


@dataclass(frozen=True)
class MinSNR:
    """min(SNR, gamma): the clean levels count no more than those at `gamma` (Hang et al. 2023, eq. 8)."""

    gamma: float = 5.0

    def __call__(self, level: Level, target: Target) -> Tensor:
        """Return the weight of the image's squared error, float64 [B]."""
        return torch.exp(level.log_snr).clamp(max=self.gamma)


@dataclass(frozen=True)
class SoftMinSNR:
    """SNR * gamma / (SNR + gamma): the same without the corner (Crowson et al. 2024, HDiT, section 4.2)."""

    gamma: float = 4.0

    def __call__(self, level: Level, target: Target) -> Tensor:
        """Return the weight of the image's squared error, float64 [B]."""
        return self.gamma / (1 + self.gamma * torch.exp(-level.log_snr))


@dataclass(frozen=True)
class EDM:
    """(s^2 + data_std^2) / (s data_std)^2 with s = sigma / alpha (Karras et al. 2022, table 1)."""

    def __call__(self, level: Level, target: Target) -> Tensor:
        """Return the weight of the image's squared error, float64 [B]."""
        return torch.exp(level.log_snr) + target.data_std**-2


WEIGHTS: dict[str, Callable[..., Weight]] = {
    "none": Unweighted,
    "min-snr": MinSNR,
    "soft-min-snr": SoftMinSNR,
    "edm": EDM,
}
