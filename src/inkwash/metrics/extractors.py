"""Judges: small networks that see images as 64 numbers, in which distributions are compared. No training ever sees them.

A and B learnt the classes, by two architectures; C never saw a label and measures texture, which a classifier learns
to ignore: the width of a stroke, a grey background, blur.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
"""Numbers that a judge sees an image as."""


class Reading(NamedTuple):
    """What a judge sees: features float32 [N, 64], and the probability of each class [N, K], None for judge C."""

    features: Tensor
    probabilities: Tensor | None

    @property
    def certain(self) -> Tensor:
        """The probabilities, of a judge that is known to have learnt classes."""
        assert self.probabilities is not None
        return self.probabilities


class Classifier(nn.Module):
    """A trunk that ends in 64 features, and one linear layer from those to the classes."""

    def __init__(self, trunk: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(WIDTH, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return features [B, 64] of images [B, C, H, W] in [-1, 1]."""
        found: Tensor = self.trunk(images)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Return the logit of each class, [B, K]."""
        logits: Tensor = self.head(functional.relu(self.trunk(images)))
        return logits


def _conv(inside: int, outside: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(inside, outside, size, stride, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm2d(outside), nn.ReLU()]


def stacked(channels: int, classes: int) -> Classifier:
    """Judge A: two convolutions, pool, two convolutions, pool, and a linear layer over a 4x4 map."""
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


def residual(channels: int, classes: int) -> Classifier:
    """Judge B: strided convolutions and residual blocks, averaged over the whole image."""
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
    """Judge C: how strongly each principal pattern of 5x5 patches answers in each cell of a 4x4 grid, 64 axes of that.

    Everything is fitted in closed form, from images alone: principal patterns as filters (Chan et al. 2015, PCANet),
    magnitudes of their answers, principal axes.
    """

    filters: Tensor
    centre: Tensor
    axes: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        patterns = channels * PATCH**2
        self.register_buffer("filters", torch.zeros(patterns, channels, PATCH, PATCH))
        self.register_buffer("centre", torch.zeros(patterns * CELLS**2))
        self.register_buffer("axes", torch.zeros(patterns * CELLS**2, WIDTH))

    def answers(self, images: Tensor) -> Tensor:
        """Return the mean magnitude of each filter's answer in each cell, [B, filters * cells]."""
        magnitude = functional.conv2d(images, self.filters, padding=PATCH // 2).abs()
        return functional.adaptive_avg_pool2d(magnitude, CELLS).flatten(1)

    def features(self, images: Tensor) -> Tensor:
        """Return features [B, 64] of images [B, C, H, W] in [-1, 1]."""
        return (self.answers(images) - self.centre) @ self.axes
