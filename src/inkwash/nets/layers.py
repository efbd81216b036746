"""Layers that networks share: embeddings of c_noise and label, downsampling and upsampling, initialization with zero.

A label is int64 [B]; None or a negative entry is the null label, which has a learned embedding. Feature maps may have any
size: upsampling takes the size of the skip connection.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.conditions import Condition, Conditions, labels_of
from inkwash.core.shapes import Labels, PerExample


class SinusoidalEmbedding(nn.Module):
    """Sines and cosines of 1000 * c_noise at `dim`/2 frequencies from 1 to 1/10000: Vaswani et al. (2017), Section 3.5."""

    frequencies: Float[Tensor, " half"]

    def __init__(self, dim: int) -> None:
        super().__init__()
        half = dim // 2
        frequencies = torch.exp(torch.arange(half) * (-math.log(10000) / max(half - 1, 1)))
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, c_noise: PerExample) -> Float[Tensor, "batch dim"]:
        angle = 1000 * c_noise[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], dim=1)


class ClassEmbedding(nn.Module):
    """A learned vector for each of `classes` labels and for the null label, which is the last."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.classes = classes
        self.table = nn.Embedding(classes + 1, dim)

    def forward(self, label: Labels | None, batch: int) -> Float[Tensor, "{batch} dim"]:
        """Return [B, dim] for labels int64 [B] or None, or for weights of all embeddings float32 [B, classes + 1]."""
        device = self.table.weight.device
        if label is None:
            return self.table(torch.full((batch,), self.classes, device=device))
        label = label.to(device)
        if label.is_floating_point():
            return label @ self.table.weight
        return self.table(label.masked_fill(label < 0, self.classes))


class AttributeEmbedding(nn.Module):
    """Standardized attributes [B, `count`], NaN where not specified, as a vector [B, `dim`] by an MLP; 0 at first.

    The features of an attribute are whether it is specified, its value, and sines and cosines of its value at angular
    frequencies of 1/2, 1, 2 and 4 (Tancik et al., 2020); all are 0 where it is not.
    """

    frequencies: Float[Tensor, " n"]

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("frequencies", torch.tensor([0.5, 1.0, 2.0, 4.0]), persistent=False)
        features = 2 + 2 * len(self.frequencies)
        self.mlp = nn.Sequential(nn.Linear(count * features, 2 * dim), nn.SiLU(), zero_init(nn.Linear(2 * dim, dim)))

    def forward(
        self, attributes: Float32[Tensor, "{batch} attributes"] | None, batch: int
    ) -> Float[Tensor, "{batch} dim"]:
        device = self.frequencies.device
        if attributes is None:
            attributes = torch.full((batch, self.count), math.nan, device=device)
        value = attributes.to(device)[..., None]
        angle = value * self.frequencies
        features = torch.cat([torch.ones_like(value), value, angle.sin(), angle.cos()], dim=2)
        return self.mlp(features.masked_fill(value.isnan(), 0).flatten(1))


class ConditionEmbedding(nn.Module):
    """c_noise, label and attributes as one vector [B, out]: a sinusoid of `dim`, an MLP if `hidden` > 0, and embeddings.

    `out` defaults to `dim` and differs from it only with an MLP. With `classes` 0 the label is ignored, with `attributes`,
    their number, 0 those of a `Condition`.
    """

    def __init__(
        self, dim: int, hidden: int = 0, classes: int = 0, out: int | None = None, attributes: int = 0
    ) -> None:
        super().__init__()
        out = out or dim
        self.sinusoid = SinusoidalEmbedding(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.SiLU(), nn.Linear(hidden, out)) if hidden else nn.Identity()
        self.label = ClassEmbedding(classes, out) if classes else None
        self.attributes = AttributeEmbedding(attributes, out) if attributes else None

    def forward(self, c_noise: PerExample, label: Conditions | None = None) -> Float[Tensor, "batch out"]:
        vector = self.mlp(self.sinusoid(c_noise))
        if self.label is not None:
            vector = vector + self.label(labels_of(label), len(c_noise))
        if self.attributes is not None:
            given = label.attributes if isinstance(label, Condition) else None
            vector = vector + self.attributes(given, len(c_noise))
        return vector


def max_pool(x: Float[Tensor, "batch channels _ _"]) -> Float[Tensor, "batch channels _ _"]:
    """Return the maximum of 2x2 patches [B, C, ceil(H/2), ceil(W/2)]; an odd last row or column is pooled separately."""
    return F.max_pool2d(x, 2, ceil_mode=True)


def upsample_concat(
    x: Float[Tensor, "batch _ _ _"], skip: Float[Tensor, "batch _ height width"], mode: str
) -> Float[Tensor, "batch _ height width"]:
    """Return `x` resized to the height and width of `skip` by `mode`, concatenated with `skip`, [B, C + C', H, W]."""
    return torch.cat([F.interpolate(x, size=skip.shape[-2:], mode=mode), skip], dim=1)


class StridedDown(nn.Conv2d):
    """A 4x4 convolution with stride 2; maps must be at least 2 pixels high and wide."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)


class StridedUp(nn.ConvTranspose2d):
    """A transposed 4x4 convolution with stride 2 to the size of the skip connection, concatenated with it."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out, 4, stride=2, padding=1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        upsampled = super().forward(x, output_size=list(skip.shape[-2:]))
        return torch.cat([upsampled, skip], dim=1)


def zero_init(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Return `layer` with zero weight and bias, so that an untrained network returns zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
