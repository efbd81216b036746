"""The denoising objective with the error of the attributes of sampled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from inkwash.core import Clipped, Condition, Denoiser, Level, NetDenoiser, Sampler
from inkwash.core.conditions import Conditions
from inkwash.core.shapes import Images, PerExample
from inkwash.objectives.denoising import Denoising

Measure = Callable[[Images], Float32[Tensor, "batch attributes"]]


class _FixedWeights(nn.Module):
    """The network `net` with weights that get no gradient; its input does."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        # Without the wrapper of several processes, which would wait for a gradient.
        self.net = net.module if isinstance(net, DistributedDataParallel) else net
        self.weights = {name: weight.detach() for name, weight in self.net.named_parameters()}

    def forward(self, *arguments: Any) -> Tensor:
        return torch.func.functional_call(self.net, self.weights, arguments)


@dataclass(frozen=True)
class AttributeLoss:
    """The `denoising` loss, plus the error of the attributes of an image sampled from the noise of the example.

    It is added, times `weight`, for examples with all their attributes (see `drop_attributes`). The error is
    the Huber loss between the attributes requested and those that `measure` returns for the image, both standardized; NaN
    has none. Its gradient passes through the steps of `sampler`, which is deterministic: Clark et al. (2024), DRaFT. The
    states are those of sampling, where the denoising loss only has those of real images: there the network learns to
    correct its own errors.

    Only predictions at levels between those of `interval` in u contribute to the gradient of the weights. With cleaner levels
    the network meets a request by faint ink around the digit (benchmarks/notes.md).
    """

    denoising: Denoising
    measure: Measure
    sampler: Sampler
    interval: tuple[float, float]
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
        """Return images [B, ...] of `condition` from `noise`, with a gradient of the predictions in `interval`."""
        cleanest, noisiest = self.denoising.schedule.between(*self.interval)
        fixed = replace(denoiser, net=_FixedWeights(denoiser.net))

        def denoise(x: Images, level: Level, label: Conditions | None = None) -> Images:
            if level.c_noise < cleanest.c_noise:
                return fixed(x, level, condition)
            with torch.set_grad_enabled(bool(level.c_noise <= noisiest.c_noise)):
                return denoiser(x, level, condition)

        chosen: Denoiser = Clipped(denoise) if self.denoising.clip else denoise
        *_, frame = self.sampler(chosen, lambda _: noise)
        if frame.x.requires_grad:
            # What cannot be measured, such as an image without ink, has no gradient.
            frame.x.register_hook(lambda gradient: gradient.nan_to_num(0, 0, 0))
        return frame.x
