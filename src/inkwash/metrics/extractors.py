"""Feature extractors: small networks whose 64 features are used to compare distributions.

A and B are classifiers of two architectures. C is fitted without labels and measures texture, which classifiers learn
to ignore: stroke width, grey backgrounds, blur. The command line calls feature extractors "judges".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
"""Number of features."""


class Extraction(NamedTuple):
    """The output of an extractor: features float32 [N, 64] and class probabilities [N, K], None without classes."""

    features: Float[Tensor, "N D"]
    probabilities: Float[Tensor, "N K"] | None


class Classifier(nn.Module):
    """A trunk with 64 output features, and a linear layer from these to the classes."""

    def __init__(self, trunk: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(WIDTH, classes)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 64"]:
        """Return features [B, 64] of images [B, C, H, W] in [-1, 1]."""
        features: Tensor = self.trunk(images)
        return features

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        """Return the logits [B, K] of images [B, C, H, W] in [-1, 1]."""
        logits: Tensor = self.head(functional.relu(self.trunk(images)))
        return logits


def _conv(inside: int, outside: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inside, outside, size, stride, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm2d(outside), nn.ReLU()]


def plain_cnn(channels: int, classes: int) -> Classifier:
    """Return extractor A: two convolutions, pool, two convolutions, pool, and a linear layer over a 4x4 map."""
    trunk = nn.Sequential(
        *_conv(channels, 32),
        *_conv(32, 32),
        nn.MaxPool2d(2),
        *_conv(32, 64),
        *_conv(64, 64),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(64 * 16, WIDTH),
    )
    return Classifier(trunk, classes)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(*_conv(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.norm(self.inner(x)))


def residual_cnn(channels: int, classes: int) -> Classifier:
    """Return extractor B: strided convolutions and residual blocks, averaged over all pixels."""
    trunk = nn.Sequential(
        *_conv(channels, 40, size=5, stride=2),
        _Residual(40),
        *_conv(40, 80, stride=2),
        _Residual(80),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(80, WIDTH),
    )
    return Classifier(trunk, classes)


PATCH = 5
CELLS = 4


class Texture(nn.Module):
    """Extractor C: mean magnitudes of PCA filters of 5x5 patches in a 4x4 grid, projected to 64 principal axes.

    All parameters are fitted in closed form from images only: PCA filters (Chan et al., 2015, PCANet), then PCA of the
    magnitudes of their responses.
    """

    filters: Tensor
    centre: Tensor
    axes: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        count = channels * PATCH**2
        self.register_buffer("filters", torch.zeros(count, channels, PATCH, PATCH))
        self.register_buffer("centre", torch.zeros(count * CELLS**2))
        self.register_buffer("axes", torch.zeros(count * CELLS**2, WIDTH))

    def responses(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B F"]:
        """Return the mean magnitude of each filter's response in each cell, [B, filters * cells]."""
        magnitude = functional.conv2d(images, self.filters, padding=PATCH // 2).abs()
        return functional.adaptive_avg_pool2d(magnitude, CELLS).flatten(1)

    def features(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B 64"]:
        """Return features [B, 64] of images [B, C, H, W] in [-1, 1]."""
        return (self.responses(images) - self.centre) @ self.axes
