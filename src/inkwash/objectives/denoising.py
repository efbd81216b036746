"""The denoising objective: weighted mean squared error to the prediction target."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from inkwash.core import Density, Level, Schedule, Target, Uniform
from inkwash.core.conditions import Conditions, labels_of, without_labels
from inkwash.core.levels import broadcast_like
from inkwash.core.shapes import NULL_LABEL, Images, Labels, PerExample
from inkwash.objectives.weights import Unweighted, Weight

Attributes = Float32[Tensor, "batch attributes"]


@runtime_checkable
class TargetPredictor(Protocol):
    """A model with an output in target space, such as `NetDenoiser`."""

    @property
    def target(self) -> Target:
        """The prediction target of `output`."""

    def output(self, x: Images, level: Level, label: Any = None) -> Images:
        """Return the prediction of the target [B, ...] for `x` [B, ...] at `level`."""


@dataclass(frozen=True)
class Denoising:
    """Weighted MSE to the target at levels of `schedule` distributed by `density`: Ho et al. (2020), Eq. 14.

    With `clip`, the error of a pixel is 0 where its true value is -1 (or 1) and the predicted image is below -1 (above 1),
    because sampling clips such predictions. The minimizer is still the posterior mean; constant backgrounds become exact.

    With `guidance` w > 1 the network is trained to output the guided prediction g: the loss compares
    uncond + (g - uncond) / w with the target, where uncond is the network's prediction without a label, with the same
    attributes: Chen et al. (2025),
    "Visual generation without guidance". Training costs a second evaluation without gradient, sampling saves one. Outside
    of `interval` in u the network learns the conditional prediction: Kynkäänniemi et al. (2024).
    """

    schedule: Schedule
    density: Density = field(default_factory=Uniform)
    weight: Weight = field(default_factory=Unweighted)
    clip: bool = False
    guidance: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)

    def __call__(
        self, denoiser: TargetPredictor, images: Images, labels: Conditions | None, u: PerExample, noise: Images
    ) -> PerExample:
        """Return the loss of each example, the mean over its pixels, float32 [B].

        `images` and `noise` are [B, ...], `labels` int64 [B], a `Condition` or None, `u` uniform in (0, 1), float64 [B].
        """
        level = self.density(self.schedule, u)
        target = denoiser.target
        x = level.mix(images, noise)
        error = denoiser.output(x, level, labels) - target.of(level, images, noise)
        # An error e of the output is an error -e*sigma / determinant of the image.
        gain = -level.sigma / target.determinant(level)
        if self.guidance != 1 and labels is not None and labels_of(labels) is not None:
            error = self._unguided(denoiser, error, gain, images, x, level, labels)
        if self.clip:
            image_error = error.detach() * broadcast_like(gain, error)
            beyond = (images <= -1) & (image_error < 0) | (images >= 1) & (image_error > 0)
            error = error.masked_fill(beyond, 0)
        weight = self.weight(level, target) * gain**2
        return (broadcast_like(weight, error) * error**2).flatten(1).mean(1)

    def _unguided(
        self,
        denoiser: TargetPredictor,
        error: Images,
        gain: PerExample,
        images: Images,
        x: Images,
        level: Level,
        labels: Conditions,
    ) -> Images:
        """Return the `error` [B, ...] of the prediction with guidance removed, at levels and labels that are guided."""
        # Levels are on the CPU: selecting rows by label instead would synchronize with the device.
        guided = level.within(*self.schedule.between(*self.interval)).nonzero().squeeze(1)
        if not len(guided):
            return error
        rows = guided.to(error.device)
        guided_level = Level(level.alpha[guided], level.sigma[guided])
        uncond_error = self._unconditional(denoiser, x[rows], guided_level, labels[rows]) - images[rows]
        scaled = error[rows] + (self.guidance - 1) * uncond_error / broadcast_like(gain[guided], error)
        guided_labels = labels_of(labels[rows])
        assert guided_labels is not None
        has_label = broadcast_like(guided_labels >= 0, error).bool()
        return error.index_copy(0, rows, torch.where(has_label, scaled / self.guidance, error[rows]))

    @torch.no_grad()
    def _unconditional(self, denoiser: TargetPredictor, x: Images, level: Level, labels: Conditions) -> Images:
        """Return the prediction of the image without a label, clipped if the objective clips."""
        denoised = denoiser.target.image(level, x, denoiser.output(x, level, without_labels(labels)))
        return denoised.clamp(-1, 1) if self.clip else denoised


def stratify(u: PerExample, first: int = 0, of: int | None = None) -> PerExample:
    """Return uniform numbers [B], one in each of `of` equal strata from stratum `first` on; `of` defaults to B.

    `u` holds independent uniform numbers in (0, 1). Stratified levels reduce the variance of a batch's loss and keep its
    mean: Kingma et al. (2021), VDM, Appendix I.1.
    """
    strata = torch.arange(first, first + len(u), dtype=u.dtype, device=u.device)
    return (strata + u) / (of or len(u))


def drop_attributes(attributes: Attributes, u: Float64[Tensor, "batch columns"]) -> Attributes:
    """Return `attributes` [B, A] with some replaced by NaN, so that a network learns all their subsets.

    `u` [B, A + 1] holds uniform numbers in (0, 1). The first determines the probability with which an example loses each of its
    attributes: 0 for an eighth of the examples, 1 for a half, and uniform for the others. Of seven attributes 17 % of the
    examples keep all, and 55 % lose all.
    """
    share = ((8 * u[:, :1] - 1) / 3).clamp(0, 1)
    return attributes.masked_fill((u[:, 1:] < share).to(attributes.device), math.nan)


def drop_labels(labels: Labels | None, p_uncond: float, u: PerExample) -> Labels | None:
    """Return `labels`, null where `u` [B] in (0, 1) is below `p_uncond`: Ho & Salimans (2022), Algorithm 1."""
    if labels is None or p_uncond == 0:
        return labels
    return torch.where(u.to(labels.device) < p_uncond, NULL_LABEL, labels)
