"""The Frechet distance (FD): two sets of features compared as Gaussians, by their means and covariances alone.

The number belongs to its judge and to its N: a finite sample lies further away than the distribution it came from.
So beside it stand its value at infinite N and an interval. With features of Inception it would be FID (Heusel et al.
2017), which this is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation, uniforms
from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.features import checked, same_width

SMALLEST_PART = 200
MOST_PARTS = 12


@dataclass(frozen=True, eq=False)
class Moments:
    """All that FD sees of a set: mean float64 [D], covariance float64 [D, D], and how many rows they came from.

    Raises `InkwashError` for shapes that do not fit and for NaN or infinity.
    """

    mean: Tensor
    covariance: Tensor
    count: int

    def __post_init__(self) -> None:
        """Refuse what a damaged file holds."""
        width = self.mean.numel()
        if self.mean.shape != (width,) or self.covariance.shape != (width, width):
            shapes = f"{list(self.mean.shape)} and {list(self.covariance.shape)}"
            raise InkwashError(
                f"mean and covariance must be [D] and [D, D], but are {shapes}: the reference is damaged"
            )
        if not (self.mean.isfinite().all() and self.covariance.isfinite().all()):
            raise InkwashError("mean or covariance holds NaN or infinity: the reference is damaged, make it anew")

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """Return the moments of `features` [N, D], the covariance unbiased (over N - 1).

        Raises `UsageError` for fewer than 2 rows, `InkwashError` for NaN.
        """
        x = checked(features, "features", least=2).double()
        mean = x.mean(0)
        apart = x - mean
        return cls(mean, apart.T @ apart / (len(x) - 1), len(x))


def distance(a: Moments, b: Moments) -> float:
    """Return ||m1 - m2||^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), at least 0 (Dowson & Landau 1982).

    Singular covariances are allowed: an eigenvalue that rounding made negative counts as 0, and the result is good to
    1e-8 of the traces. Raises `UsageError` for features of two widths.
    """
    return max(0.0, _From(a).to(b))


def fewest_for_infinity(width: int) -> int:
    """Return the rows that `at_infinity` needs for features of that width: three sizes at which the bias is a line."""
    return 3 * max(SMALLEST_PART, 4 * width)


def at_infinity(features: Tensor, reference: Moments) -> float:
    """Return FD of `features` [N, D] at infinite N, the value at 1/N = 0 of a line in 1/N (Chong & Forsyth 2020).

    A seeded permutation of the rows is cut into k parts for k = 1, 2, ... up to 12, which spaces the sizes evenly in
    1/N and uses every row at each; FD at a size is the mean over its parts, so that its noise is a third of a single
    subset's. The bias of the reference's own size stays. The value scatters around 0 where the distributions agree,
    and may be negative.

    Needs three sizes of at least 200 rows and 4 D, below which the bias is no line: N >= max(600, 12 D), 768 for
    64 features. Raises `UsageError` for fewer.
    """
    least = fewest_for_infinity(reference.mean.numel())
    smallest = least // 3
    x = checked(features, "features for FD at infinite N", least=least)
    x = x[permutation(0, 0, Stream.FRECHET_ORDER, len(x))]
    start = _From(reference)
    parts = torch.arange(1, 1 + min(MOST_PARTS, len(x) // smallest))
    means = [sum(start.to(Moments.of(part)) for part in x.tensor_split(k)) / k for k in parts.tolist()]
    # 1/n is k/N, so that infinity is k = 0
    line = torch.stack([torch.ones_like(parts), parts], dim=1).double()
    return torch.linalg.lstsq(line, torch.tensor(means, dtype=torch.float64)[:, None]).solution[0].item()


def in_parts(features: Tensor, reference: Moments, size: int) -> float:
    """Return the mean FD of seeded disjoint parts of `size` rows each of `features` [N, D]; a rest is left out.

    What N rows score at a smaller number, to stand beside a set that has no more. Raises `UsageError` for fewer than
    `size` rows.
    """
    x = checked(features, "features for FD in parts", least=size)
    x = x[permutation(0, 0, Stream.FRECHET_ORDER, len(x))]
    start, count = _From(reference), len(x) // size
    parts = x[: count * size].split(size)
    return sum((start.to(Moments.of(part)) for part in parts), 0.0) / count


def interval(features: Tensor, reference: Moments, draws: int = 100) -> tuple[float, float]:
    """Return the ends of a 95 % interval for FD of `features` [N, D] at their own N, by `draws` seeded bootstraps.

    Each draw takes the rows as often as a multinomial says (Efron 1979). A draw repeats rows, so that its FD is biased
    upward once more: the quantiles are moved from the draws' mean to the estimate. The bias of N itself remains in
    both ends: see `at_infinity`. Where the distributions agree, the bootstrap finds up to twice the spread that new
    samples have, so that the interval is too wide rather than too narrow. Raises `UsageError` for fewer than 2 rows or
    draws.
    """
    if draws < 2:
        raise UsageError(f"draws is {draws}: an interval needs at least 2, and 100 for ends that mean something")
    own = Moments.of(features)
    apart = features.double() - own.mean
    start = _From(reference)
    found = torch.tensor([start.to(_resampled(own.mean, apart, draw)) for draw in range(draws)], dtype=torch.float64)
    low, high = found.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)) - found.mean() + start.to(own)
    return max(0.0, low.item()), high.item()


def _resampled(centre: Tensor, apart: Tensor, draw: int) -> Moments:
    """The moments of as many rows drawn with replacement; `apart` are the rows less their mean `centre`."""
    count = len(apart)
    picks = uniforms(0, draw, 0, Stream.FRECHET_BOOTSTRAP, count)[0] * count
    weights = torch.bincount(picks.long(), minlength=count).to(apart)
    mean = weights @ apart / count
    second = apart.T @ (weights[:, None] * apart)
    return Moments(centre + mean, (second - count * torch.outer(mean, mean)) / (count - 1), count)


class _From:
    """FD from one set to many: the root of its covariance is taken once."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        values, vectors = torch.linalg.eigh(moments.covariance)
        self.root = vectors * values.clamp(min=0).sqrt() @ vectors.T

    def to(self, other: Moments) -> float:
        """Return the distance to `other`, below 0 by no more than rounding."""
        own = self.moments
        same_width(own.mean.numel(), other.mean.numel(), ("one set's features", "the other's"))
        overlap = torch.linalg.eigvalsh(self.root @ other.covariance @ self.root).clamp(min=0).sqrt().sum()
        between = (own.mean - other.mean).square().sum()
        return (between + own.covariance.trace() + other.covariance.trace() - 2 * overlap).item()
