"""Nearest-neighbour metrics: precision, recall, density and coverage (PRDC); the 1-NN two-sample test; distances."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inkwash.errors import UsageError
from inkwash.metrics.input_checks import check_balanced, check_pair
from inkwash.metrics.tensor_types import Features, Indices, PerImage

CHUNK = 256
"""Queries processed at a time."""
_SPARE_CANDIDATES = 3
"""Candidates beyond k, because float32 may misorder neighbours whose distances differ by its rounding."""


@dataclass(frozen=True)
class PRDC:
    """Precision, recall, density and coverage. The ball of a row reaches to its k-th neighbour in its own set.

    `precision` is the fraction of fakes in any real ball, `recall` that of reals in any fake ball, `coverage` that of
    real balls with any fake, all in [0, 1]; `density` is the mean number of real balls around a fake, over k, about 1
    for equal distributions.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: Features, fake: Float[Tensor, "M D"], k: int = 5) -> PRDC:
    """Return precision and recall (Kynkäänniemi et al., 2019), density and coverage (Naeem et al., 2020).

    `real` and `fake` are [N, D] with N > k. Balls are open, as in the code of Naeem et al., so that a copy of the real
    set scores 1 in all four. Raises `UsageError` for unequal N, different widths, too few rows or k < 1;
    `InkwashError` for NaN.
    """
    if k < 1:
        raise UsageError(f"k is {k}: it must be at least 1; 5 is usual", code="out-of-range", field="k")
    real, fake = check_balanced(real, fake, min_rows=k + 1)
    # Shrink by more than rounding, so that the k-th neighbour itself is outside the ball.
    real_radii, fake_radii = (
        _neighbours(x, x, k, CHUNK, include_self=False)[0][:, -1] * (1 - 1e-9) for x in (real, fake)
    )
    centre = real.double().mean(0)
    others = fake.double() - centre
    balls_around = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    covered = recalled = 0
    for rows, radii in zip(real.split(CHUNK), real_radii.split(CHUNK), strict=True):
        distances = torch.cdist(rows.double() - centre, others)
        inside = distances < radii[:, None]
        balls_around += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((distances < fake_radii).any(1).sum())
    count = len(real)
    return PRDC(
        precision=int((balls_around > 0).sum()) / count,
        recall=recalled / count,
        density=int(balls_around.sum()) / (k * count),
        coverage=covered / count,
    )


def one_nn_accuracy(real: Features, fake: Float[Tensor, "M D"]) -> float:
    """Return the leave-one-out accuracy of a 1-NN classifier of real against fake (Lopez-Paz & Oquab, 2017).

    `real` and `fake` are [N, D], N >= 2. For equal distributions it is (N - 1) / (2 N - 1), about 0.5; for separate
    ones 1. A copy of the real set scores 0, because each row's neighbour is its copy. An exact tie counts one half, so
    that equal distributions of repeated values score 0.5. Raises `UsageError` for unequal N, different widths and
    fewer than 2 rows; `InkwashError` for NaN.
    """
    real, fake = check_balanced(real, fake, min_rows=2)
    found = []
    for own, other in ((real, fake), (fake, real)):
        inside = _neighbours(own, own, 1, CHUNK, include_self=False)[0]
        outside = _neighbours(own, other, 1, CHUNK)[0]
        found.append((inside < outside).double() + (inside == outside).double() / 2)
    return torch.cat(found).mean().item()


def nearest_neighbour(queries: Features, base: Float[Tensor, "M D"], chunk: int = CHUNK) -> tuple[PerImage, Indices]:
    """Return the Euclidean distance of each query to the nearest row of `base`, float64 [N], and its index, int64 [N].

    `queries` are [N, D], `base` [M, D]. The distance of a duplicate is exactly 0. `chunk` bounds the memory (chunk x M
    float32) and does not change the result. Raises `UsageError` for different widths, an empty set and a chunk below 1;
    `InkwashError` for NaN.
    """
    if chunk < 1:
        raise UsageError(f"chunk is {chunk}: it must be at least 1", code="out-of-range", field="chunk")
    check_pair(queries, base, ("queries", "base"))
    distances, rows = _neighbours(queries, base, 1, chunk)
    return distances[:, 0], rows[:, 0]


def _neighbours(queries: Tensor, base: Tensor, k: int, chunk: int, include_self: bool = True) -> tuple[Tensor, Tensor]:
    """Return the k nearest rows: distances float64 [N, k], ascending, and indices; ties go to the lower index.

    Without `include_self`, query i is row i of `base` and excluded from its own neighbours. One matrix product in float32
    finds candidates, because |b|^2/2 - q.b orders rows as their distance does; their exact distances are float64.
    """
    centre = base.float().mean(0)
    base32, queries32 = base.float() - centre, queries.float() - centre
    half = base32.square().sum(1) / 2
    candidates = min(k + _SPARE_CANDIDATES, len(base) - (not include_self))
    distances, indices = [], []
    for start in range(0, len(queries), chunk):
        order = torch.addmm(half, queries32[start : start + chunk], base32.T, alpha=-1)
        if not include_self:
            order.diagonal(start).fill_(torch.inf)
        rows = order.topk(candidates, largest=False, sorted=False).indices.sort(1).values
        differences = queries[start : start + chunk, None].double() - base[rows].double()
        exact, rank = differences.square().sum(2).sqrt().sort(dim=1, stable=True)
        distances.append(exact[:, :k])
        indices.append(rows.gather(1, rank[:, :k]))
    return torch.cat(distances), torch.cat(indices)
