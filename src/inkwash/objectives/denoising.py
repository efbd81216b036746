"""The objective that every recipe starts from: say the target of a noised image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from inkwash.core import Density, Level, Schedule, Target, Uniform
from inkwash.core.levels import over
from inkwash.objectives.weights import Unweighted, Weight


class TargetPredictor(Protocol):
    """Whatever speaks in target space: a network's denoiser, or an exact one put into its words."""

    @property
    def target(self) -> Target:
        """What it is asked for."""

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return what it says about `x` [B, ...] at `level`, [B, ...]."""


@dataclass(frozen=True)
class Denoising:
    """The weighted squared error in target space, at levels of `schedule` visited by `density` (Ho et al. 2020, eq. 14).

    With `clip` it is the error of the guess clipped to [-1, 1], as far as that lets it learn: where a pixel is at an end
    of the range, a guess beyond that end costs nothing. The minimum is the posterior mean all the same, which is never
    beyond; but a network need not hit the end exactly, so that a background of one value becomes exact when clipped.

    With `guidance` w above 1 the network learns to say by itself what guidance of that weight would make of it: what is
    put to the test is the guess that follows by taking guidance out again, null + (said - null) / w, with the network's
    own guess for no label (Chen et al. 2025, "Visual generation without guidance"). It costs a second evaluation
    without gradient in training, and saves one in drawing. It does so at levels of the `interval` in u, and elsewhere
    learns the plain guess (Kynkäänniemi et al. 2024).
    """

    schedule: Schedule
    density: Density = field(default_factory=Uniform)
    weight: Weight = field(default_factory=Unweighted)
    clip: bool = False
    guidance: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)

    def __call__(
        self, denoiser: TargetPredictor, images: Tensor, labels: Tensor | None, u: Tensor, noise: Tensor
    ) -> Tensor:
        """Return the loss of each example, float32 [B], the mean over its pixels.

        `images` and `noise` are [B, ...], `labels` int64 [B] or None, `u` uniform numbers in (0, 1), float64 [B].
        """
        level = self.density(self.schedule, u)
        target = denoiser.target
        x = level.mix(images, noise)
        error = denoiser.output(x, level, labels) - target.of(level, images, noise)
        # an error e of the network is one of -e*sigma/D of the image
        gain = -level.sigma / target.determinant(level)
        if self.guidance != 1 and labels is not None:
            error = self._unguided(denoiser, error, gain, images, x, level, labels)
        if self.clip:
            off = error.detach() * over(gain, error)
            error = error.masked_fill((images <= -1) & (off < 0) | (images >= 1) & (off > 0), 0)
        weight = self.weight(level, target) * gain**2
        return (over(weight, error) * error**2).flatten(1).mean(1)

    def _unguided(
        self,
        denoiser: TargetPredictor,
        error: Tensor,
        gain: Tensor,
        images: Tensor,
        x: Tensor,
        level: Level,
        labels: Tensor,
    ) -> Tensor:
        """Return the `error` [B, ...] of what is said with guidance taken out of it, where it is in it."""
        # chosen by level alone, which is known on the host: to look at labels would wait for the device
        inside = level.within(*self.schedule.between(*self.interval)).nonzero().squeeze(1)
        if not len(inside):
            return error
        at = inside.to(error.device)
        there = Level(level.alpha[inside], level.sigma[inside])
        beside = self._null(denoiser, x[at], there, labels[at]) - images[at]
        plain = (error[at] + (self.guidance - 1) * beside / over(gain[inside], error)) / self.guidance
        return error.index_copy(0, at, torch.where(over(labels[at] >= 0, error).bool(), plain, error[at]))

    @torch.no_grad()
    def _null(self, denoiser: TargetPredictor, x: Tensor, level: Level, labels: Tensor) -> Tensor:
        """Return the image that `denoiser` guesses when it is told no label."""
        denoised = denoiser.target.image(level, x, denoiser.output(x, level, torch.full_like(labels, -1)))
        return denoised.clamp(-1, 1) if self.clip else denoised


def stratify(u: Tensor, first: int = 0, of: int | None = None) -> Tensor:
    """Return uniform numbers [B] of which one falls into each of `of` equal strata, from stratum `first` on.

    `u` holds independent uniform numbers in (0, 1). Spreading the levels of a batch lowers the variance of its
    loss and leaves the mean as it is (Kingma et al. 2021, VDM, appendix I.1).
    """
    strata = torch.arange(first, first + len(u), dtype=u.dtype, device=u.device)
    return (strata + u) / (of or len(u))


def drop_labels(labels: Tensor | None, chance: float, u: Tensor) -> Tensor | None:
    """Return `labels` with the null label (-1) wherever `u` [B] in (0, 1) is below `chance` (Ho & Salimans 2022, alg. 1)."""
    if labels is None or chance == 0:
        return labels
    return torch.where(u.to(labels.device) < chance, -1, labels)
