"""BatchNorm over several processes, on any device: the mean and variance are those of the whole batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, mine: Tensor) -> Tensor:
        total = mine.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` whose statistics in training are of the batches of all processes (Ioffe & Szegedy 2015, alg. 1).

    torch's own SyncBatchNorm does this on cuda only. Parameters and buffers are those of the layer that it stands for.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x [B, C, H, W] normalised by channel."""
        if not self.training:
            return super().forward(x)
        whole = x.float() if x.dtype.itemsize < 4 else x
        count, mean, variance = _moments(whole)
        self._remember(count, mean, variance)
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        return (whole * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (count / (count - 1)), share)


def sync(net: nn.Module) -> nn.Module:
    """Return `net` with its BatchNorm layers turned, where they stand, into ones that hear all processes."""
    for layer in net.modules():
        if type(layer) is nn.BatchNorm2d:
            layer.__class__ = SyncedBatchNorm2d
    return net


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how many values a channel of `x` [B, C, H, W] has in all processes, their mean and their variance [C].

    Every process tells its own three in one message, and they are put together without the difference of two large
    numbers that squares would leave (Chan, Golub & LeVeque 1983, eq. 2.1).
    """
    channels = x.shape[1]
    own = torch.cat([x.new_full((1,), x.numel() / channels), x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)])
    rows = own.new_zeros((dist.get_world_size(), len(own)))
    place = torch.arange(len(rows), device=x.device)[:, None] == dist.get_rank()
    told = _Sum.apply(torch.where(place, own, rows))  # type: ignore[no-untyped-call]
    counts, means, variances = told[:, :1], told[:, 1 : channels + 1], told[:, channels + 1 :]
    count = counts.sum()
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean).square())).sum(0) / count
    return count, mean, variance
