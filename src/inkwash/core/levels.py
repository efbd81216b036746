"""A level says how much image and how much noise: x = alpha * image + sigma * noise.

That one line is the forward process (Ho et al. 2020, eq. 4, with alpha = sqrt(alpha-bar)) and the last line of
every reverse step. Nothing else in inkwash broadcasts a level over a batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Level:
    """The amounts `alpha` of image and `sigma` of noise, both >= 0.

    Each is a number or a float64 tensor of shape [] (one level for a batch) or [B] (one level an example).
    Levels are compared by identity: `nxt is CLEAN` is the test for the end of a path.
    """

    alpha: Tensor
    sigma: Tensor

    def __init__(self, alpha: Tensor | float, sigma: Tensor | float) -> None:
        object.__setattr__(self, "alpha", torch.as_tensor(alpha, dtype=torch.float64))
        object.__setattr__(self, "sigma", torch.as_tensor(sigma, dtype=torch.float64))

    def __repr__(self) -> str:
        if self.alpha.ndim:
            return f"Level of {len(self.alpha)} examples"
        return f"Level(alpha={self.alpha.item():.6g}, sigma={self.sigma.item():.6g})"

    def mix(self, image: Tensor, noise: Tensor) -> Tensor:
        """Return alpha * image + sigma * noise, for tensors of shape [B, ...] (Ho et al. 2020, eq. 4)."""
        return over(self.alpha, image) * image + over(self.sigma, noise) * noise

    def noise_in(self, x: Tensor, image: Tensor) -> Tensor:
        """Return the noise that with `image` makes `x` [B, ...]; needs sigma > 0."""
        return (x - over(self.alpha, x) * image) / over(self.sigma, x)

    def image_in(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return the image that with `noise` makes `x` [B, ...]; needs alpha > 0."""
        return (x - over(self.sigma, x) * noise) / over(self.alpha, x)

    def within(self, cleanest: Level, noisiest: Level) -> Tensor:
        """Return whether this level, or each of them, lies between two others, ends included; bool [] or [B]."""
        return (cleanest.code <= self.code) & (self.code <= noisiest.code)

    @property
    def log_snr(self) -> Tensor:
        """The log of the signal-to-noise ratio, 2 log(alpha / sigma), float64; infinite at the two ends."""
        return 2 * (torch.log(self.alpha) - torch.log(self.sigma))

    @property
    def code(self) -> Tensor:
        """The level as a bounded number in [0, 1]: (2/pi) atan(sigma / alpha), 0 clean and 1 pure noise, float64.

        It is what networks are told: it does not change when alpha and sigma are scaled together.
        """
        return torch.atan2(self.sigma, self.alpha) * (2 / math.pi)


def over(value: Tensor, x: Tensor) -> Tensor:
    """Return a level's `value` ([] or [B]) in the type and on the device of `x` [B, ...], shaped to multiply it."""
    shaped = value.reshape(-1, *[1] * (x.ndim - 1)) if value.ndim else value
    return shaped.to(device=x.device, dtype=x.dtype)


CLEAN = Level(1.0, 0.0)
NOISE = Level(0.0, 1.0)
