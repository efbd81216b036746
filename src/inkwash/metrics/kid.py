"""The kernel distance (KID) of two sets of features: squared MMD with a cubic kernel, unbiased in N."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.errors import UsageError
from inkwash.metrics.input_checks import check_pair

STUDENT_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""97.5 % quantiles of Student's t distribution for 2, 3, ... blocks; the last is used for more.

The jackknife of a single block is normal for many rows: its interval takes 1.96.
"""


@dataclass(frozen=True)
class KIDEstimate:
    """A value and its standard error: over `blocks`, or by the jackknife where there is one block."""

    value: float
    standard_error: float
    blocks: int

    @property
    def confidence_interval(self) -> tuple[float, float]:
        """The ends of a 95 % interval."""
        quantile = STUDENT_T[min(self.blocks - 1, len(STUDENT_T)) - 1] if self.blocks > 1 else 1.96
        return self.value - quantile * self.standard_error, self.value + quantile * self.standard_error


def kid(x: Float[Tensor, "N D"], y: Float[Tensor, "M D"], block: int = 1000) -> KIDEstimate:
    """Return the squared maximum mean discrepancy of `x` [N, D] and `y` [M, D] under the kernel (x.y/D + 1)^3.

    The unbiased estimate of Gretton et al. (2012), Eq. 3, as KID of Binkowski et al. (2018): for equal distributions
    it is 0 in expectation. It is the mean over disjoint seeded blocks of at least `block` rows, which use all rows of
    the smaller set. Raises `UsageError` for different widths, fewer than `block` rows or than the 3 of the jackknife,
    and a block below 2; `InkwashError` for NaN.
    """
    if block < 2:
        raise UsageError(f"block is {block}: at least 2 rows are needed", code="out-of-range", field="block")
    check_pair(x, y, ("x", "y"), min_rows=max(block, 3))
    count = min(len(x), len(y)) // block
    size = min(len(x), len(y)) // count
    first, second = (
        rows[permutation(0, draw, Stream.KID_BLOCKS, len(rows))[: count * size]].double().split(size)
        for draw, rows in enumerate((x, y))
    )
    found = torch.tensor([_discrepancy(a, b) for a, b in zip(first, second, strict=True)], dtype=torch.float64)
    error = found.std().item() / math.sqrt(count) if count > 1 else _jackknife_error(first[0], second[0])
    return KIDEstimate(found.mean().item(), error, count)


def _discrepancy(x: Tensor, y: Tensor) -> float:
    within = sum((_kernel(rows, rows).sum() - _kernel_to_self(rows).sum()) / (len(rows) - 1) for rows in (x, y))
    return ((within - 2 * _kernel(x, y).sum() / len(y)) / len(x)).item()


def _jackknife_error(x: Tensor, y: Tensor) -> float:
    """Return the standard error of `_discrepancy` by leaving out each row in turn (Efron & Stein, 1981).

    Both sets have N >= 3 rows. For equal distributions the error is overestimated by up to sqrt(2).
    """
    count, variance = len(x), 0.0
    for own, other in ((x, y), (y, x)):
        within = _kernel(own, own).sum(1) - _kernel_to_self(own)
        across = _kernel(own, other).sum(1)
        # Compute the estimate without each row, times N - 1, but for a constant.
        without_row = (within.sum() - 2 * within) / (count - 2) - 2 * (across.sum() - across) / count
        variance += without_row.var().item() / count
    return math.sqrt(variance)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _kernel_to_self(x: Tensor) -> Tensor:
    return (x.square().mean(1) + 1) ** 3
