"""Denoisers in closed form: the posterior mean E[image | x] for data of known distribution.

They need no network. They are the reference of the tests, and the loss of `EmpiricalDenoiser` is the least that training
can reach on its data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from inkwash.core.levels import Level, broadcast_like
from inkwash.core.shapes import Images, Labels


@dataclass(frozen=True)
class GaussianDenoiser:
    """E[image | x] for data N(mean [D], covariance [D, D]): the Wiener filter (Wiener, 1949).

    x has shape [B, D]; the covariance is symmetric and positive semi-definite.
    """

    mean: Float[Tensor, " dim"]
    covariance: Float[Tensor, "dim dim"]

    def __call__(self, x: Images, level: Level, label: Labels | None = None) -> Images:
        """Return the posterior mean [B, D]; the level may differ by example, `label` is ignored."""
        alpha, sigma = broadcast_like(level.alpha, x[..., None]), broadcast_like(level.sigma, x[..., None])
        identity = torch.eye(len(self.mean)).to(x)
        gain = torch.linalg.solve(alpha**2 * self.covariance + sigma**2 * identity, alpha * self.covariance)
        offset = x - broadcast_like(level.alpha, x) * self.mean
        return self.mean + (offset[:, None] @ gain)[:, 0]


@dataclass(frozen=True)
class MixtureDenoiser:
    """E[image | x] for a mixture of isotropic Gaussians: means [K, D], standard deviations [K], weights [K] that sum to 1."""

    means: Float[Tensor, "components dim"]
    stds: Float[Tensor, " components"]
    weights: Float[Tensor, " components"]

    def __call__(self, x: Images, level: Level, label: Labels | None = None) -> Images:
        """Return the posterior mean [B, D]; the level may differ by example, `label` is ignored."""
        alpha, sigma = broadcast_like(level.alpha, x), broadcast_like(level.sigma, x)
        variance = alpha**2 * self.stds**2 + sigma**2
        offset = x[:, None] - broadcast_like(level.alpha, x[:, None]) * self.means
        log_weight = self.weights.log() - x.shape[1] / 2 * variance.log() - (offset**2).sum(-1) / (2 * variance)
        posterior = self.means + (alpha * self.stds**2 / variance)[..., None] * offset
        return (torch.softmax(log_weight, dim=-1)[..., None] * posterior).sum(1)


@dataclass(frozen=True)
class EmpiricalDenoiser:
    """E[image | x] for the empirical distribution of `images` [N, ...]: the denoiser that memorizes them.

    The mean of the images weighted by softmax(-|x - alpha*image|^2 / (2 sigma^2)), which minimizes the training loss:
    Karras et al. (2022), Appendix B.3. With `labels` int64 [N] the mean is over images of the requested class.
    """

    images: Images
    labels: Labels | None = None

    @cached_property
    def squared_norms(self) -> Tensor:
        """The squared norm of each image, [N]: computed once, as it takes as long as the rest of a prediction."""
        return (self.images.flatten(1) ** 2).sum(1)

    def __call__(self, x: Images, level: Level, label: Labels | None = None) -> Images:
        """Return the posterior mean [B, ...]; a negative label means any class."""
        flat, data = x.flatten(1), self.images.flatten(1)
        alpha, sigma = broadcast_like(level.alpha, flat), broadcast_like(level.sigma, flat)
        # The term |x|^2 is the same for all images and cancels in the softmax, so it is left out.
        distance = alpha**2 * self.squared_norms - 2 * alpha * (flat @ data.T)
        log_weight = -distance / (2 * sigma**2)
        if label is not None and self.labels is not None:
            other = (self.labels != label[:, None]) & (label[:, None] >= 0)
            log_weight = log_weight.masked_fill(other, -torch.inf)
        return (torch.softmax(log_weight, dim=1) @ data).reshape(x.shape)
