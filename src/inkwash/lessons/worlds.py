"""Distributions in the plane whose best guess is known in closed form: those of the lessons."""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash.core import MixtureDenoiser
from inkwash.data import points


def ten_points() -> Tensor:
    """Return the ten points in the plane of lesson 2, float32 [10, 2]: the first of the two moons."""
    return points.load("moons").values[:10]


def blurred_moons(std: float = 0.2, count: int = 60) -> MixtureDenoiser:
    """Return the exact denoiser of the first `count` points of the two moons, each blurred by a normal of `std`, float64."""
    ones = torch.ones(count, dtype=torch.float64)
    return MixtureDenoiser(points.load("moons").values[:count].double(), std * ones, ones / count)
