"""BatchNorm over several processes, on any device: the mean and variance are those of the global batch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` with the training statistics of the batches of all processes (Ioffe & Szegedy, 2015, Alg. 1).

    torch's SyncBatchNorm runs on CUDA only. Parameters and buffers are those of `BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x [B, C, H, W] normalized by channel."""
        if not self.training:
            return super().forward(x)
        x32 = x.float() if x.dtype.itemsize < 4 else x
        count, mean, variance = _moments(x32)
        self._update_running(count, mean, variance)
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if self.affine:
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        return (x32 * scale[:, None, None] + shift[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _update_running(self, count: Tensor, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        weight = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * (count / (count - 1)), weight)


def convert_sync_batchnorm(net: nn.Module) -> nn.Module:
    """Convert the BatchNorm2d layers of `net` in place to SyncedBatchNorm2d, and return it."""
    for layer in net.modules():
        if type(layer) is nn.BatchNorm2d:
            layer.__class__ = SyncedBatchNorm2d
    return net


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the number of values per channel of `x` [B, C, H, W] in all processes, their means and variances [C].

    Counts, means and variances are exchanged in one reduction, and combined without subtracting large numbers
    (Chan, Golub & LeVeque, 1983, Eq. 2.1).
    """
    channels = x.shape[1]
    own = torch.cat([x.new_full((1,), x.numel() / channels), x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)])
    rows = own.new_zeros((dist.get_world_size(), len(own)))
    own_row = torch.arange(len(rows), device=x.device)[:, None] == dist.get_rank()
    rows = _Sum.apply(torch.where(own_row, own, rows))  # type: ignore[no-untyped-call]
    counts, means, variances = rows[:, :1], rows[:, 1 : channels + 1], rows[:, channels + 1 :]
    count = counts.sum()
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean).square())).sum(0) / count
    return count, mean, variance
