"""How a network is told its condition: a code in [0, 1] and, where it has classes, a label.

A label is int64 [B]; None, or a negative entry, is the null label, which has a real embedding of its own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Sinusoid(nn.Module):
    """Sines and cosines of 1000 * code at `dim`/2 frequencies from 1 to 1/10000 (Vaswani et al. 2017, section 3.5)."""

    frequencies: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        half = dim // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10000) / max(half - 1, 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        angle = 1000 * code[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class ClassEmbedding(nn.Module):
    """A learned vector for each of `classes` labels, and one more for no label."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.classes = classes
        self.table = nn.Embedding(classes + 1, dim)

    def forward(self, label: Tensor | None, batch: int) -> Tensor:
        """Return [B, dim] for labels int64 [B] or None."""
        place = self.table.weight.device
        if label is None:
            return self.table(torch.full((batch,), self.classes, device=place))
        heard = label.to(place)
        return self.table(heard.masked_fill(heard < 0, self.classes))


class Condition(nn.Module):
    """Code and label as one vector [B, out]: a sinusoid of `dim`, an MLP when `hidden` > 0, plus a class embedding.

    `out` is `dim` unless the MLP is told another. `classes` = 0 makes a network that hears no label.
    """

    def __init__(self, dim: int, hidden: int = 0, classes: int = 0, out: int | None = None) -> None:
        super().__init__()
        out = out or dim
        self.code = Sinusoid(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, out)) if hidden else nn.Identity()
        self.label = ClassEmbedding(classes, out) if classes else None

    def forward(self, code: Tensor, label: Tensor | None = None) -> Tensor:
        vector = self.mlp(self.code(code))
        return vector if self.label is None else vector + self.label(label, len(code))
