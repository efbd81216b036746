"""The averaged network that samples are drawn from: an exponential moving average stated as a half-life."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

TOO_YOUNG = 0.01
"""The share of the random start above which an average is not fit to draw from."""


def decay(half_life: float, step: int) -> float:
    """Return the share of the average kept at `step` >= 1, for a `half_life` in steps; 0 averages nothing.

    The half-life grows with the run until it reaches its full length, at most a twentieth of the steps so far, so
    that the random start is forgotten early (a half-life with ramp-up, as in the training of Karras et al. 2022, EDM).
    """
    current = min(half_life, step / 20)
    return 0.5 ** (1 / current) if current > 0 else 0.0


@torch.no_grad()
def update(average: nn.Module, net: nn.Module, keep: float) -> None:
    """Move the parameters of `average` towards those of `net`, keeping the share `keep` in [0, 1] of the old."""
    torch._foreach_lerp_(list[Tensor](average.parameters()), list[Tensor](net.parameters()), 1 - keep)


@torch.no_grad()
def recompute_statistics(average: nn.Module, forward: Callable[[], Iterable[object]]) -> None:
    """Give the BatchNorm layers of `average` the statistics of its own activations.

    The running statistics of the trained network do not fit averaged weights. `forward()` runs `average` over
    some batches, one an item; without BatchNorm layers it is not called.
    """
    layers = [layer for layer in average.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over the batches that follow
        layer.train()
    for _ in forward():
        pass
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
