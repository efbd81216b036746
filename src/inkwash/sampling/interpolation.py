"""Interpolation between two seeds or two labels: spherical in the noise, linear in the predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core import Denoiser, Labelled, WeightedPair
from inkwash.core.noise import spherical


class Interpolation(NamedTuple):
    """The far end of each example, and its position between the near end (0) and the far one (1).

    `seeds` and `labels` are int64 [N], `position` float64 [N]. The noise follows a quarter of a circle, so that it is
    normally distributed everywhere; the prediction follows a line between those for the two labels.
    """

    seeds: Tensor
    labels: Tensor
    position: Tensor

    @classmethod
    def evenly(cls, seeds: Tensor, labels: Tensor) -> Interpolation:
        """Return the interpolation to `seeds` and `labels` int64 [N] in equal steps, both ends included."""
        return cls(seeds, labels, torch.linspace(0, 1, len(seeds), dtype=torch.float64))

    def part(self, span: slice) -> Interpolation:
        """Return the interpolation of some of the examples."""
        return Interpolation(self.seeds[span], self.labels[span], self.position[span])

    def noise(self, near_seeds: Tensor, noise_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the noise [N, ...] between `noise_of(near_seeds)` and `noise_of` the far seeds."""
        near = noise_of(near_seeds)
        return near if torch.equal(self.seeds, near_seeds) else spherical(near, noise_of(self.seeds), self.position)

    def denoiser(self, near: Labelled) -> Denoiser:
        """Return the denoiser between `near` and the same one for the far labels."""
        if near.label is None:
            return near
        far = self.labels.to(near.label.device)
        if torch.equal(far, near.label):
            return near
        return WeightedPair(near, Labelled(near.denoiser, far), self.position)
