"""Measures of handwriting on grey images of light ink on black: float32 [B, H, W] in [0, 1] to float32 [B].

Each is a function of its own, vectorised over images, in pixels or degrees. An empty image has no ink to measure, and its
attributes are NaN, except for its ink of 0. Slant, width and height are those of Morpho-MNIST (Castro et al., 2019,
"Morpho-MNIST: quantitative assessment and diagnostics for representation learning", Section 3.1, and its published code),
on the image itself in place of one enlarged four times. All but the number of holes are differentiable.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float32
from torch import Tensor
from torch.nn import functional as F

from inkwash.core.shapes import PerExample

Ink = Float32[Tensor, "batch height width"]

BOUND = 0.02
"""The fraction of the ink that lies beyond each end of width and height (`bound_frac` of Morpho-MNIST)."""
BISECTIONS = 22
"""Halvings of the interval around a quantile: 30 pixels become less than 1e-5."""
MIN_DENSITY = 0.1
"""Least ink per pixel by which the gradient of a quantile is divided."""
FLAT = 1e-4
"""The gradient of a square root of less than this is taken as 0, because it grows without bound at 0."""


def ink_mass(ink: Ink) -> PerExample:
    """Return the sum of the intensities: the area in pixels that the ink would have at full intensity, 0 or more."""
    return ink.sum((1, 2))


def thickness(ink: Ink) -> PerExample:
    """Return the thickness of the stroke in pixels: the shorter side of the rectangle of equal area and perimeter.

    Area and perimeter are means over all thresholds between 0 and the maximum: the integrals of the intensity and of the
    magnitude of its gradient (coarea formula: Federer, 1959). Bars of 2 pixels and more are measured to within 8 %; a blob
    of more area than any rectangle of its perimeter has the side of the square of that perimeter. On MNIST the correlation
    with the mean thickness of Morpho-MNIST, twice the mean distance of the skeleton to the background, is 0.99.
    """
    doubled = _doubled(_normalized(ink)).clamp(0, 1)
    area = doubled.sum((1, 2)) / 4
    padded = F.pad(doubled, (1, 1, 1, 1))
    # Differences along the diagonals of 2x2 pixels (Roberts, 1963) depend less on the direction than those along axes.
    falling, rising = padded[:, 1:, 1:] - padded[:, :-1, :-1], padded[:, 1:, :-1] - padded[:, :-1, 1:]
    quarter = _sqrt(falling.square().add(rising.square()).div(2)).sum((1, 2)) / 8
    return quarter - _sqrt(quarter.square() - area, FLAT)


def slant(ink: Ink) -> PerExample:
    """Return the slant in degrees in (-90, 90), positive to the right: the arc tangent of the horizontal shear.

    The shear is the covariance of x and y over the variance of y, of the ink as a distribution: what a shear by it makes
    upright. Castro et al. (2019). NaN for ink in a single row.
    """
    return torch.rad2deg(torch.atan(_shear(ink)))


def width(ink: Ink) -> PerExample:
    """Return the width in pixels of the ink without its slant, which holds 96 % of it: Castro et al. (2019).

    It lies between the 2 % and 98 % quantiles of the horizontal position along the slant; a pixel is a square.
    """
    x, y = _coordinates(ink)
    upright = x + _shear(ink)[:, None, None] * (y - position_y(ink)[:, None, None] - (ink.shape[1] - 1) / 2)
    return _extent(upright.flatten(1), ink.flatten(1))


def height(ink: Ink) -> PerExample:
    """Return the height in pixels that holds 96 % of the ink, between quantiles of rows: Castro et al. (2019)."""
    rows = ink.sum(2)
    return _extent(_coordinates(ink)[1].flatten().expand_as(rows), rows)


def aspect(ink: Ink) -> PerExample:
    """Return `width` over `height`."""
    return width(ink) / height(ink)


def roundness(ink: Ink) -> PerExample:
    """Return the ratio of the minor to the major axis of the ink's ellipse, in [0, 1]: 0 for a line, 1 for a ring.

    The axes are the standard deviations of the ink along its principal directions.
    """
    xx, xy, yy = _moments(ink)
    mean, half = (xx + yy) / 2, _sqrt(((xx - yy) / 2).square() + xy.square())
    return _sqrt((mean - half) / (mean + half), FLAT)


def holes(ink: Ink) -> PerExample:
    """Return the number of holes: regions of background, at half the maximum, that the ink encloses.

    Ink is connected over corners, background over sides. An island of ink within a hole takes one off.
    """
    enclosed = _enclosed(F.pad(_normalized(ink) <= 0.5, (1, 1, 1, 1), value=True))
    return torch.where(ink_mass(ink) > 0, _euler_number(enclosed), math.nan)


def position_x(ink: Ink) -> PerExample:
    """Return the horizontal centre of mass in pixels, from the centre of the image, positive to the right."""
    return (_distribution(ink) * _coordinates(ink)[0]).sum((1, 2)) - (ink.shape[2] - 1) / 2


def position_y(ink: Ink) -> PerExample:
    """Return the vertical centre of mass in pixels, from the centre of the image, positive downwards."""
    return (_distribution(ink) * _coordinates(ink)[1]).sum((1, 2)) - (ink.shape[1] - 1) / 2


def _normalized(ink: Ink) -> Ink:
    """Return the ink with maximum 1; NaN for an empty image."""
    return ink / ink.amax((1, 2), keepdim=True)


def _doubled(ink: Ink) -> Ink:
    """Return the ink with twice as many rows and columns (bicubic: Keys, 1981, with a = -3/4)."""

    def enlarge(size: int) -> Tensor:
        identity = torch.eye(size, device=ink.device)[None, None]
        return F.interpolate(identity, (2 * size, size), mode="bicubic")[0, 0]

    # Matrix products take a tenth of the time of the interpolation of images.
    return enlarge(ink.shape[1]) @ ink @ enlarge(ink.shape[2]).T


def _distribution(ink: Ink) -> Ink:
    """Return the ink with sum 1; NaN for an empty image."""
    return ink / ink.sum((1, 2), keepdim=True)


def _coordinates(ink: Ink) -> tuple[Tensor, Tensor]:
    """Return x [1, 1, W] and y [1, H, 1] of the pixels, from 0."""
    _, rows, columns = ink.shape
    return torch.arange(columns, device=ink.device).float()[None, None], torch.arange(rows, device=ink.device).float()[
        None, :, None
    ]


def _moments(ink: Ink) -> tuple[PerExample, PerExample, PerExample]:
    """Return the variances xx, yy and the covariance xy of the ink, as (xx, xy, yy)."""
    (x, y), p = _coordinates(ink), _distribution(ink)
    columns, rows = p.sum(1, keepdim=True), p.sum(2, keepdim=True)
    x, y = x - (columns * x).sum((1, 2), keepdim=True), y - (rows * y).sum((1, 2), keepdim=True)
    return (columns * x * x).sum((1, 2)), (p * x * y).sum((1, 2)), (rows * y * y).sum((1, 2))


def _shear(ink: Ink) -> PerExample:
    """Return the horizontal shear -xy/yy; y points down, so that it is positive for a slant to the right."""
    _, xy, yy = _moments(ink)
    return -xy / yy


def _extent(position: Float32[Tensor, "batch n"], mass: Float32[Tensor, "batch n"]) -> PerExample:
    """Return the distance of the quantiles BOUND and 1 - BOUND of `mass`, spread over intervals of 1 around `position`.

    The distribution function is piecewise linear and is inverted by bisection.
    """
    total = mass.sum(1)
    first, last = (_quantile(position, mass, fraction * total) for fraction in (BOUND, 1 - BOUND))
    return torch.where(total > 0, last - first, math.nan)


def _quantile(position: Float32[Tensor, "batch n"], mass: Float32[Tensor, "batch n"], wanted: PerExample) -> PerExample:
    """Return the position below which the mass is `wanted`."""

    def share(quantile: PerExample) -> Float32[Tensor, "batch n"]:
        return quantile[:, None] - position + 0.5

    with torch.no_grad():
        low, high = position.amin(1) - 0.5, position.amax(1) + 0.5
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = (mass * share(middle).clamp(0, 1)).sum(1) < wanted
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        quantile = (low + high) / 2
    if not mass.requires_grad:
        return quantile
    # The difference is 0 up to rounding, and its gradient is that of the quantile, by the implicit function theorem.
    cut = share(quantile)
    density = (mass * ((cut > 0) & (cut < 1))).sum(1).detach().clamp(min=MIN_DENSITY)
    return quantile - ((mass * cut.clamp(0, 1)).sum(1) - wanted) / density


def _sqrt(x: Tensor, flat: float = 0.0) -> Tensor:
    """Return the square root, 0 of negative numbers, with a gradient of 0 up to `flat`."""
    return torch.where(x > flat, x, x.detach()).clamp(min=0).sqrt()


def _enclosed(background: Bool[Tensor, "batch height width"]) -> Bool[Tensor, "batch height width"]:
    """Return the part of `background` that is not connected, over sides, with the first pixel."""
    outside = torch.zeros_like(background)
    outside[:, 0, 0] = True
    while True:
        before = outside
        for _ in range(8):
            grown = outside.clone()
            grown[:, 1:] |= outside[:, :-1]
            grown[:, :-1] |= outside[:, 1:]
            grown[:, :, 1:] |= outside[:, :, :-1]
            grown[:, :, :-1] |= outside[:, :, 1:]
            outside = grown.logical_and_(background)
        if torch.equal(before, outside):
            return background & ~outside


def _euler_number(mask: Bool[Tensor, "batch height width"]) -> PerExample:
    """Return components minus holes of `mask` by corners, edges and squares: Gray (1971); connected over sides."""
    m = mask.float()
    pixels = m.sum((1, 2))
    pairs = (m[:, 1:] * m[:, :-1]).sum((1, 2)) + (m[:, :, 1:] * m[:, :, :-1]).sum((1, 2))
    squares = (m[:, 1:, 1:] * m[:, :-1, 1:] * m[:, 1:, :-1] * m[:, :-1, :-1]).sum((1, 2))
    return pixels - pairs + squares
