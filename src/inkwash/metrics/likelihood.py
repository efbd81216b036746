"""Likelihood of test images in bits per dimension: the discrete variational bound (negative ELBO) of any denoiser.

The bound (Sohl-Dickstein et al., 2015; Ho et al., 2020, Eq. 5) has three terms: the prior N(0, I) at the highest noise
level, the diffusion steps, which depend on the error of the denoised image, and the decoder of 256 pixel values at the
lowest noise level. It is computed on a grid of steps even in log-SNR, independent of the training schedule: the bound
holds on any grid and is tighter on a good one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Float64, Int64, UInt8
from torch import Tensor

from inkwash.core import Denoiser, Level
from inkwash.core.rng import Stream, normals, uniforms
from inkwash.data import encode
from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.input_checks import check_labels, check_pixels, invalid_input
from inkwash.metrics.log_snr_grid import LogSNRGrid
from inkwash.metrics.tensor_types import ClassIndices, Indices, PerImage, Pixels
from inkwash.text.progress import ProgressCallback

_CANDIDATES = range(1, 14)
"""Log-SNRs of the lowest noise level that `with_best_end` tries; the first is only a lower end."""
_STEPS_PER_UNIT = 100


ScaledImages = Float[Tensor, "N *shape"]
PixelsOfAnyShape = UInt8[Tensor, "N *shape"]
Frequencies = Float64[Tensor, "256"]
"""The relative frequency of each value of a pixel, with sum 1."""


@dataclass(frozen=True)
class BitsPerDim:
    """Bits per dimension: the mean over `num_images` images, its `standard_error`, and the three terms that add up to it."""

    bits: float
    standard_error: float
    prior: float
    diffusion: float
    decoder: float
    num_images: int
    steps: int


def frequencies(pixels: UInt8[Tensor, "*shape"]) -> Frequencies:
    """Return the relative frequency of each of the 256 values in `pixels` (uint8, any shape): float64 [256], sum 1.

    One is added to every count, so that none is 0 (Laplace's rule of succession).
    """
    counts = torch.bincount(pixels.flatten(), minlength=256).double() + 1
    return counts / counts.sum()


def prior_nats(images: ScaledImages, level: Level) -> PerImage:
    """Return KL(N(alpha x, sigma^2) || N(0, I)) of `images` x [N, ...] at `level`, in nats, float64 [N].

    Sampling starts from N(0, I), scaled by sigma for a schedule whose terminal SNR is not zero.
    """
    variance = level.sigma**2
    means = (level.alpha * images.double().flatten(1)) ** 2
    return (means + variance - 1 - variance.log()).sum(1) / 2


def diffusion_nats(
    denoiser: Denoiser,
    images: ScaledImages,
    labels: ClassIndices | None,
    items: Indices,
    grid: LogSNRGrid,
    draws: int,
    seed: int = 0,
) -> PerImage:
    """Return an unbiased estimate of the diffusion term of `images` [N, ...], in nats, float64 [N].

    A step from level t to s contributes (SNR_s - SNR_t) / 2 * |x - denoised(x_t)|^2, the KL divergence of two
    posteriors of the same variance (Kingma et al., 2021, Eq. 13-14). Each image evaluates `draws` of the steps, one in
    each of as many strata, at positions that differ between images; `items` int64 [N] are the images' indices.
    """
    total = torch.zeros(len(images), dtype=torch.float64)
    for draw, position in enumerate(_positions(items, draws, seed).T):
        step = (position * grid.steps).floor()
        level = grid.level(step + 1)
        noise = normals(seed, items, draw, Stream.LIKELIHOOD_NOISE, images.shape[1:]).to(images)
        denoised = denoiser(level.mix(images, noise), level, labels)
        error = (images - denoised).double().square().flatten(1).sum(1).cpu()
        total += level.log_snr.exp() * math.expm1(grid.log_snr_step) / 2 * error
    return total * grid.steps / draws


def decoder_nats(
    pixels: PixelsOfAnyShape, x: ScaledImages, level: Level, pixel_frequencies: Frequencies | None = None
) -> PerImage:
    """Return -log p(pixels | x) in nats, float64 [N], of uint8 `pixels` [N, ...] given the noised `x` [N, ...].

    Each pixel is independent, by Bayes' rule: p(v | x) is proportional to pixel_frequencies[v] * N(x; alpha v, sigma^2).
    Frequencies None are uniform, the decoder of Kingma et al. (2021), Eq. 8; they are a prior that the decoder of Ho et
    al. (2020), Eq. 13 lacks.
    """
    weights = torch.full((256,), 1 / 256, dtype=torch.float64) if pixel_frequencies is None else pixel_frequencies
    centres = level.alpha.cpu() * encode(torch.arange(256, dtype=torch.uint8)).double()

    def nats(batch: Tensor, noised: Tensor) -> Tensor:
        z = (noised.flatten(1).cpu().double()[..., None] - centres) / level.sigma.cpu()
        log_p = (weights.cpu().log() - z**2 / 2).log_softmax(-1)
        return -log_p.gather(-1, batch.flatten(1).cpu().long()[..., None]).sum((1, 2))

    # 256 numbers a pixel: small batches fit into the CPU cache
    return torch.cat([nats(*part) for part in zip(pixels.split(8), x.split(8), strict=True)])


@torch.inference_mode()
def bits_per_dim(
    denoiser: Denoiser,
    pixels: Pixels,
    labels: Int64[Tensor, " M"] | None,
    grid: LogSNRGrid,
    draws: int = 2,
    pixel_frequencies: Frequencies | None = None,
    *,
    seed: int = 0,
    batch: int = 100,
    device: torch.device | str = "cpu",
    progress: ProgressCallback | None = None,
) -> BitsPerDim:
    """Return the bound on -log2 p(pixels) for uint8 `pixels` [N, C, H, W], N >= 2, or on p(pixels | label) with labels.

    `labels` are int64 [N] or None; coding a label adds at most log2(classes) bits per image. `pixel_frequencies` are the
    `frequencies` of the training set, for the decoder. Each image costs `draws` evaluations of `denoiser`, which runs on
    `device`; a batch mixes noise levels. `progress` is called with the number of images done. The result is
    independent of `batch` up to rounding. The standard error treats images as independent, although the steps are
    stratified over them, so it is conservative.

    Raises `UsageError` for other pixels, labels, `pixel_frequencies` or draws; `InkwashError` where the denoiser returns NaN.
    """
    check_pixels(pixels, "pixels", min_count=2)
    if labels is not None:
        check_labels(labels, len(pixels), None, "pixels")
    if draws < 1:
        raise UsageError(f"draws is {draws}: at least 1 per image is needed", code="out-of-range", field="draws")
    if pixel_frequencies is not None and (pixel_frequencies.shape != (256,) or not (pixel_frequencies > 0).all()):
        raise invalid_input(
            "pixel frequencies must be 256 values above 0: use `frequencies` of the train set", "pixel_frequencies"
        )
    ends = grid.level(0.0), grid.level(float(grid.steps))
    parts = []
    for items in torch.arange(len(pixels)).split(batch):
        images = encode(pixels[items])
        conditions = None if labels is None else labels[items].to(device)
        noise = normals(seed, items, 0, Stream.LIKELIHOOD_DECODER, images.shape[1:])
        nats = (
            prior_nats(images, ends[1]),
            diffusion_nats(denoiser, images.to(device), conditions, items, grid, draws, seed),
            decoder_nats(pixels[items], ends[0].mix(images, noise), ends[0], pixel_frequencies),
        )
        parts.append(torch.stack(nats, 1))
        if progress is not None:
            progress(int(items[-1]) + 1)
    bits = torch.cat(parts) / (math.log(2) * pixels[0].numel())
    if not bits.isfinite().all():
        raise InkwashError(
            "the bound is not finite: the model returns NaN or infinity; its weights are damaged or diverged",
            code="non-finite",
        )
    total = bits.sum(1)
    prior, diffusion, decoder = bits.mean(0).tolist()
    error = float(total.std()) / math.sqrt(len(total))
    return BitsPerDim(prior + diffusion + decoder, error, prior, diffusion, decoder, len(total), grid.steps)


def with_best_end(
    grid: LogSNRGrid,
    denoiser: Denoiser,
    pixels: Pixels,
    labels: Int64[Tensor, " M"] | None,
    pixel_frequencies: Frequencies | None = None,
    *,
    seed: int = 0,
    batch: int = 100,
    device: torch.device | str = "cpu",
) -> LogSNRGrid:
    """Return `grid` with the lowest noise level that minimizes the bound of these images, which must be TRAIN images.

    Integer log-SNRs from 2 to 13 are tried, each with one random step per image; a few hundred images suffice. Arguments
    and errors as for `bits_per_dim`.
    """
    spent, best = 0.0, (math.inf, grid.cleanest)
    for low, high in pairwise(_CANDIDATES):
        if low < grid.noisiest:
            continue
        interval = LogSNRGrid(high, low, _STEPS_PER_UNIT)
        found = bits_per_dim(
            denoiser, pixels, labels, interval, 1, pixel_frequencies, seed=seed, batch=batch, device=device
        )
        spent += found.diffusion
        best = min(best, (spent + found.decoder, float(high)))
    return LogSNRGrid(best[1], grid.noisiest, grid.steps)


def num_evaluations(num_images: int, num_tuning_images: int, draws: int = 2) -> int:
    """Return the number of denoiser evaluations of `with_best_end` on some images and then `bits_per_dim` on others."""
    return draws * num_images + (len(_CANDIDATES) - 1) * num_tuning_images


def _positions(items: Tensor, draws: int, seed: int) -> Tensor:
    """Return positions in [0, 1), float64 [N, draws], one in each of `draws` strata.

    Within a stratum, images follow the golden-ratio sequence from one random start (Weyl, 1916): it is equidistributed
    for every number of images, and the position of an image does not depend on the others.
    """
    golden = (math.sqrt(5) - 1) / 2
    within = (uniforms(seed, 0, 0, Stream.LIKELIHOOD_LEVEL) + golden * items[:, None]) % 1
    return (torch.arange(draws) + within) / draws
