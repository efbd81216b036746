"""A denoiser is a callable (x, level, label) -> image that predicts the clean image behind a noisy x.

Whatever modifies a prediction, such as classifier-free guidance, is a wrapper that is itself a denoiser, so wrappers nest
in any order. Denoisers in closed form are in `exact`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from inkwash.core.conditions import Condition, Conditions, labels_of
from inkwash.core.levels import CLEAN, NOISE, Level, broadcast_like
from inkwash.core.shapes import Images
from inkwash.core.targets import Target


@runtime_checkable
class Denoiser(Protocol):
    """Callable (x [B, ...], level, label int64 [B] or None) -> image [B, ...]; a negative label is the null label.

    With attributes the label is a `Condition`, which the denoisers in closed form do not take.
    """

    def __call__(self, x: Images, level: Level, label: Any = None) -> Images: ...


def tensor_of(output: Any) -> Tensor:
    """Return the tensor that a network returned, by itself or as `output.sample`, as the networks of diffusers do."""
    return output if isinstance(output, Tensor) else getattr(output, "sample", output)


@dataclass(frozen=True)
class NetDenoiser:
    """A network trained to predict `target`, as a denoiser: scale the input, run the network, solve for the image.

    `net(x, c_noise, label)` gets x [B, ...] scaled to unit variance (c_in of Karras et al., 2022, Eq. 7) and c_noise
    float32 [B] in [0, 1]. `autocast` is the dtype that the network computes in, None for that of its weights; the state
    stays float32.
    """

    net: nn.Module
    target: Target
    autocast: torch.dtype | None = None

    def output(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the network's output for `x` [B, ...] at `level`, in target space and the dtype of `x`, [B, ...]."""
        c_in = torch.rsqrt((level.alpha * self.target.data_std) ** 2 + level.sigma**2)
        c_noise = level.c_noise.to(device=x.device, dtype=torch.float32).expand(len(x))
        with torch.autocast(x.device.type, dtype=self.autocast, enabled=self.autocast is not None):
            output = tensor_of(self.net(broadcast_like(c_in, x) * x, c_noise, label))
        return output.to(x.dtype)

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the predicted image [B, ...] at `level`."""
        return self.target.image(level, x, self.output(x, level, label))


@dataclass(frozen=True)
class Clipped:
    """The predicted image clamped to [low, high]; the noise of a sampling step follows from the clamped image."""

    denoiser: Denoiser
    low: float = -1.0
    high: float = 1.0

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the clamped image [B, ...]."""
        return self.denoiser(x, level, label).clamp(self.low, self.high)


@dataclass
class Counted:
    """Count the calls of a denoiser in `count`: of guided predictions around `Guided`, of network evaluations inside it."""

    denoiser: Denoiser
    count: int = field(default=0)

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the predicted image [B, ...] and increment `count`."""
        self.count += 1
        return self.denoiser(x, level, label)


@dataclass(frozen=True)
class Inpainted:
    """Replace the known pixels in each prediction.

    `known` [..., C, H, W] holds the pixels to keep; `mask` is 1 where they are known and 0 where they are generated.
    """

    denoiser: Denoiser
    known: Tensor
    mask: Tensor

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the predicted image [B, ...] with the known pixels in place."""
        denoised = self.denoiser(x, level, label)
        return torch.where(self.mask.bool(), self.known, denoised)


@dataclass(frozen=True)
class Labelled:
    """A denoiser conditioned on a fixed `label` (int64 [B], None for unconditional), whatever label it is called with."""

    denoiser: Denoiser
    label: Tensor | None

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the image [B, ...] predicted for the fixed label; the argument `label` is ignored."""
        return self.denoiser(x, level, self.label)


@dataclass(frozen=True)
class WithAttributes:
    """A denoiser conditioned on `attributes` beside the label: float32 [B, A], standardized, NaN where not specified."""

    denoiser: Denoiser
    attributes: Tensor

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the image [B, ...] predicted for the label and the attributes."""
        return self.denoiser(x, level, Condition(labels_of(label), self.attributes))


@dataclass(frozen=True)
class WeightedPair:
    """(1 - weight) * first + weight * second: an interpolation between two labels, or between any two denoisers.

    `weight` is a number, or float64 [B] with one for each example.
    """

    first: Denoiser
    second: Denoiser
    weight: Tensor | float

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the weighted image [B, ...]; costs two evaluations."""
        weight = broadcast_like(torch.as_tensor(self.weight, dtype=torch.float64), x)
        return torch.lerp(self.first(x, level, label), self.second(x, level, label), weight)


@dataclass(frozen=True)
class Guided:
    """uncond + weight * (cond - uncond): weight 1 is the conditional, 0 the unconditional prediction.

    Ho & Salimans (2022), Eq. 6, whose w is weight - 1. Guidance is applied at levels between `cleanest` and `noisiest`
    only; elsewhere the conditional prediction is returned: Kynkäänniemi et al. (2024). It costs two evaluations where it
    is applied and one elsewhere. `unconditional` is the denoiser of the unconditional prediction, None for `denoiser`:
    a clipped one keeps values outside of the data range from entering the difference. The unconditional
    prediction keeps the attributes of a `Condition` and drops the label.
    """

    denoiser: Denoiser
    weight: float
    cleanest: Level = CLEAN
    noisiest: Level = NOISE
    unconditional: Denoiser | None = None

    def __call__(self, x: Images, level: Level, label: Conditions | None = None) -> Images:
        """Return the guided image [B, ...]; with `label` None or weight 1 the prediction of `denoiser`."""
        if labels_of(label) is None or self.weight == 1:
            return self.denoiser(x, level, label)
        inside = level.within(self.cleanest, self.noisiest)
        if not inside.any():
            return self.denoiser(x, level, label)
        null = Condition(None, label.attributes) if isinstance(label, Condition) else None
        uncond, cond = (self.unconditional or self.denoiser)(x, level, null), self.denoiser(x, level, label)
        guided = uncond + self.weight * (cond - uncond)
        return guided if inside.all() else torch.where(broadcast_like(inside, x).bool(), guided, cond)
