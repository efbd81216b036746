"""Two-dimensional toy data sets, sampled with a fixed seed, which a small network learns in a minute.

Each lies within about [-2, 2] on both axes. Points are not pixels: they are used as stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import PCG64, Generator
from torch import Tensor

from inkwash.core import MixtureDenoiser
from inkwash.data.dataset import Dataset

TRAIN_POINTS = 10_000
TEST_POINTS = 2_000
ARC_GAUSSIANS = 64

Points = tuple[np.ndarray, np.ndarray | None]


def moons(generator: Generator, count: int) -> Points:
    """Return `count` points `[N, 2]` of two interleaved half circles with noise, and the half (0 or 1)."""
    label = generator.integers(0, 2, count)
    angle = generator.uniform(0, np.pi, count)
    side = 1 - 2 * label
    circle = np.stack([side * np.cos(angle) + label, side * np.sin(angle) + 0.5 * label], axis=1)
    jitter = 0.07 * generator.standard_normal((count, 2))
    return 1.25 * (circle + jitter - [0.5, 0.25]), label


def moons_denoiser() -> MixtureDenoiser:
    """Return the exact denoiser of the distribution of `moons`: each half circle as 64 Gaussians, 0.7 std apart."""
    angle = (torch.arange(ARC_GAUSSIANS) + 0.5) * (np.pi / ARC_GAUSSIANS)
    arcs = [torch.stack([s * angle.cos() + k, s * angle.sin() + 0.5 * k], dim=1) for k, s in enumerate((1, -1))]
    means = 1.25 * (torch.cat(arcs) - torch.tensor([0.5, 0.25]))
    count = len(means)
    return MixtureDenoiser(means, torch.full((count,), 1.25 * 0.07), torch.full((count,), 1 / count))


def swiss_roll(generator: Generator, count: int) -> Points:
    """Return `count` points `[N, 2]` along one and a half turns of an Archimedean spiral, without classes."""
    angle = 1.5 * np.pi * (1 + 2 * generator.uniform(0, 1, count))
    arm = angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return 2 * arm / (4.5 * np.pi) + 0.04 * generator.standard_normal((count, 2)), None


def spirals(generator: Generator, count: int) -> Points:
    """Return `count` points `[N, 2]` of two spiral arms, half a turn apart, and the arm (0 or 1)."""
    label = generator.integers(0, 2, count)
    # The square root spreads the points evenly along the arm.
    turn = np.sqrt(generator.uniform(0.01, 1, count))
    angle = 3 * np.pi * turn + np.pi * label
    arm = 2 * turn[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return arm + 0.04 * generator.standard_normal((count, 2)), label


def checkerboard(generator: Generator, count: int) -> Points:
    """Return `count` points `[N, 2]`, uniform on the dark squares of a 4 by 4 board on [-2, 2]²."""
    square = generator.integers(0, 8, count)
    row, column = square // 2, 2 * (square % 2) + (square // 2) % 2
    corner = np.stack([column, row], axis=1) - 2
    return corner + generator.uniform(0, 1, (count, 2)), None


def gaussian_mixture(generator: Generator, count: int) -> Points:
    """Return `count` points `[N, 2]` of eight Gaussians (std 0.1) on a circle of radius 1.6, and the index of the Gaussian."""
    label = generator.integers(0, 8, count)
    angle = 2 * np.pi * label / 8
    centre = 1.6 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return centre + 0.1 * generator.standard_normal((count, 2)), label


@dataclass(frozen=True)
class ToyDistribution:
    """A distribution in the plane: its sampling function, its class names, and the seed of its 12,000 points.

    `denoiser` returns the exact denoiser of the distribution, None where it has no closed form here.
    """

    sample: Callable[[Generator, int], Points]
    classes: tuple[str, ...]
    seed: int
    denoiser: Callable[[], MixtureDenoiser] | None = None

    def fresh(self, count: int) -> Tensor:
        """Return `count` points, float32 `[N, 2]`, that are not in the data set, the same at every call."""
        points, _ = self.sample(Generator(PCG64([self.seed, 1])), count)
        return torch.from_numpy(points.astype(np.float32))


TOY_DISTRIBUTIONS: dict[str, ToyDistribution] = {
    "moons": ToyDistribution(moons, ("upper", "lower"), seed=1, denoiser=moons_denoiser),
    "swiss-roll": ToyDistribution(swiss_roll, (), seed=2),
    "spirals": ToyDistribution(spirals, ("first", "second"), seed=3),
    "checkerboard": ToyDistribution(checkerboard, (), seed=4),
    "gaussian-mixture": ToyDistribution(gaussian_mixture, tuple("01234567"), seed=5),
}


def load(name: str) -> Dataset:
    """Return 10,000 training and 2,000 test points, float32 `[N, 2]`, the same at every call."""
    shape = TOY_DISTRIBUTIONS[name]
    points, label = shape.sample(Generator(PCG64(shape.seed)), TRAIN_POINTS + TEST_POINTS)
    values = torch.from_numpy(points.astype(np.float32))
    labels = None if label is None else torch.from_numpy(label.astype(np.int64))
    return Dataset(
        name=name,
        values=values[:TRAIN_POINTS],
        labels=None if labels is None else labels[:TRAIN_POINTS],
        classes=shape.classes,
        test_values=values[TRAIN_POINTS:],
        test_labels=None if labels is None else labels[TRAIN_POINTS:],
        note=f"points sampled by inkwash with seed {shape.seed}",
    )
