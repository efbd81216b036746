"""Operations of a network, counted by torch, and what share of the machine's peak a piece of work reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from inkwash.model import Model
from inkwash.nets import summary


def counted(work: Callable[[], object]) -> int:
    """Return the operations of `work`, a multiply-add as 2: matrix products, convolutions and attention."""
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def forward(model: Model) -> int:
    """Return the operations of one network evaluation of one example, with a label where the network hears one."""
    label = torch.zeros(1, dtype=torch.int64, device=model.device) if model.conditional else None
    code = torch.full((1,), 0.5, device=model.device)
    return summary.flops(model.net, model.spec.shape, lambda net, x: net(x, code, label))


def rates(flops: float, seconds: Sequence[float]) -> tuple[float, ...]:
    """Return the GFLOP/s of each turn."""
    return tuple(flops / each / 1e9 for each in seconds)


def shares(flops: float, seconds: Sequence[float], peak: Sequence[float]) -> tuple[float, ...]:
    """Return of each turn the share of `peak`, the GFLOP/s that the machine reached in that same turn."""
    return tuple(rate / most for rate, most in zip(rates(flops, seconds), peak, strict=True))
