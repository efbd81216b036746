"""The loss by noise level of a network of points, on fresh points of a distribution whose exact denoiser is known."""

from __future__ import annotations

from typing import Any

import torch

from inkwash.core import NetDenoiser
from inkwash.core.rng import Stream, normals
from inkwash.data.points import TOY_DISTRIBUTIONS, ToyDistribution
from inkwash.data.spec import DatasetSpec
from inkwash.model import Model
from inkwash.training.objective import denoising_objective
from inkwash.training.validation import ExactPredictor, level_grid

FRESH_POINTS = 2000
"""Points at each noise level."""


def distribution_of(spec: DatasetSpec) -> ToyDistribution | None:
    """Return the distribution of points whose exact denoiser is known, None for other data."""
    toy = TOY_DISTRIBUTIONS.get(spec.data) if spec.is_points else None
    return None if toy is None or toy.denoiser is None else toy


def point_losses(model: Model) -> dict[str, Any] | None:
    """Return the losses of the network and of the exact denoiser of the distribution, None where it is not known.

    The exact denoiser is the posterior mean, so that the expected loss of the network is its loss and the mean squared
    difference of both: computed as this sum, no loss is below the exact one by chance.
    """
    toy = distribution_of(model.spec)
    if model.conditional or toy is None or toy.denoiser is None:
        return None
    objective, target = denoising_objective(model.recipe), model.target
    network = NetDenoiser(model.net, target)
    points, exact = toy.fresh(FRESH_POINTS).to(model.device), ExactPredictor(toy.denoiser(), target)
    found: dict[str, Any] = {"c_noise": [], "loss": [], "exact": [], "fresh": FRESH_POINTS}
    # The same points and noise at every level, so that two levels differ by the level alone.
    noise = normals(0, torch.arange(len(points)), 0, Stream.VALIDATION_NOISE, (2,)).to(points)
    for at in level_grid():
        level = objective.density(objective.schedule, at.expand(len(points)))
        x = level.mix(points, noise)
        with torch.inference_mode():
            best = exact.output(x, level)
            excess = network.output(x, level) - best
        weight = objective.weight(level, target) * (level.sigma / target.determinant(level)) ** 2
        error = best - target.of(level, points, noise)
        lowest, added = (float(weight[0]) * float((each**2).mean()) for each in (error, excess))
        found["c_noise"].append(float(level.c_noise[0]))
        found["exact"].append(lowest)
        found["loss"].append(lowest + added)
    return found
