"""Exact denoisers: the posterior mean E[image | x] in closed form, for data whose law is known.

They need no network, and are at once the oracle of the tests, a toy, and the floor under every trained loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.levels import Level, over


@dataclass(frozen=True)
class GaussianDenoiser:
    """E[image | x] for data N(mean [D], covariance [D, D]): the Wiener filter (Wiener 1949).

    x has shape [B, D]; the covariance is symmetric and positive semi-definite.
    """

    mean: Tensor
    covariance: Tensor

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the posterior mean [B, D]; the level may differ by example, `label` is not heard."""
        alpha, sigma = over(level.alpha, x[..., None]), over(level.sigma, x[..., None])
        identity = torch.eye(len(self.mean)).to(x)
        gain = torch.linalg.solve(alpha**2 * self.covariance + sigma**2 * identity, alpha * self.covariance)
        away = x - over(level.alpha, x) * self.mean
        return self.mean + (away[:, None] @ gain)[:, 0]


@dataclass(frozen=True)
class MixtureDenoiser:
    """E[image | x] for a mixture of round Gaussians: means [K, D], standard deviations [K], weights [K] that sum to 1."""

    means: Tensor
    stds: Tensor
    weights: Tensor

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the posterior mean [B, D]; the level may differ by example, `label` is not heard."""
        alpha, sigma = over(level.alpha, x), over(level.sigma, x)
        variance = alpha**2 * self.stds**2 + sigma**2
        away = x[:, None] - over(level.alpha, x[:, None]) * self.means
        log_weight = self.weights.log() - x.shape[1] / 2 * variance.log() - (away**2).sum(-1) / (2 * variance)
        inner = self.means + (alpha * self.stds**2 / variance)[..., None] * away
        return (torch.softmax(log_weight, dim=-1)[..., None] * inner).sum(1)


@dataclass(frozen=True)
class EmpiricalDenoiser:
    """E[image | x] when the data are exactly these `images` [N, ...], each as likely: what memorising would say.

    The mean of the images weighted by softmax(-|x - alpha*image|^2 / (2 sigma^2)), which is the denoiser that
    minimises the training loss (Karras et al. 2022, appendix B.3). `labels` int64 [N] restrict it to the asked class.
    """

    images: Tensor
    labels: Tensor | None = None

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the posterior mean [B, ...]; a negative label means any class."""
        flat, data = x.flatten(1), self.images.flatten(1)
        alpha, sigma = over(level.alpha, flat), over(level.sigma, flat)
        # |x|^2 is the same for every image of the data and leaves the softmax as it is
        distance = alpha**2 * (data**2).sum(1) - 2 * alpha * (flat @ data.T)
        log_weight = -distance / (2 * sigma**2)
        if label is not None and self.labels is not None:
            other = (self.labels != label[:, None]) & (label[:, None] >= 0)
            log_weight = log_weight.masked_fill(other, -torch.inf)
        return (torch.softmax(log_weight, dim=1) @ data).reshape(x.shape)
