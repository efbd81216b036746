"""Nearest neighbours: what samples lack, what they add, whether they can be told apart, and whether they are copies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.errors import UsageError
from inkwash.metrics.features import balanced, both

CHUNK = 256
_SPARE = 3
"""Candidates beyond those asked for: float32 may rank neighbours wrongly that differ by its rounding."""


@dataclass(frozen=True)
class Manifold:
    """How two sets cover each other's balls; a ball reaches from a row to its k-th neighbour in its own set.

    `precision` is the share of fakes in a real ball, `recall` that of reals in a fake ball, both in [0, 1];
    `density` how many real balls hold a fake, over k, about 1 for equal sets and not bounded by it; `coverage`
    the share of real balls that hold a fake, in [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Return precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020).

    `real` and `fake` are [N, D] with N > k. Balls are open, as in Naeem et al.'s own code, so that a copy of the real
    set scores 1 in all four. Raises `UsageError` for unequal N, two widths, too few rows or k < 1, `InkwashError`
    for NaN.
    """
    if k < 1:
        raise UsageError(f"k is {k}: a ball reaches to the k-th neighbour, at least the first; 5 is usual")
    real, fake = balanced(real, fake, least=k + 1)
    # a neighbour on the sphere stays outside, however its distance is rounded
    real_radii, fake_radii = (_neighbours(x, x, k, CHUNK, itself=False)[0][:, -1] * (1 - 1e-9) for x in (real, fake))
    centre = real.double().mean(0)
    others = fake.double() - centre
    balls_around = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    covered = recalled = 0
    for rows, radii in zip(real.split(CHUNK), real_radii.split(CHUNK), strict=True):
        apart = torch.cdist(rows.double() - centre, others)
        inside = apart < radii[:, None]
        balls_around += inside.sum(0)
        covered += int(inside.any(1).sum())
        recalled += int((apart < fake_radii).any(1).sum())
    count = len(real)
    return Manifold(
        precision=int((balls_around > 0).sum()) / count,
        recall=recalled / count,
        density=int(balls_around.sum()) / (k * count),
        coverage=covered / count,
    )


def two_sample(real: Tensor, fake: Tensor) -> float:
    """Return how often a row's nearest neighbour among all others is of its own set, in [0, 1] (Lopez-Paz & Oquab 2017).

    `real` and `fake` are [N, D], N >= 2. 0.5 means that the sets cannot be told apart (exactly (N - 1) / (2 N - 1)),
    1 that they do not mix. Below 0.5 they are closer than chance allows: a copy of the real set scores 0, because
    each row's neighbour is its copy. An exact tie counts one half, which keeps 0.5 for sets drawn alike from values
    that repeat; a copier so gains half the share of rows that the real set itself holds twice, and no more. Raises
    `UsageError` for unequal N, two widths or fewer than 2 rows, `InkwashError` for NaN.
    """
    real, fake = balanced(real, fake, least=2)
    found = []
    for own, other in ((real, fake), (fake, real)):
        inside = _neighbours(own, own, 1, CHUNK, itself=False)[0]
        outside = _neighbours(own, other, 1, CHUNK)[0]
        found.append((inside < outside).double() + (inside == outside).double() / 2)
    return torch.cat(found).mean().item()


def nearest(queries: Tensor, base: Tensor, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """Return for each query its Euclidean distance to the nearest row of `base`, float64 [N], and that row, int64 [N].

    `queries` are [N, D], `base` [M, D]. A duplicate is at distance 0 exactly. `chunk` queries at a time bound the
    memory (chunk x M float32) and change nothing else. Raises `UsageError` for two widths, an empty set or a chunk
    below 1, `InkwashError` for NaN.
    """
    if chunk < 1:
        raise UsageError(f"chunk is {chunk}: at least one query is looked up at a time")
    both(queries, base, ("queries", "base"))
    distances, rows = _neighbours(queries, base, 1, chunk)
    return distances[:, 0], rows[:, 0]


def _neighbours(queries: Tensor, base: Tensor, k: int, chunk: int, itself: bool = True) -> tuple[Tensor, Tensor]:
    """Return the k nearest rows: distances float64 [N, k], ascending, and their indices; the lower index wins a tie.

    Without `itself`, query i is row i of `base` and no neighbour of its own. One product of matrices finds candidates:
    |b|^2/2 - q.b orders rows as their distance does. Its float32 cancels, so the candidates are measured again.
    """
    centre = base.float().mean(0)
    rough, places = base.float() - centre, queries.float() - centre
    half = rough.square().sum(1) / 2
    candidates = min(k + _SPARE, len(base) - (not itself))
    distances, indices = [], []
    for start in range(0, len(queries), chunk):
        part = places[start : start + chunk]
        order = torch.addmm(half, part, rough.T, alpha=-1)
        if not itself:
            order.diagonal(start).fill_(torch.inf)
        rows = order.topk(candidates, largest=False, sorted=False).indices.sort(1).values
        apart = queries[start : start + chunk, None].double() - base[rows].double()
        exact, place = apart.square().sum(2).sqrt().sort(dim=1, stable=True)
        distances.append(exact[:, :k])
        indices.append(rows.gather(1, place[:, :k]))
    return torch.cat(distances), torch.cat(indices)
