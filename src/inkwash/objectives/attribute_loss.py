"""The denoising objective with the error of the attributes of sampled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn import functional as F

from inkwash.core import Clipped, Condition, Denoiser, Level, NetDenoiser, Sampler
from inkwash.core.conditions import Conditions
from inkwash.core.shapes import Images, PerExample
from inkwash.objectives.denoising import Denoising

Measure = Callable[[Images], Float32[Tensor, "batch attributes"]]


@dataclass(frozen=True)
class AttributeLoss:
    """The `denoising` loss, plus the error of the attributes of an image sampled from the noise of the example.

    It is added, times `weight`, for examples with all their attributes, an eighth of a batch (`drop_attributes`). The error is
    the Huber loss between the attributes requested and those that `measure` returns for the image, both standardized; NaN
    has none. Its gradient passes through the last `gradient_steps` of the steps of `sampler`, which is deterministic:
    DRaFT-K, Clark et al. (2024), Section 4.2. The states are those of sampling, where the denoising loss only has
    those of real images: there the network learns to correct its own errors.
    """

    denoising: Denoising
    measure: Measure
    sampler: Sampler
    gradient_steps: int
    weight: float

    def __call__(
        self, denoiser: NetDenoiser, images: Images, labels: Conditions | None, u: PerExample, noise: Images
    ) -> PerExample:
        """Return the loss of each example, float32 [B]; the arguments are those of `Denoising`."""
        loss = self.denoising(denoiser, images, labels, u, noise)
        if not isinstance(labels, Condition):
            return loss
        rows = (~labels.attributes.isnan()).all(1).nonzero().squeeze(1)
        if not len(rows):
            return loss
        condition = labels[rows]
        error = self.measure(self._sample(denoiser, condition, noise[rows])) - condition.attributes
        huber = F.huber_loss(error, torch.zeros_like(error), reduction="none")
        return loss.index_add(0, rows, self.weight * huber.nan_to_num(0).mean(1))

    def _sample(self, denoiser: NetDenoiser, condition: Condition, noise: Images) -> Images:
        """Return images [B, ...] of `condition` from `noise`, with a gradient through the last steps."""
        last = {id(level) for level in self.sampler.levels[:-1][-self.gradient_steps :]}

        def denoise(x: Images, level: Level, label: Conditions | None = None) -> Images:
            with torch.set_grad_enabled(id(level) in last):
                return denoiser(x, level, condition)

        chosen: Denoiser = Clipped(denoise) if self.denoising.clip else denoise
        *_, frame = self.sampler(chosen, lambda _: noise)
        if frame.x.requires_grad:
            # What cannot be measured, such as an image without ink, has no gradient.
            frame.x.register_hook(lambda gradient: gradient.nan_to_num(0, 0, 0))
        return frame.x
