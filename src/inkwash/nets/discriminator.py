"""A discriminator on feature maps: one small network per map, conditioned on noise level and class."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core.conditions import Condition, Conditions, labels_of
from inkwash.core.shapes import PerExample
from inkwash.nets.feature_maps import FeatureMap
from inkwash.nets.layers import AttributeEmbedding, SinusoidalEmbedding

WIDTH = 64
DOWNSAMPLE_ABOVE = 8
"""Maps of a longer side are averaged 2x2 first, which quarters the cost of the convolutions."""


class MapDiscriminator(nn.Module):
    """Two convolutions (of points, linear layers), the mean over positions, and one logit: Sauer et al. (2024), LADD.

    The class and the attributes enter by projection: Miyato & Koyama (2018), Eq. 3. Maps are normalized per example, so
    that the gradient penalty has the same scale for each.
    """

    def __init__(self, channels: int, classes: int, spatial: bool, attributes: int = 0) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels, affine=False)
        self.first: nn.Module = nn.Conv2d(channels, WIDTH, 3, padding=1) if spatial else nn.Linear(channels, WIDTH)
        self.second: nn.Module = nn.Conv2d(WIDTH, WIDTH, 3, padding=1) if spatial else nn.Linear(WIDTH, WIDTH)
        self.level = nn.Sequential(SinusoidalEmbedding(WIDTH), nn.Linear(WIDTH, 2 * WIDTH))
        self.out = nn.Linear(WIDTH, 1)
        self.projection = nn.Embedding(classes, WIDTH) if classes else None
        self.attributes = AttributeEmbedding(attributes, WIDTH) if attributes else None

    def forward(
        self, x: FeatureMap, c_noise: PerExample, condition: Conditions | None = None
    ) -> Float[Tensor, " batch"]:
        scale, shift = self.level(c_noise).reshape(len(x), 2 * WIDTH, *[1] * (x.ndim - 2)).chunk(2, dim=1)
        if x.ndim > 2 and max(x.shape[2:]) > DOWNSAMPLE_ABOVE:
            x = F.avg_pool2d(x, 2)
        x = self.norm(x)
        x = F.leaky_relu(torch.addcmul(shift, self.first(x), 1 + scale), 0.2)
        x = F.leaky_relu(x + self.second(x), 0.2)
        pooled = x.flatten(2).mean(2) if x.ndim > 2 else x
        logit, label = self.out(pooled)[:, 0], labels_of(condition)
        if self.projection is not None and label is not None:
            # An example without a label has no projection: its logit is that of an unconditional discriminator.
            projected = (self.projection(label.clamp(min=0)) * pooled).sum(1)
            logit = logit + torch.where(label >= 0, projected, 0.0)
        if self.attributes is not None and isinstance(condition, Condition):
            logit = logit + (self.attributes(condition.attributes, len(x)) * pooled).sum(1)
        return logit


class Discriminator(nn.Module):
    """A `MapDiscriminator` for each feature map: `forward(maps, c_noise, condition)` -> logits [maps, B]."""

    def __init__(self, channels: list[int], classes: int, spatial: bool, attributes: int = 0) -> None:
        super().__init__()
        self.heads = nn.ModuleList(MapDiscriminator(each, classes, spatial, attributes) for each in channels)

    def forward(
        self, maps: list[FeatureMap], c_noise: PerExample, condition: Conditions | None = None
    ) -> Float[Tensor, "maps batch"]:
        return torch.stack([head(x, c_noise, condition) for head, x in zip(self.heads, maps, strict=True)])
