"""Prediction targets: the linear combination p*image + q*noise that a network predicts.

The input is the combination (alpha, sigma), so image and noise follow from a 2 x 2 linear system of determinant
alpha*q - sigma*p. To add a parametrization, add a function that returns (p, q) to TARGETS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from inkwash.core.levels import Level, broadcast_like
from inkwash.core.shapes import Images, Scalars
from inkwash.errors import unknown_name

Direction = Callable[[Scalars, Scalars, float], tuple[Scalars, Scalars]]


def _x0(alpha: Scalars, sigma: Scalars, std: float) -> tuple[Scalars, Scalars]:
    return torch.ones_like(alpha), torch.zeros_like(alpha)


def _eps(alpha: Scalars, sigma: Scalars, std: float) -> tuple[Scalars, Scalars]:
    return torch.zeros_like(alpha), torch.ones_like(alpha)


def _v(alpha: Scalars, sigma: Scalars, std: float) -> tuple[Scalars, Scalars]:
    length = torch.hypot(alpha, sigma)
    return -sigma / length, alpha / length


def _flow(alpha: Scalars, sigma: Scalars, std: float) -> tuple[Scalars, Scalars]:
    return -torch.ones_like(alpha), torch.ones_like(alpha)


def _edm(alpha: Scalars, sigma: Scalars, std: float) -> tuple[Scalars, Scalars]:
    length = torch.hypot(alpha * std, sigma)
    return sigma / (std * length), -alpha * std / length


TARGETS: dict[str, Direction] = {
    "x0": _x0,  # the image
    "eps": _eps,  # the noise: Ho et al. (2020), Eq. 14
    "v": _v,  # Salimans & Ho (2022), Appendix D; the length extends it beyond alpha^2 + sigma^2 = 1
    "flow": _flow,  # the velocity noise - image: Lipman et al. (2023)
    "edm": _edm,  # unit variance, uncorrelated with x for data of this std: Karras et al. (2022), Eq. 7
}


@dataclass(frozen=True)
class Target:
    """An entry of TARGETS for data of standard deviation `data_std` > 0. Raises `UsageError` for an unknown `kind`."""

    kind: str
    data_std: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in TARGETS:
            raise unknown_name("target", self.kind, TARGETS)

    def direction(self, level: Level) -> tuple[Scalars, Scalars]:
        """Return (p, q) at `level`, float64, of the level's shape."""
        return TARGETS[self.kind](level.alpha, level.sigma, self.data_std)

    def determinant(self, level: Level) -> Scalars:
        """Return alpha*q - sigma*p at `level`, float64.

        An error e of the network's output is an error -e*sigma / determinant of the predicted image.
        """
        p, q = self.direction(level)
        return level.alpha * q - level.sigma * p

    def of(self, level: Level, image: Images, noise: Images) -> Images:
        """Return the regression target p*image + q*noise, [B, ...]."""
        p, q = self.direction(level)
        return broadcast_like(p, image) * image + broadcast_like(q, noise) * noise

    def image(self, level: Level, x: Images, output: Images) -> Images:
        """Return the image [B, ...] that solves for input `x` and network `output`; undefined where the determinant is 0."""
        _, q = self.direction(level)
        d = self.determinant(level)
        return broadcast_like(q / d, x) * x - broadcast_like(level.sigma / d, x) * output

    def noise(self, level: Level, x: Images, output: Images) -> Images:
        """Return the noise [B, ...] that solves for input `x` and network `output`; undefined where the determinant is 0."""
        p, _ = self.direction(level)
        d = self.determinant(level)
        return broadcast_like(level.alpha / d, x) * output - broadcast_like(p / d, x) * x
