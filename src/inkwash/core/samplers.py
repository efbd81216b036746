"""The one sampling loop of inkwash, a generator, and the table of small rules that makes it every sampler.

A sampler is two rules: how the guess is refined before the step, and which share of the noise is drawn anew.
To add a solver: one rule of a few lines, and a row in SAMPLERS.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, Level
from inkwash.core.schedules import Schedule
from inkwash.errors import UsageError, unknown_name


class Frame(NamedTuple):
    """One moment of the path: its level, the state x [B, ...] there, and the image guessed from it [B, ...]."""

    level: Level
    x: Tensor
    denoised: Tensor


class Prediction(NamedTuple):
    """A past guess and the level it was made at; what multistep rules extrapolate from."""

    level: Level
    image: Tensor


Refine = Callable[[Denoiser, Tensor, Tensor, Level, Level, Sequence[Prediction]], Tensor]
Share = Callable[[Level, Level, float], Tensor]
Noise = Callable[[int], Tensor]


def plain(denoise: Denoiser, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: Sequence[Prediction]) -> Tensor:
    """The guess as it is: first order."""
    return denoised


def average_ends(
    denoise: Denoiser, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: Sequence[Prediction]
) -> Tensor:
    """The image whose noise is the mean of the noise guessed at both ends of the step (Heun; Karras et al. 2022, alg. 1)."""
    noise = now.noise_in(x, denoised)
    ahead = nxt.mix(denoised, noise)
    noise_ahead = nxt.noise_in(ahead, denoise(ahead, nxt))
    return now.image_in(x, (noise + noise_ahead) / 2)


def extrapolate_line(
    denoise: Denoiser, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: Sequence[Prediction]
) -> Tensor:
    """The guess carried half a step on along the line through it and the one before (Lu et al. 2022, DPM++ 2M, alg. 2)."""
    if not past:
        return denoised
    ratio = _stride(now, nxt) / _stride(past[-1].level, now)
    return denoised + (ratio / 2).to(denoised) * (denoised - past[-1].image)


def extrapolate_parabola(
    denoise: Denoiser, x: Tensor, denoised: Tensor, now: Level, nxt: Level, past: Sequence[Prediction]
) -> Tensor:
    """The mean over the step of the parabola through the guess and the two before (Lu et al. 2022, DPM++, third order).

    Integrated exactly; other programs give the bend half this weight. The first two steps are of lower order, so
    that short paths from an unrefined start are of an order between two and three.
    """
    if len(past) < 2:
        return extrapolate_line(denoise, x, denoised, now, nxt, past)
    h, h1, h2 = _stride(now, nxt), _stride(past[-1].level, now), _stride(past[-2].level, past[-1].level)
    slope = (denoised - past[-1].image) / h1.to(denoised)
    slope_before = (past[-1].image - past[-2].image) / h2.to(denoised)
    bend = (slope - slope_before) / (h1 + h2).to(denoised)
    # the step weighs a guess at distance t by exp(t - h): these are the means of t and of t (t + h1) under it
    weight = -torch.expm1(-h)
    mean_t = h / weight - 1
    mean_tt = h * (h - 2) / weight + 2
    return denoised + mean_t.to(denoised) * slope + (mean_tt + mean_t * h1).to(denoised) * bend


def _stride(before: Level, after: Level) -> Tensor:
    """The step in half log-SNR, the variable in which DPM-Solver++ is a polynomial method."""
    return (after.log_snr - before.log_snr) / 2


def none(now: Level, nxt: Level, eta: float) -> Tensor:
    """Keep all of the noise: a deterministic path (Song et al. 2021, DDIM with eta = 0)."""
    return torch.zeros((), dtype=torch.float64)


def posterior(now: Level, nxt: Level, eta: float) -> Tensor:
    """`eta`^2 of the share in the posterior q(x_s | x_t, image), 1 - (alpha_t sigma_s / alpha_s sigma_t)^2.

    With 1 this is the variance of Ho et al. 2020, eq. 7, in units of sigma_s^2; between 0 and 1 Song et al. 2021, eq. 16.
    """
    return eta**2 * (1 - _kept(now, nxt) ** 2)


def churned(now: Level, nxt: Level, eta: float) -> Tensor:
    """The share that a stochastic differential equation draws anew with `eta` times the noise of the reverse one.

    1 - (alpha_t sigma_s / alpha_s sigma_t)^(2 eta), for any eta >= 0: what the network gets wrong at one level is washed
    out at the next by as much (Karras et al. 2022, eq. 6; Lu et al. 2022, SDE-DPM-Solver++).
    """
    return 1 - _kept(now, nxt) ** (2 * eta)


def _kept(now: Level, nxt: Level) -> Tensor:
    """The ratio of noise to image after the step, in that before it."""
    return now.alpha * nxt.sigma / (nxt.alpha * now.sigma)


def everything(now: Level, nxt: Level, eta: float) -> Tensor:
    """Draw all noise anew: multistep consistency sampling (Song et al. 2023, alg. 1), for few-step students."""
    return torch.ones((), dtype=torch.float64)


class Row(NamedTuple):
    """A sampler's two rules, its evaluations a step, the largest eta it takes (None: none) and its eta when none is given.

    `steps` is the number taken when none is given, None for all of the schedule's.
    """

    refine: Refine
    share: Share
    evaluations: int = 1
    largest_eta: float | None = None
    eta: float = 1.0
    steps: int | None = 50


SAMPLERS: dict[str, Row] = {
    "ddpm": Row(plain, posterior, steps=None),
    "ddim": Row(plain, posterior, largest_eta=1.0, eta=0.0),
    "euler": Row(plain, none),  # on the flow path this is Euler's method, elsewhere DDIM: the same line
    "heun": Row(average_ends, none, evaluations=2, steps=20),
    "dpm++2m": Row(extrapolate_line, none, steps=20),
    "dpm++2m-sde": Row(extrapolate_line, churned, largest_eta=math.inf, steps=20),
    "dpm++3m": Row(extrapolate_parabola, none, steps=20),
    "consistency": Row(plain, everything, steps=4),
}

_LARGEST_LOG_SNR = 20.0


def _steady(now: Level, nxt: Level) -> bool:
    """Whether a step can be refined: extrapolation would see an infinite step to CLEAN, and Heun divides by alpha."""
    return nxt is not CLEAN and bool(abs(now.log_snr) <= _LARGEST_LOG_SNR)


@dataclass(frozen=True)
class Sampler:
    """A row of SAMPLERS on `steps` levels of `schedule`.

    `eta` scales the fresh noise of ddim in [0, 1] (0 none, 1 ddpm), of dpm++2m-sde from 0 on; None for the row's own.
    `temperature` >= 0 scales the fresh noise of every step: 1 is the sampler, 0 its mean only. Raises `UsageError`
    for an unknown `kind`, a number out of range, steps above the T of a beta table, and an eta for another row.
    """

    schedule: Schedule
    kind: str = "ddpm"
    steps: int = 50
    eta: float | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in SAMPLERS:
            raise unknown_name("sampler", self.kind, SAMPLERS)
        most = self.row.largest_eta
        if self.eta is not None and most is None:
            takers = ", ".join(name for name, row in SAMPLERS.items() if row.largest_eta is not None)
            raise UsageError(f"eta has no effect on {self.kind}: leave it out, or use {takers}")
        if self.eta is not None and most is not None and not (0 <= self.eta <= most and self.eta < math.inf):
            bounds = "at least 0" if most == math.inf else f"in [0, {most:g}]"
            raise UsageError(f"eta is {self.eta:g}: for {self.kind} it must be {bounds}")
        if not 0 <= self.temperature < math.inf:
            raise UsageError(f"temperature is {self.temperature}: it must be at least 0")
        self.schedule.levels(self.steps)

    @property
    def row(self) -> Row:
        """The two rules of this sampler."""
        return SAMPLERS[self.kind]

    @property
    def evaluations(self) -> int:
        """Network evaluations for one image without guidance; a step that is not refined needs one."""
        refined = sum(_steady(now, nxt) for now, nxt in pairwise(self.schedule.levels(self.steps)))
        return self.steps + refined * (self.row.evaluations - 1)

    @property
    def draws_no_noise(self) -> bool:
        """Whether the path is fixed by its start."""
        eta = self.row.eta if self.eta is None else self.eta
        return self.row.share is none or eta == 0

    def share(self, now: Level, nxt: Level) -> Tensor:
        """Return the share of the noise that the step from `now` to `nxt` draws anew, float64 in [0, 1]."""
        return self.row.share(now, nxt, self.row.eta if self.eta is None else self.eta)

    def __call__(self, denoise: Denoiser, noise: Noise, start: Tensor | float = 0.0) -> Iterator[Frame]:
        """Yield the frames from the noisiest level to CLEAN; the last one's x is the picture.

        `noise(k)` gives the k-th standard normal draw [B, ...]: draw 0 starts the path, draw k is for step k.
        `start` [B, ...] is the image that is noised to begin with; 0 for a start from noise alone.
        """
        levels = self.schedule.levels(self.steps)
        first = noise(0)
        x = levels[0].mix(torch.as_tensor(start).to(first), first)
        past: list[Prediction] = []
        for step, (now, nxt) in enumerate(pairwise(levels), start=1):
            denoised = denoise(x, now)
            yield Frame(now, x, denoised)
            steady = _steady(now, nxt)
            image = self.row.refine(denoise, x, denoised, now, nxt, past) if steady else denoised
            past = [*past[-1:], Prediction(now, denoised)] if steady else []
            if nxt is CLEAN:
                x = denoised
            else:
                x = nxt.mix(image, self._blend(now.noise_in(x, image), noise, step, self.share(now, nxt)))
        yield Frame(CLEAN, x, x)

    def _blend(self, old: Tensor, noise: Noise, step: int, share: Tensor) -> Tensor:
        if share == 0:
            return old
        fresh = noise(step) * (share.sqrt() * self.temperature).to(old)
        return (1 - share).sqrt().to(old) * old + fresh


def parse(text: str) -> tuple[str, int | None]:
    """Return the name and the steps of a sampler written as `ddim:50` or `ddpm` (None: as many as its row says).

    Raises `UsageError` for an unknown name or a number of steps that is not whole.
    """
    name, colon, steps = text.partition(":")
    if name not in SAMPLERS:
        raise unknown_name("sampler", name, SAMPLERS, rest=f"{colon}{steps}")
    # python reads no more than some thousand digits
    if colon and not re.fullmatch(r"-?\d{1,18}", steps):
        raise UsageError(f"sampler '{text}': after the colon comes a whole number of steps, as in {name}:50")
    return name, int(steps) if colon else None
