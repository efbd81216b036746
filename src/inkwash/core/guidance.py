"""Guidance is a denoiser around a denoiser: the prediction with a label, pushed away from the one without."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.denoisers import Denoiser
from inkwash.core.levels import CLEAN, NOISE, Level, over


@dataclass(frozen=True)
class Guided:
    """Classifier-free guidance, uncond + weight * (cond - uncond): weight 1 is none, 0 ignores the label.

    Ho & Salimans (2022), Eq. 6, whose w is this weight minus 1.

    Guidance acts only at levels between `cleanest` and `noisiest`, and elsewhere the conditional prediction
    stands alone (Kynkäänniemi et al. 2024). Costs two evaluations where it acts, one elsewhere. `null` is what guesses
    without a label where that is another denoiser, as a clipped one is: how far beyond the range a guess lies says nothing.
    """

    denoiser: Denoiser
    weight: float
    cleanest: Level = CLEAN
    noisiest: Level = NOISE
    null: Denoiser | None = None

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        """Return the guided image [B, ...]; `label` None or weight 1 is the plain prediction."""
        if label is None or self.weight == 1:
            return self.denoiser(x, level, label)
        inside = level.within(self.cleanest, self.noisiest)
        if not inside.any():
            return self.denoiser(x, level, label)
        without, told = (self.null or self.denoiser)(x, level, None), self.denoiser(x, level, label)
        guided = without + self.weight * (told - without)
        return guided if inside.all() else torch.where(over(inside, x).bool(), guided, told)
