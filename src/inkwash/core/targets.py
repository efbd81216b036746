"""A target is what the network is asked for: a direction (p, q) in the plane of image and noise, p*image + q*noise.

The input is itself the direction (alpha, sigma), so image and noise come back from one 2 x 2 solve with the
determinant D = alpha*q - sigma*p. To add a parametrisation: one pair, as a row in TARGETS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.levels import Level, over
from inkwash.errors import unknown_name

Direction = Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]


def _x0(alpha: Tensor, sigma: Tensor, std: float) -> tuple[Tensor, Tensor]:
    return torch.ones_like(alpha), torch.zeros_like(alpha)


def _eps(alpha: Tensor, sigma: Tensor, std: float) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(alpha), torch.ones_like(alpha)


def _v(alpha: Tensor, sigma: Tensor, std: float) -> tuple[Tensor, Tensor]:
    length = torch.hypot(alpha, sigma)
    return -sigma / length, alpha / length


def _flow(alpha: Tensor, sigma: Tensor, std: float) -> tuple[Tensor, Tensor]:
    return -torch.ones_like(alpha), torch.ones_like(alpha)


def _edm(alpha: Tensor, sigma: Tensor, std: float) -> tuple[Tensor, Tensor]:
    length = torch.hypot(alpha * std, sigma)
    return sigma / (std * length), -alpha * std / length


TARGETS: dict[str, Direction] = {
    "x0": _x0,  # the image
    "eps": _eps,  # the noise (Ho et al. 2020, eq. 14)
    "v": _v,  # Salimans & Ho 2022, appendix D; the length makes it hold off alpha^2 + sigma^2 = 1 too
    "flow": _flow,  # the velocity noise - image (Lipman et al. 2023)
    "edm": _edm,  # unit variance and uncorrelated with x for data of this std (Karras et al. 2022, eq. 7)
}


@dataclass(frozen=True)
class Target:
    """One row of TARGETS for data of standard deviation `data_std` > 0. Raises `UsageError` for an unknown `kind`."""

    kind: str
    data_std: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in TARGETS:
            raise unknown_name("target", self.kind, TARGETS)

    def direction(self, level: Level) -> tuple[Tensor, Tensor]:
        """Return (p, q) at `level`, float64, of the level's shape."""
        return TARGETS[self.kind](level.alpha, level.sigma, self.data_std)

    def determinant(self, level: Level) -> Tensor:
        """Return D = alpha*q - sigma*p at `level`, float64; an error e of the network is -e*sigma/D of the image."""
        p, q = self.direction(level)
        return level.alpha * q - level.sigma * p

    def of(self, level: Level, image: Tensor, noise: Tensor) -> Tensor:
        """Return p*image + q*noise, [B, ...]: what the network should say."""
        p, q = self.direction(level)
        return over(p, image) * image + over(q, noise) * noise

    def image(self, level: Level, x: Tensor, output: Tensor) -> Tensor:
        """Return the image that `x` and the network's `output` [B, ...] agree on; not defined where D = 0."""
        _, q = self.direction(level)
        d = self.determinant(level)
        return over(q / d, x) * x - over(level.sigma / d, x) * output

    def noise(self, level: Level, x: Tensor, output: Tensor) -> Tensor:
        """Return the noise that `x` and the network's `output` [B, ...] agree on; not defined where D = 0."""
        p, _ = self.direction(level)
        d = self.determinant(level)
        return over(level.alpha / d, x) * output - over(p / d, x) * x
