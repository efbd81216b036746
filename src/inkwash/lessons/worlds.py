"""Distributions in the plane whose posterior mean is known in closed form: those of the lessons."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core import Level, MixtureDenoiser
from inkwash.data import points


def ten_points() -> Tensor:
    """Return the ten points in the plane of lesson 2, float32 [10, 2]: the first of the two moons."""
    return points.load("moons").values[:10]


def blurred_moons(std: float = 0.2, count: int = 60) -> MixtureDenoiser:
    """Return the exact denoiser of the first `count` points of the two moons, each blurred by a normal of `std`, float64."""
    return _blurred(points.load("moons").values[:count], std)


@dataclass(frozen=True)
class ConditionalDenoiser:
    """The exact denoiser of each class and that of `any_class`, as one denoiser that takes a label."""

    any_class: MixtureDenoiser
    by_class: tuple[MixtureDenoiser, ...]

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the posterior mean [B, 2] for the labels int64 [B]; None or a negative label is any class."""
        denoised = self.any_class(x, level)
        for number, denoise in enumerate(self.by_class):
            if label is not None and bool((label == number).any()):
                denoised = torch.where((label == number)[:, None], denoise(x, level), denoised)
        return denoised


def two_classes(std: float = 0.25, count: int = 60) -> ConditionalDenoiser:
    """Return the exact denoiser of the two moons as classes: the first `count` points of each, blurred by `std`, float64."""
    moons = points.load("moons")
    assert moons.labels is not None
    means = [moons.values[moons.labels == number][:count] for number in (0, 1)]
    return ConditionalDenoiser(_blurred(torch.cat(means), std), (_blurred(means[0], std), _blurred(means[1], std)))


def _blurred(centres: Tensor, std: float) -> MixtureDenoiser:
    ones = torch.ones(len(centres), dtype=torch.float64)
    return MixtureDenoiser(centres.double(), std * ones, ones / len(centres))
