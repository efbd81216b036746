"""Noise schedules: monotone maps from u in [0, 1] to a Level, clean at 0 and noisiest at 1, computed in float64.

To add one, write a frozen dataclass with `alpha_sigma` and add it to SCHEDULES.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from inkwash.core.levels import CLEAN, NOISE, Level
from inkwash.core.shapes import Scalars
from inkwash.errors import UsageError

MAX_SAMPLING_STEPS = 100_000
"""The largest number of sampling steps, and of timesteps of a discrete schedule; larger ones are refused."""


class Schedule:
    """The base class of schedules: a subclass defines `alpha_sigma(u)`, and may define its spacing by `grid` and `snap`."""

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        """Return alpha and sigma for `u` (float64, any shape, in [0, 1])."""
        raise NotImplementedError

    def __call__(self, u: Tensor | float) -> Level:
        """Return the level at `u` in [0, 1] (a number, or a tensor of shape [B])."""
        return Level(*self.alpha_sigma(torch.as_tensor(u, dtype=torch.float64)))

    @property
    def num_timesteps(self) -> int | None:
        """The number of noise levels T of a discrete schedule; None for a continuous one."""
        return None

    @property
    def max_steps(self) -> int:
        """The largest number of steps of a path."""
        return min(self.num_timesteps or MAX_SAMPLING_STEPS, MAX_SAMPLING_STEPS)

    def snap(self, u: Scalars) -> Scalars:
        """Return `u` rounded up to a timestep i/T of a discrete schedule, unchanged for a continuous one."""
        return u

    def grid(self, n: int) -> Scalars:
        """Return n decreasing values of u from the noisiest on, float64 [n]; `levels` appends CLEAN."""
        return self.snap(torch.arange(n, 0, -1, dtype=torch.float64) / n)

    def require_steps(self, n: int) -> None:
        """Raise `UsageError` unless a path may have n steps: 1 <= n <= `max_steps`."""
        if not 1 <= n <= self.max_steps:
            message = f"steps is {n}: use 1 to {self.max_steps:,} on this schedule"
            raise UsageError(message, code="out-of-range", field="steps")

    def levels(self, n: int) -> list[Level]:
        """Return n levels from the noisiest on, then CLEAN: a path of n steps. Raises as `require_steps`."""
        self.require_steps(n)
        return [self(u) for u in self.grid(n)] + [CLEAN]

    def u_at_log_snr(self, log_snr: float) -> float:
        """Return the u whose level has this log-SNR, by bisection to float64 precision; the nearest end if there is none."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self(middle).log_snr > log_snr else (low, middle)
        return high

    def between(self, low: float, high: float) -> tuple[Level, Level]:
        """Return the cleanest and the noisiest level of an interval in u; 0 stands for CLEAN and 1 for NOISE.

        Raises `UsageError` unless 0 <= low < high <= 1.
        """
        if not 0 <= low < high <= 1:
            message = f"interval is {low:g}..{high:g}: it must satisfy 0 <= low < high <= 1"
            raise UsageError(message, code="out-of-range", field="interval")
        return (CLEAN if low == 0 else self(low)), (NOISE if high == 1 else self(high))

    @property
    def terminal(self) -> Level:
        """The noisiest level; see `levels.describe_terminal_snr` for its distance to pure noise."""
        return self(1.0)


class Betas(Schedule):
    """A discrete schedule of T betas, alpha^2 = prod(1 - beta): Ho et al. (2020), Section 2.

    Exact at the timesteps u = i/T; log(alpha^2) is interpolated linearly between them.
    """

    T: int

    def __post_init__(self) -> None:
        if not 1 <= self.T <= MAX_SAMPLING_STEPS:
            message = f"schedule.T is {self.T}: it must be from 1 to {MAX_SAMPLING_STEPS:,}"
            raise UsageError(message, code="out-of-range", field="schedule.T")
        betas = self.betas()
        if not ((betas > 0) & (betas < 1)).all():
            message = f"{self} has betas from {betas.min():g} to {betas.max():g}: each must be in (0, 1)"
            raise UsageError(message, code="out-of-range", field="schedule")

    def betas(self) -> Scalars:
        """Return beta_1 .. beta_T, float64 [T], each in (0, 1)."""
        raise NotImplementedError

    @cached_property
    def _log_alpha_bar(self) -> Tensor:
        start = torch.zeros(1, dtype=torch.float64)
        return torch.cat([start, torch.cumsum(torch.log1p(-self.betas()), 0)])

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        table = self._log_alpha_bar
        position = u * self.T
        below = position.floor().clamp(0, self.T - 1).long()
        log_alpha_bar = torch.lerp(table[below], table[below + 1], position - below)
        return torch.exp(log_alpha_bar / 2), torch.sqrt(-torch.expm1(log_alpha_bar))

    @property
    def num_timesteps(self) -> int:
        return self.T

    def snap(self, u: Scalars) -> Scalars:
        # The offset of 1e-6 maps k/T to timestep k in spite of rounding.
        return (u * self.T - 1e-6).ceil().clamp(1, self.T) / self.T


@dataclass(frozen=True)
class Linear(Betas):
    """Betas linear in t from `start` to `end`: Ho et al. (2020), Section 4, with 1e-4, 0.02 and T = 1000."""

    T: int = 1000
    start: float = 1e-4
    end: float = 0.02

    def betas(self) -> Scalars:
        return torch.linspace(self.start, self.end, self.T, dtype=torch.float64)


@dataclass(frozen=True)
class Quadratic(Linear):
    """Betas whose square root is linear in t: "quad" of Ho et al. (2020), "scaled linear" of Rombach et al. (2022)."""

    def betas(self) -> Scalars:
        # A negative end gives NaN, which the check of betas refuses; math.sqrt would raise.
        start, end = torch.tensor([self.start, self.end], dtype=torch.float64).sqrt().tolist()
        return torch.linspace(start, end, self.T, dtype=torch.float64) ** 2


@dataclass(frozen=True)
class Cosine(Schedule):
    """alpha^2 = cos^2 of an angle linear in u, 0 at u = 1: Nichol & Dhariwal (2021), Eq. 17, with `offset` s."""

    offset: float = 0.008

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        # The sine of 1 - u is exactly zero at the noisy end, where the cosine of u would be 6e-17.
        quarter = math.pi / 2 / (1 + self.offset)
        alpha = torch.sin(quarter * (1 - u)) / math.sin(quarter)
        return alpha, torch.sqrt((1 - alpha) * (1 + alpha))


@dataclass(frozen=True)
class Sigmoid(Schedule):
    """alpha^2 is a sigmoid between `start` and `end`, rescaled to reach 1 and 0: Jabri et al. (2022), Section 3."""

    start: float = -3.0
    end: float = 3.0
    tau: float = 1.0

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        first, last = (1 / (1 + math.exp(-edge / self.tau)) for edge in (self.start, self.end))
        edges = u.new_tensor([self.start, self.end])
        now = torch.sigmoid(torch.lerp(edges[0], edges[1], u) / self.tau)
        alpha_bar = ((last - now) / (last - first)).clamp(0, 1)
        return torch.sqrt(alpha_bar), torch.sqrt(1 - alpha_bar)


@dataclass(frozen=True)
class Flow(Schedule):
    """The straight path alpha = 1 - u, sigma = u: Lipman et al. (2023); rectified flow, Liu et al. (2023)."""

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        return 1 - u, u


class OpenEnd(Schedule):
    """A schedule with sigma > 0 at u = 0: the path includes u = 0 and then CLEAN, as in Karras et al. (2022), Alg. 1."""

    def grid(self, n: int) -> Scalars:
        return torch.linspace(1, 0, n, dtype=torch.float64)


@dataclass(frozen=True)
class Karras(OpenEnd):
    """alpha = 1 and sigma^(1/rho) linear in u, from `low` to `high`: Karras et al. (2022), Eq. 5."""

    low: float = 0.002
    high: float = 80.0
    rho: float = 7.0

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.high and self.rho > 0):
            message = f"{self}: it must satisfy 0 <= low <= high and rho > 0"
            raise UsageError(message, code="out-of-range", field="schedule")

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        low, high = self.low ** (1 / self.rho), self.high ** (1 / self.rho)
        return torch.ones_like(u), (low + u * (high - low)) ** self.rho


@dataclass(frozen=True)
class LogLinear(OpenEnd):
    """Log-SNR linear in u from `high` to `low`, with alpha^2 + sigma^2 = 1: Kingma et al. (2021), VDM."""

    high: float = 12.0
    low: float = -9.0

    def alpha_sigma(self, u: Scalars) -> tuple[Scalars, Scalars]:
        log_snr = self.high + u * (self.low - self.high)
        return torch.sqrt(torch.sigmoid(log_snr)), torch.sqrt(torch.sigmoid(-log_snr))


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
