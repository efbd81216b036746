"""The exponential moving average (EMA) of the network, which samples are generated from, given by a half-life."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

MAX_INIT_WEIGHT = 0.01
"""Weight of the initial parameters in the EMA above which it should not be sampled from."""


def decay(half_life: float, step: int) -> float:
    """Return the decay of the EMA at `step` >= 1 for a `half_life` in steps; a half-life of 0 copies the network.

    The half-life is at most a twentieth of the steps so far, so that the initial parameters lose their weight early
    (the EMA warm-up of Karras et al., 2022, training code of EDM).
    """
    current = min(half_life, step / 20)
    return 0.5 ** (1 / current) if current > 0 else 0.0


@torch.no_grad()
def update(ema_net: nn.Module, net: nn.Module, decay: float) -> None:
    """Set the parameters of `ema_net` to decay * ema_net + (1 - decay) * net, with `decay` in [0, 1]."""
    torch._foreach_lerp_(list[Tensor](ema_net.parameters()), list[Tensor](net.parameters()), 1 - decay)


@torch.no_grad()
def update_batchnorm(ema_net: nn.Module, forward: Callable[[], Iterable[object]]) -> None:
    """Set the BatchNorm statistics of `ema_net` to those of its activations.

    The running statistics of the trained network do not fit averaged weights. Each item of `forward()` is one forward
    pass of `ema_net`; it is not called without BatchNorm layers.
    """
    layers = [layer for layer in ema_net.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # The cumulative mean over the following batches.
        layer.train()
    for _ in forward():
        pass
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
