"""Classifier-free guidance: a denoiser that combines conditional and unconditional predictions."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, NOISE, Level, broadcast_like
from inkwash.core.shapes import Images, Labels


@dataclass(frozen=True)
class Guided:
    """uncond + weight * (cond - uncond): weight 1 is the conditional, 0 the unconditional prediction.

    Ho & Salimans (2022), Eq. 6, whose w is weight - 1. Guidance is applied at levels between `cleanest` and `noisiest`
    only; elsewhere the conditional prediction is returned: Kynkäänniemi et al. (2024). It costs two evaluations where it
    is applied and one elsewhere. `unconditional` is the denoiser of the unconditional prediction, None for `denoiser`:
    a clipped one keeps values outside of the data range from entering the difference.
    """

    denoiser: Denoiser
    weight: float
    cleanest: Level = CLEAN
    noisiest: Level = NOISE
    unconditional: Denoiser | None = None

    def __call__(self, x: Images, level: Level, label: Labels | None = None) -> Images:
        """Return the guided image [B, ...]; with `label` None or weight 1 the prediction of `denoiser`."""
        if label is None or self.weight == 1:
            return self.denoiser(x, level, label)
        inside = level.within(self.cleanest, self.noisiest)
        if not inside.any():
            return self.denoiser(x, level, label)
        uncond, cond = (self.unconditional or self.denoiser)(x, level, None), self.denoiser(x, level, label)
        guided = uncond + self.weight * (cond - uncond)
        return guided if inside.all() else torch.where(broadcast_like(inside, x).bool(), guided, cond)
