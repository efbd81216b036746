"""The sampling loop, a generator, and the registry of the rules that define the samplers.

A sampler is two rules: how the prediction is refined before the step, and which fraction of the noise is replaced by fresh
noise. To add a solver, write a refinement rule and add an entry to SAMPLERS.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, Level
from inkwash.core.schedules import Schedule
from inkwash.core.shapes import Images, Scalars
from inkwash.errors import UsageError, unknown_name


class Frame(NamedTuple):
    """One state of a sampling path: its level, the state x [B, ...] there, and the image predicted from it [B, ...]."""

    level: Level
    x: Images
    denoised: Images


Refine = Callable[[Denoiser, Tensor, Tensor, Level, Level, Sequence[Frame]], Tensor]
"""(denoise, x, denoised, now, nxt, past) -> image of the step; multistep rules extrapolate from the frames in `past`."""
NoiseFraction = Callable[[Level, Level, float], Tensor]
NoiseSource = Callable[[int], Tensor]


def first_order(
    denoise: Denoiser, x: Images, denoised: Images, now: Level, nxt: Level, past: Sequence[Frame]
) -> Images:
    """Return the prediction unchanged: a first-order step."""
    return denoised


def heun(denoise: Denoiser, x: Images, denoised: Images, now: Level, nxt: Level, past: Sequence[Frame]) -> Images:
    """Return the image whose noise is the mean of those predicted at both ends of the step: Karras et al. (2022), Alg. 1."""
    noise = now.noise_in(x, denoised)
    ahead = nxt.mix(denoised, noise)
    noise_ahead = nxt.noise_in(ahead, denoise(ahead, nxt))
    return now.image_in(x, (noise + noise_ahead) / 2)


def multistep_2(
    denoise: Denoiser, x: Images, denoised: Images, now: Level, nxt: Level, past: Sequence[Frame]
) -> Images:
    """Extrapolate the last two predictions linearly by half a step: DPM-Solver++(2M), Lu et al. (2022), Algorithm 2."""
    if not past:
        return denoised
    ratio = _step_size(now, nxt) / _step_size(past[-1].level, now)
    return denoised + (ratio / 2).to(denoised) * (denoised - past[-1].denoised)


def multistep_3(
    denoise: Denoiser, x: Images, denoised: Images, now: Level, nxt: Level, past: Sequence[Frame]
) -> Images:
    """Integrate the parabola through the last three predictions over the step: third-order DPM-Solver++, Lu et al. (2022).

    The integral is exact; other implementations give the curvature half this weight. The first two steps are of lower
    order, so the order of short paths lies between two and three.
    """
    if len(past) < 2:
        return multistep_2(denoise, x, denoised, now, nxt, past)
    h, h1, h2 = _step_size(now, nxt), _step_size(past[-1].level, now), _step_size(past[-2].level, past[-1].level)
    slope = (denoised - past[-1].denoised) / h1.to(denoised)
    slope_before = (past[-1].denoised - past[-2].denoised) / h2.to(denoised)
    curvature = (slope - slope_before) / (h1 + h2).to(denoised)
    # The step weights a prediction at distance t by exp(t - h); these are the means of t and t^2 under that weight.
    weight = -torch.expm1(-h)
    mean_t = h / weight - 1
    mean_tt = h * (h - 2) / weight + 2
    return denoised + mean_t.to(denoised) * slope + (mean_tt + mean_t * h1).to(denoised) * curvature


def _step_size(before: Level, after: Level) -> Scalars:
    """Return the step in half log-SNR, lambda of Lu et al. (2022)."""
    return (after.log_snr - before.log_snr) / 2


def no_fresh_noise(now: Level, nxt: Level, eta: float) -> Scalars:
    """Return 0, a deterministic path: DDIM with eta = 0, Song et al. (2021)."""
    return torch.zeros((), dtype=torch.float64)


def posterior(now: Level, nxt: Level, eta: float) -> Scalars:
    """Return eta^2 (1 - (alpha_t sigma_s / alpha_s sigma_t)^2): Song et al. (2021), Eq. 16, in units of sigma_s^2.

    For eta = 1 it is the posterior variance of Ho et al. (2020), Eq. 7.
    """
    return eta**2 * (1 - _retained(now, nxt) ** 2)


def sde(now: Level, nxt: Level, eta: float) -> Scalars:
    """Return the fraction of a reverse SDE whose noise term is scaled by `eta` >= 0, which is 1 in Song et al. (2021).

    1 - (alpha_t sigma_s / alpha_s sigma_t)^(2 eta): Karras et al. (2022), Eq. 6; SDE-DPM-Solver++ of Lu et al. (2022).
    """
    return 1 - _retained(now, nxt) ** (2 * eta)


def _retained(now: Level, nxt: Level) -> Scalars:
    """Return the noise-to-image ratio after the step divided by that before it."""
    return now.alpha * nxt.sigma / (nxt.alpha * now.sigma)


def full_renoise(now: Level, nxt: Level, eta: float) -> Scalars:
    """Return 1, all noise is fresh: multistep consistency sampling, Song et al. (2023), Algorithm 1."""
    return torch.ones((), dtype=torch.float64)


class SamplerRules(NamedTuple):
    """The two rules of a sampler, its network evaluations per step, and its defaults.

    `max_eta` is None for a sampler without eta. `default_steps` is None for all timesteps of the schedule.
    """

    refine: Refine
    fresh_noise_fraction: NoiseFraction
    evaluations: int = 1
    max_eta: float | None = None
    default_eta: float = 1.0
    default_steps: int | None = 50


SAMPLERS: dict[str, SamplerRules] = {
    "ddpm": SamplerRules(first_order, posterior, default_steps=None),
    "ddim": SamplerRules(first_order, posterior, max_eta=1.0, default_eta=0.0),
    # Euler's method on the flow schedule is the deterministic DDIM update, so "euler" is both.
    "euler": SamplerRules(first_order, no_fresh_noise),
    "heun": SamplerRules(heun, no_fresh_noise, evaluations=2, default_steps=20),
    "dpm++2m": SamplerRules(multistep_2, no_fresh_noise, default_steps=20),
    "dpm++2m-sde": SamplerRules(multistep_2, sde, max_eta=math.inf, default_steps=20),
    "dpm++3m": SamplerRules(multistep_3, no_fresh_noise, default_steps=20),
    "consistency": SamplerRules(first_order, full_renoise, default_steps=4),
}


def _can_refine(now: Level, nxt: Level) -> bool:
    """Return whether a step can be refined: the step to CLEAN is infinite in log-SNR, and Heun divides by alpha."""
    return nxt is not CLEAN and bool(abs(now.log_snr) <= 20)


@dataclass(frozen=True)
class Sampler:
    """The sampler SAMPLERS[kind] on `steps` levels of `schedule`.

    `eta` scales the fresh noise: in [0, 1] for ddim (1 is ddpm), >= 0 for dpm++2m-sde, None for the default.
    `temperature` >= 0 scales the fresh noise of each step; 0 leaves its mean.
    Raises `UsageError` for an unknown `kind`, a value out of range, and an eta for a sampler without one.
    """

    schedule: Schedule
    kind: str = "ddpm"
    steps: int = 50
    eta: float | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in SAMPLERS:
            raise unknown_name("sampler", self.kind, SAMPLERS)
        most = self.rules.max_eta
        if self.eta is not None and most is None:
            usable = " or ".join(name for name, rules in SAMPLERS.items() if rules.max_eta is not None)
            message = f"eta has no effect on {self.kind}: leave it out, or use {usable}"
            raise UsageError(message, code="no-effect", field="eta")
        if self.eta is not None and most is not None and not (0 <= self.eta <= most and self.eta < math.inf):
            bounds = "at least 0 and finite" if most == math.inf else f"0 to {most:g}"
            message = f"eta is {self.eta:g}: for {self.kind} it must be {bounds}"
            raise UsageError(message, code="out-of-range", field="eta")
        if not 0 <= self.temperature < math.inf:
            message = f"temperature is {self.temperature}: it must be at least 0 and finite"
            raise UsageError(message, code="out-of-range", field="temperature")
        self.schedule.require_steps(self.steps)

    @property
    def rules(self) -> SamplerRules:
        """The rules of this sampler."""
        return SAMPLERS[self.kind]

    @cached_property
    def levels(self) -> list[Level]:
        """The levels of the path from the noisiest on, then CLEAN."""
        return self.schedule.levels(self.steps)

    @property
    def evaluations(self) -> int:
        """The network evaluations for one image without guidance; a step that is not refined needs one."""
        if self.rules.evaluations == 1:
            return self.steps
        refined = sum(_can_refine(now, nxt) for now, nxt in pairwise(self.levels))
        return self.steps + refined * (self.rules.evaluations - 1)

    @property
    def is_deterministic(self) -> bool:
        """Whether the path is a function of its first state."""
        return self.rules.fresh_noise_fraction is no_fresh_noise or self._eta == 0

    @property
    def _eta(self) -> float:
        return self.rules.default_eta if self.eta is None else self.eta

    def fresh_noise_fraction(self, now: Level, nxt: Level) -> Scalars:
        """Return the fraction of the noise variance that is fresh after the step from `now` to `nxt`, float64 in [0, 1]."""
        return self.rules.fresh_noise_fraction(now, nxt, self._eta)

    def refined(
        self, denoise: Denoiser, frame: Frame, nxt: Level, past: Sequence[Frame]
    ) -> tuple[Images, Sequence[Frame]]:
        """Return the image of the step from `frame` to `nxt`, and the frames that the step after it extrapolates from."""
        if not _can_refine(frame.level, nxt):
            return frame.denoised, ()
        image = self.rules.refine(denoise, frame.x, frame.denoised, frame.level, nxt, past)
        return image, (*past[-1:], frame)

    def __call__(self, denoise: Denoiser, noise: NoiseSource, start: Tensor | float = 0.0) -> Iterator[Frame]:
        """Yield the frames from the noisiest level to CLEAN; x of the last one is the sample.

        `noise(k)` returns standard normals [B, ...]: those of k = 0 start the path, those of k >= 1 are for step k.
        `start` [B, ...] is the image to which the first noise is added; 0 for a start from noise.
        """
        first = noise(0)
        x = self.levels[0].mix(torch.as_tensor(start).to(first).expand_as(first), first)
        past: Sequence[Frame] = ()
        for step, (now, nxt) in enumerate(pairwise(self.levels), start=1):
            denoised = denoise(x, now)
            frame = Frame(now, x, denoised)
            yield frame
            image, past = self.refined(denoise, frame, nxt, past)
            if nxt is CLEAN:
                x = denoised
            else:
                fraction, kept = self.fresh_noise_fraction(now, nxt), now.noise_in(x, image)
                if fraction > 0:
                    fresh = noise(step) * (fraction.sqrt() * self.temperature).to(kept)
                    kept = (1 - fraction).sqrt().to(kept) * kept + fresh
                x = nxt.mix(image, kept)
        yield Frame(CLEAN, x, x)


def parse_sampler(text: str) -> tuple[str, int | None]:
    """Return the name and the steps of a sampler written as `ddim:50` or `ddpm` (None, for its default).

    Raises `UsageError` for an unknown name and for steps that are not an integer.
    """
    name, colon, steps = str(text).partition(":")
    if name not in SAMPLERS:
        raise unknown_name("sampler", name, SAMPLERS, rest=f"{colon}{steps}")
    # int() raises ValueError for more than 4300 digits.
    if colon and not re.fullmatch(r"-?\d{1,18}", steps):
        message = f"sampler '{text}': the part after the colon must be an integer, as in {name}:50"
        raise UsageError(message, code="invalid-value", field="sampler")
    return name, int(steps) if colon else None
