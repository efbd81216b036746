"""The Fréchet distance (FD) of two sets of features, compared as Gaussians by mean and covariance.

FD depends on the feature extractor and is biased upward at finite N, so this module also extrapolates to infinite N
and gives intervals. It is not FID (Heusel et al., 2017), whose features are those of Inception.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.rng import Stream, permutation, uniforms
from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.input_checks import check_features, check_width
from inkwash.metrics.tensor_types import Features

MIN_PART_SIZE = 200
MAX_PARTS = 12


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean float64 [D], covariance float64 [D, D] and number of rows of a set of features.

    Raises `InkwashError` for inconsistent shapes and for NaN or infinity.
    """

    mean: Tensor
    covariance: Tensor
    count: int

    def __post_init__(self) -> None:
        """Validate shapes and values, which may come from a damaged file."""
        width = self.mean.numel()
        if self.mean.shape != (width,) or self.covariance.shape != (width, width):
            shapes = f"{list(self.mean.shape)} and {list(self.covariance.shape)}"
            raise InkwashError(
                f"mean and covariance must be [D] and [D, D], but are {shapes}: the reference is damaged",
                code="invalid-data",
            )
        if not (self.mean.isfinite().all() and self.covariance.isfinite().all()):
            raise InkwashError(
                "mean or covariance holds NaN or infinity: the reference is damaged, compute it again",
                code="non-finite",
            )

    @classmethod
    def of(cls, features: Features) -> Moments:
        """Return the moments of `features` [N, D], the covariance unbiased (over N - 1).

        Raises `UsageError` for fewer than 2 rows, `InkwashError` for NaN.
        """
        x = check_features(features, "features", min_rows=2).double()
        mean = x.mean(0)
        deviations = x - mean
        return cls(mean, deviations.T @ deviations / (len(x) - 1), len(x))


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return ||m1 - m2||^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), at least 0 (Dowson & Landau, 1982).

    Singular covariances are allowed: eigenvalues that are negative by rounding are clamped to 0, and the error is below
    1e-8 of the traces. Raises `UsageError` for different widths.
    """
    return max(0.0, _FrechetFrom(a).distance_to(b))


def min_rows_for_extrapolation(width: int) -> int:
    """Return the rows that `fd_infinity` needs for features of that width: three sizes with a bias linear in 1/N."""
    return 3 * max(MIN_PART_SIZE, 4 * width)


def fd_infinity(features: Features, reference: Moments) -> float:
    """Return FD of `features` [N, D] extrapolated linearly in 1/N to infinite N (Chong & Forsyth, 2020).

    A seeded permutation of the rows is split into k parts for k = 1, 2, ... up to 12, which spaces the sizes evenly in
    1/N and uses every row at each; FD at a size is the mean over its parts. The bias of the reference's own size
    remains. For equal distributions the value scatters around 0 and may be negative.

    Needs three sizes of at least 200 rows and 4 D, below which the bias is not linear: N >= max(600, 12 D), 768 for
    64 features. Raises `UsageError` for fewer.
    """
    min_rows = min_rows_for_extrapolation(reference.mean.numel())
    smallest = min_rows // 3
    x = check_features(features, "features", min_rows=min_rows)
    x = x[permutation(0, 0, Stream.FRECHET_ORDER, len(x))]
    source = _FrechetFrom(reference)
    parts = torch.arange(1, 1 + min(MAX_PARTS, len(x) // smallest))
    means = [sum(source.distance_to(Moments.of(part)) for part in x.tensor_split(k)) / k for k in parts.tolist()]
    # 1/n is k/N, so that infinite N is k = 0
    line = torch.stack([torch.ones_like(parts), parts], dim=1).double()
    return torch.linalg.lstsq(line, torch.tensor(means, dtype=torch.float64)[:, None]).solution[0].item()


def mean_fd_of_subsets(features: Features, reference: Moments, size: int) -> float:
    """Return the mean FD of seeded disjoint subsets of `size` rows of `features` [N, D]; remaining rows are left out.

    It is comparable with FD of a set of `size` rows. Raises `UsageError` for fewer than `size` rows.
    """
    x = check_features(features, "features", min_rows=size)
    x = x[permutation(0, 0, Stream.FRECHET_ORDER, len(x))]
    source, count = _FrechetFrom(reference), len(x) // size
    return sum(source.distance_to(Moments.of(part)) for part in x[: count * size].split(size)) / count


def bootstrap_interval(features: Features, reference: Moments, draws: int = 100) -> tuple[float, float]:
    """Return the ends of a 95 % interval for FD of `features` [N, D] at their own N, by `draws` seeded bootstraps.

    Each draw resamples the rows with replacement (Efron, 1979). Repeated rows bias FD upward, so the quantiles are
    shifted from the draws' mean to the estimate; the bias of N itself remains: see `fd_infinity`. For equal
    distributions the bootstrap overestimates the standard deviation up to twofold, so the interval is conservative.
    Raises `UsageError` for fewer than 2 rows or draws.
    """
    if draws < 2:
        raise UsageError(
            f"draws is {draws}: an interval needs at least 2; 100 is usual", code="out-of-range", field="draws"
        )
    own = Moments.of(features)
    deviations = features.double() - own.mean
    source = _FrechetFrom(reference)
    values = [source.distance_to(_resampled(own.mean, deviations, draw)) for draw in range(draws)]
    found = torch.tensor(values, dtype=torch.float64)
    ends = found.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)) - found.mean() + source.distance_to(own)
    return max(0.0, ends[0].item()), ends[1].item()


def _resampled(centre: Tensor, deviations: Tensor, draw: int) -> Moments:
    """Return the moments of a bootstrap resample; `deviations` are the rows less their mean `centre`."""
    count = len(deviations)
    picks = uniforms(0, draw, 0, Stream.FRECHET_BOOTSTRAP, count)[0] * count
    weights = torch.bincount(picks.long(), minlength=count).to(deviations)
    mean = weights @ deviations / count
    second = deviations.T @ (weights[:, None] * deviations)
    return Moments(centre + mean, (second - count * torch.outer(mean, mean)) / (count - 1), count)


class _FrechetFrom:
    """FD from one set to several others; the square root of its covariance is computed once."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        values, vectors = torch.linalg.eigh(moments.covariance)
        self.root = vectors * values.clamp(min=0).sqrt() @ vectors.T

    def distance_to(self, other: Moments) -> float:
        """Return FD to `other`, which rounding may make slightly negative."""
        own = self.moments
        check_width(own.mean.numel(), other.mean.numel(), ("one set", "the other"))
        overlap = torch.linalg.eigvalsh(self.root @ other.covariance @ self.root).clamp(min=0).sqrt().sum()
        between = (own.mean - other.mean).square().sum()
        return (between + own.covariance.trace() + other.covariance.trace() - 2 * overlap).item()
