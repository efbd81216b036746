"""A noise level (alpha, sigma): the forward process is x = alpha * image + sigma * noise.

`Level.mix` computes both the forward process, Ho et al. (2020), Eq. 4 with alpha = sqrt(alpha-bar), and the last line of
every reverse step. Only `broadcast_like` expands the values of a level over a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from inkwash.core.shapes import Images, Scalars


@dataclass(frozen=True, eq=False)
class Level:
    """The coefficients `alpha` of the image and `sigma` of the noise, both >= 0.

    Each is a number or a float64 tensor of shape [] (one level for the batch) or [B] (one level for each example).
    Levels compare by identity: `nxt is CLEAN` tests for the end of a sampling path.
    """

    alpha: Scalars
    sigma: Scalars

    def __init__(self, alpha: Tensor | float, sigma: Tensor | float) -> None:
        object.__setattr__(self, "alpha", torch.as_tensor(alpha, dtype=torch.float64))
        object.__setattr__(self, "sigma", torch.as_tensor(sigma, dtype=torch.float64))

    def __repr__(self) -> str:
        if self.alpha.ndim:
            return f"Level of {len(self.alpha)} examples"
        return f"Level(alpha={self.alpha.item():.6g}, sigma={self.sigma.item():.6g})"

    def mix(self, image: Images, noise: Images) -> Images:
        """Return alpha * image + sigma * noise [B, ...]: Ho et al. (2020), Eq. 4."""
        return broadcast_like(self.alpha, image) * image + broadcast_like(self.sigma, noise) * noise

    def noise_in(self, x: Images, image: Images) -> Images:
        """Return the noise with which `image` gives `x` [B, ...]; requires sigma > 0."""
        return (x - broadcast_like(self.alpha, x) * image) / broadcast_like(self.sigma, x)

    def image_in(self, x: Images, noise: Images) -> Images:
        """Return the image with which `noise` gives `x` [B, ...]; requires alpha > 0."""
        return (x - broadcast_like(self.sigma, x) * noise) / broadcast_like(self.alpha, x)

    def within(self, cleanest: Level, noisiest: Level) -> Bool[Tensor, "*axes"]:
        """Return whether each level lies in the closed interval between two others, bool [] or [B]."""
        return (cleanest.c_noise <= self.c_noise) & (self.c_noise <= noisiest.c_noise)

    @property
    def log_snr(self) -> Scalars:
        """The log signal-to-noise ratio 2 log(alpha / sigma), float64; infinite at CLEAN and NOISE."""
        return 2 * (torch.log(self.alpha) - torch.log(self.sigma))

    @property
    def c_noise(self) -> Scalars:
        """The noise conditioning of networks, (2/pi) atan(sigma / alpha) in [0, 1]: 0 at CLEAN, 1 at NOISE, float64.

        It has the role of c_noise in Karras et al. (2022), Eq. 7, and is invariant under scaling alpha and sigma together.
        """
        return torch.atan2(self.sigma, self.alpha) * (2 / math.pi)


def broadcast_like(value: Tensor, x: Tensor) -> Tensor:
    """Return `value` ([] or [B]) with the dtype and device of `x` [B, ...], reshaped to multiply it."""
    shaped = value.reshape(-1, *[1] * (x.ndim - 1)) if value.ndim else value
    return shaped.to(device=x.device, dtype=x.dtype)


CLEAN = Level(1.0, 0.0)
NOISE = Level(0.0, 1.0)

NEAR_PURE_NOISE = 0.02
"""Signal fraction below which a level counts as pure noise: T = 1000 with betas 1e-4..0.02 leaves 0.6 %."""


def signal_fraction(level: Level) -> float:
    """Return alpha / sqrt(alpha^2 + sigma^2) of one `level`, in [0, 1]."""
    return float(level.alpha / (level.alpha**2 + level.sigma**2).sqrt())


def describe_terminal_snr(level: Level) -> str:
    """Return a description of the SNR at a schedule's noisiest `level`.

    With a signal fraction above `NEAR_PURE_NOISE`, pure noise is outside of the training distribution.
    """
    left = signal_fraction(level)
    if left == 0:
        return "ends at pure noise, SNR 0"
    snr = f"SNR {float((level.alpha / level.sigma) ** 2):.1e}" if level.sigma else "SNR infinite"
    if left < NEAR_PURE_NOISE:
        return f"ends close to pure noise, {snr}"
    return f"ends with signal fraction {left:.0%}, {snr}: sampling from pure noise is out of distribution"
