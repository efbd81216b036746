"""A schedule is a monotone map u in [0, 1] -> Level, from clean (0) to noisy (1), computed in float64.

To add one: a frozen dataclass with `alpha_sigma` of two to four lines, and a row in SCHEDULES.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from inkwash.core.levels import CLEAN, NOISE, Level
from inkwash.core.warps import Warp
from inkwash.errors import UsageError

MOST = 100_000
"""Levels of a path, and rows of a table, beyond which a number is a slip of the hand."""


class Schedule:
    """The base of all schedules: a subclass gives `alpha_sigma(u)`, and owns its spacing through `grid` and `snap`."""

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and sigma for `u` (float64, any shape, in [0, 1])."""
        raise NotImplementedError

    def __call__(self, u: Tensor | float) -> Level:
        """Return the level at `u` in [0, 1] (a number, or a tensor of shape [B])."""
        return Level(*self.alpha_sigma(torch.as_tensor(u, dtype=torch.float64)))

    @property
    def rows(self) -> int | None:
        """The number of levels that there are, T of a beta table; None for a curve, which has as many as one likes."""
        return None

    def snap(self, u: Tensor) -> Tensor:
        """Return the `u` that stands for this one: a table has T of them, a curve has all."""
        return u

    def grid(self, n: int) -> Tensor:
        """Return n values of u from the noisiest level on, float64 [n]; the step after the last one is to CLEAN."""
        return self.snap(torch.arange(n, 0, -1, dtype=torch.float64) / n)

    def levels(self, n: int) -> list[Level]:
        """Return n levels from the noisiest, then CLEAN: n network evaluations for a one-evaluation sampler.

        Raises `UsageError` when n < 1, or more than the rows of a table or than MOST.
        """
        if n < 1:
            raise UsageError(f"steps is {n}: a sampler needs at least 1")
        if n > MOST:
            raise UsageError(f"steps is {n}: a sampler takes at most {MOST:,}")
        if self.rows is not None and n > self.rows:
            raise UsageError(f"steps is {n}, but this beta table has T = {self.rows} rows: ask for at most {self.rows}")
        return [self(u) for u in self.grid(n)] + [CLEAN]

    def find(self, log_snr: float) -> float:
        """Return the u whose level has this log-SNR, by bisection to the last bit; the nearest end when none has."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self(middle).log_snr > log_snr else (low, middle)
        return high

    def between(self, low: float, high: float) -> tuple[Level, Level]:
        """Return the cleanest and the noisiest level of an interval in u; from 0 and up to 1 it leaves no level out.

        Raises `UsageError` unless 0 <= low < high <= 1.
        """
        if not 0 <= low < high <= 1:
            raise UsageError(f"guidance interval {low:g}..{high:g}: it needs 0 <= low < high <= 1")
        return (CLEAN if low == 0 else self(low)), (NOISE if high == 1 else self(high))

    @property
    def terminal(self) -> Level:
        """The noisiest level; its `log_snr` tells how near to pure noise training comes."""
        return self(1.0)


class Betas(Schedule):
    """A table of T betas: alpha^2 = prod(1 - beta) (Ho et al. 2020), exact at u = i/T, interpolated in its log between."""

    T: int

    def __post_init__(self) -> None:
        if not 1 <= self.T <= MOST:
            raise UsageError(f"schedule.T is {self.T}: a beta table has 1 to {MOST:,} rows")
        betas = self.betas()
        if not ((betas > 0) & (betas < 1)).all():
            raise UsageError(f"{self} has betas from {betas.min():g} to {betas.max():g}: each must lie between 0 and 1")

    def betas(self) -> Tensor:
        """Return beta_1 .. beta_T, float64 [T], each in (0, 1)."""
        raise NotImplementedError

    @cached_property
    def _log_alpha_bar(self) -> Tensor:
        start = torch.zeros(1, dtype=torch.float64)
        return torch.cat([start, torch.cumsum(torch.log1p(-self.betas()), 0)])

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        table = self._log_alpha_bar
        place = u * self.T
        below = place.floor().clamp(0, self.T - 1).long()
        log_alpha_bar = torch.lerp(table[below], table[below + 1], place - below)
        return torch.exp(log_alpha_bar / 2), torch.sqrt(-torch.expm1(log_alpha_bar))

    @property
    def rows(self) -> int:
        return self.T

    def snap(self, u: Tensor) -> Tensor:
        # the row that u falls into; the millionth keeps k/T in row k in spite of rounding
        return (u * self.T - 1e-6).ceil().clamp(1, self.T) / self.T


@dataclass(frozen=True)
class Linear(Betas):
    """Betas linear in t from `start` to `end` (Ho et al. 2020, section 4: 1e-4 to 0.02 with T = 1000)."""

    T: int = 1000
    start: float = 1e-4
    end: float = 0.02

    def betas(self) -> Tensor:
        return torch.linspace(self.start, self.end, self.T, dtype=torch.float64)


@dataclass(frozen=True)
class Quadratic(Betas):
    """Betas whose square root is linear in t ("quad" of Ho et al. 2020; "scaled linear" of Rombach et al. 2022)."""

    T: int = 1000
    start: float = 1e-4
    end: float = 0.02

    def betas(self) -> Tensor:
        # nan for what has no root, which is no beta
        start, end = torch.tensor([self.start, self.end], dtype=torch.float64).sqrt().tolist()
        return torch.linspace(start, end, self.T, dtype=torch.float64) ** 2


@dataclass(frozen=True)
class Cosine(Schedule):
    """alpha^2 = cos^2 of an angle that grows linearly from `offset` (Nichol & Dhariwal 2021, eq. 17), 0 at u = 1."""

    offset: float = 0.008

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        # 1 - u, not u: the sine is exactly zero at the noisy end, where the cosine would leave 6e-17
        quarter = math.pi / 2 / (1 + self.offset)
        alpha = torch.sin(quarter * (1 - u)) / math.sin(quarter)
        return alpha, torch.sqrt((1 - alpha) * (1 + alpha))


@dataclass(frozen=True)
class Sigmoid(Schedule):
    """alpha^2 falls as a sigmoid between `start` and `end`, rescaled to reach 1 and 0 (Jabri et al. 2022, section 3)."""

    start: float = -3.0
    end: float = 3.0
    tau: float = 1.0

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        first, last = (1 / (1 + math.exp(-edge / self.tau)) for edge in (self.start, self.end))
        edges = u.new_tensor([self.start, self.end])
        now = torch.sigmoid(torch.lerp(edges[0], edges[1], u) / self.tau)
        share = ((last - now) / (last - first)).clamp(0, 1)
        return torch.sqrt(share), torch.sqrt(1 - share)


@dataclass(frozen=True)
class Flow(Schedule):
    """The straight path alpha = 1 - u, sigma = u (Lipman et al. 2023; Liu et al. 2023, rectified flow)."""

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - u, u


class OpenEnd(Schedule):
    """A schedule whose u = 0 is a small noise, not none: its n levels reach both ends, and CLEAN comes after."""

    def grid(self, n: int) -> Tensor:
        return torch.linspace(1, 0, n, dtype=torch.float64)


@dataclass(frozen=True)
class Karras(OpenEnd):
    """alpha = 1 and sigma^(1/rho) linear in u, from `low` to `high` (Karras et al. 2022, EDM, eq. 5)."""

    low: float = 0.002
    high: float = 80.0
    rho: float = 7.0

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high and self.rho > 0):
            raise UsageError(f"{self}: it needs 0 <= low <= high, and a rho above 0")

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return torch.ones_like(u), (low + u * (high - low)) ** self.rho


@dataclass(frozen=True)
class LogLinear(OpenEnd):
    """Log-SNR linear in u from `high` to `low`, with alpha^2 + sigma^2 = 1 (Kingma et al. 2021, VDM)."""

    high: float = 12.0
    low: float = -9.0

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        log_snr = self.high + u * (self.low - self.high)
        return torch.sqrt(torch.sigmoid(log_snr)), torch.sqrt(torch.sigmoid(-log_snr))


@dataclass(frozen=True)
class Warped(Schedule):
    """A schedule seen through a warp of u: `schedule(warp(u))`, spaced by the inner schedule's grid."""

    schedule: Schedule
    warp: Warp = field(default_factory=Warp)

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        return self.schedule.alpha_sigma(self.warp(u))

    @property
    def rows(self) -> int | None:
        return self.schedule.rows

    def snap(self, u: Tensor) -> Tensor:
        return self.schedule.snap(u)

    def grid(self, n: int) -> Tensor:
        return self.schedule.grid(n)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "linear": Linear,
    "quadratic": Quadratic,
    "scaled-linear": Quadratic,
    "cosine": Cosine,
    "sigmoid": Sigmoid,
    "flow": Flow,
    "karras": Karras,
    "log-linear": LogLinear,
}
