"""A denoiser is anything callable (x, level, label) -> image: its best guess of the image behind a noisy x.

What changes a prediction is a wrapper that is itself a denoiser, so wrappers nest in any order. Classifier-free
guidance has a file of its own, and so have the exact denoisers that need no network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from inkwash.core.levels import Level, over
from inkwash.core.targets import Target


class Denoiser(Protocol):
    """Callable (x [B, ...], level, label int64 [B] or None) -> image [B, ...]; a negative label means no label."""

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class NetDenoiser:
    """A network that is asked for `target`, made a denoiser: scale the input, tell the level's code, solve.

    `net(x, code, label)` gets x [B, ...] scaled to unit variance and the code float32 [B] in [0, 1], and knows
    nothing of diffusion (the scaling is c_in of Karras et al. 2022, eq. 7). `autocast` is the type the network
    computes in, None for its own; the state around it stays float32.
    """

    net: nn.Module
    target: Target
    autocast: torch.dtype | None = None

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return what the network says about `x` [B, ...] at `level`, float32 [B, ...], in target space."""
        scale = torch.rsqrt((level.alpha * self.target.data_std) ** 2 + level.sigma**2)
        code = level.code.to(device=x.device, dtype=torch.float32).expand(len(x))
        with torch.autocast(x.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            said = self.net(over(scale, x) * x, code, label)
        return said.to(x.dtype)

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the image [B, ...] that the network's output stands for at `level`."""
        return self.target.image(level, x, self.output(x, level, label))


@dataclass(frozen=True)
class Clipped:
    """The image clamped to [low, high]; the noise follows from the clamped image, as it always does."""

    denoiser: Denoiser
    low: float = -1.0
    high: float = 1.0

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the clamped image [B, ...]."""
        return self.denoiser(x, level, label).clamp(self.low, self.high)


@dataclass
class Counted:
    """Counts evaluations: `count` calls so far. Outside a guided pair it counts steps, inside it counts both halves."""

    denoiser: Denoiser
    count: int = field(default=0)

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the image [B, ...], having counted the call."""
        self.count += 1
        return self.denoiser(x, level, label)


@dataclass(frozen=True)
class Inpainted:
    """The part of the image that is known put back into every guess.

    `known` [..., C, H, W] holds the pixels to keep, `mask` 1 where they are known and 0 where they are to be filled in.
    """

    denoiser: Denoiser
    known: Tensor
    mask: Tensor

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the image [B, ...], what is known of it in place."""
        denoised = self.denoiser(x, level, label)
        return torch.where(self.mask.bool(), self.known, denoised)


@dataclass(frozen=True)
class Labelled:
    """A denoiser asked for a fixed `label` (int64 [B]), whatever label it is called with."""

    denoiser: Denoiser
    label: Tensor | None

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the image [B, ...] for the fixed label; `label` is not heard."""
        return self.denoiser(x, level, self.label)


@dataclass(frozen=True)
class WeightedPair:
    """(1 - weight) * first + weight * second: a morph between two labels, or any two denoisers.

    `weight` is a number, or one for each example, float64 [B].
    """

    first: Denoiser
    second: Denoiser
    weight: Tensor | float

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the weighted image [B, ...]; two evaluations."""
        weight = over(torch.as_tensor(self.weight, dtype=torch.float64), x)
        return torch.lerp(self.first(x, level, label), self.second(x, level, label), weight)
