"""Likelihood of test images in bits per dimension: the discrete variational bound of any denoiser.

The bound is the length of a code for the images (Sohl-Dickstein et al. 2015; Ho et al. 2020, eq. 5). Its path has a
grid of its own: `steps` steps even in log-SNR, whatever schedule training had. Three parts are paid for: the noisiest
level, which the receiver draws from the prior N(0, I); each step down, for the error of the denoised image; and the
pixels, 256 values each, from the cleanest level. The parts hold for any denoiser, so the bound does on any grid: a good
grid only makes it tighter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from inkwash.core import Denoiser, Level, LogLinear, Schedule
from inkwash.core.noise import Stream, normals, uniforms
from inkwash.data import encode
from inkwash.errors import InkwashError, UsageError

CLEANEST = 8.0
"""The log-SNR of the cleanest level when none is given: where the bound of both bundled models is least on MNIST's train
images, within 0.001 (7 and 9 cost up to 0.015 more, 11 about 0.1). A network that knows more of the finest grey levels
gains by a cleaner end: see `tightened`."""

NOISIEST = -9.0
"""The log-SNR of the noisiest level, where training reached it: the prior costs under 1e-4 bits a dimension there."""

_LARGEST_LOG_SNR = 20.0
_CANDIDATES = range(1, 14)
_STEPS_A_UNIT = 100


@dataclass(frozen=True)
class Grid:
    """`steps` steps, even in log-SNR, from `cleanest` to `noisiest`, with alpha^2 + sigma^2 = 1.

    Raises `UsageError` unless -20 <= noisiest < cleanest <= 20 and steps >= 1.
    """

    cleanest: float = CLEANEST
    noisiest: float = NOISIEST
    steps: int = 1000

    def __post_init__(self) -> None:
        if not -_LARGEST_LOG_SNR <= self.noisiest < self.cleanest <= _LARGEST_LOG_SNR:
            raise UsageError(
                f"log-SNR from {self.cleanest:g} to {self.noisiest:g}: the grid of the bound goes down, within 20 and -20"
            )
        if self.steps < 1:
            raise UsageError(f"steps is {self.steps}: the bound needs at least 1")

    @classmethod
    def of(cls, schedule: Schedule, steps: int = 1000) -> Grid:
        """Return the grid between the levels that `schedule` reaches, and no wider than `CLEANEST` to `NOISIEST`.

        A schedule that stops short of noise keeps its end, so that the prior pays for the image still in it.
        """
        clean = schedule(schedule.snap(torch.zeros((), dtype=torch.float64)))
        return cls(min(CLEANEST, float(clean.log_snr)), max(NOISIEST, float(schedule.terminal.log_snr)), steps)

    @property
    def stride(self) -> float:
        """The log-SNR of one step."""
        return (self.cleanest - self.noisiest) / self.steps

    def level(self, edge: Tensor | float) -> Level:
        """Return the level at `edge`, a number or a tensor [B]: 0 is the cleanest, `steps` the noisiest."""
        edge = torch.as_tensor(edge, dtype=torch.float64)
        return LogLinear(self.cleanest, self.noisiest)(edge / self.steps)


@dataclass(frozen=True)
class Bound:
    """Bits per dimension, the mean of `images` images, its standard `error`, and the three parts that add up to it."""

    bits: float
    error: float
    prior: float
    diffusion: float
    decoder: float
    images: int
    steps: int


def frequencies(pixels: Tensor) -> Tensor:
    """Return how often each of the 256 values is among `pixels` (uint8, any shape): float64 [256] that sum to 1.

    One is added to every count, so that no value is impossible (Laplace's rule of succession).
    """
    counts = torch.bincount(pixels.flatten(), minlength=256).double() + 1
    return counts / counts.sum()


def prior_nats(images: Tensor, level: Level) -> Tensor:
    """Return KL(N(alpha x, sigma^2) || N(0, I)) of `images` x [N, ...] at `level`, in nats, float64 [N].

    N(0, I) is what drawing starts from, but for the factor sigma of a schedule that stops short of noise.
    """
    variance = level.sigma**2
    means = (level.alpha * images.double().flatten(1)) ** 2
    return (means + variance - 1 - variance.log()).sum(1) / 2


def diffusion_nats(
    denoiser: Denoiser, images: Tensor, labels: Tensor | None, items: Tensor, grid: Grid, draws: int, seed: int = 0
) -> Tensor:
    """Return an unbiased estimate of the sum of all steps for `images` [N, ...], in nats, float64 [N].

    A step from level t down to s costs (SNR_s - SNR_t) / 2 * |x - denoised(x_t)|^2: the divergence of two posteriors
    of the same variance (Kingma et al. 2021, VDM, eq. 13-14). Each image tries `draws` of the steps, one in every
    equal stratum of them, at places that differ from image to image; `items` int64 [N] number the images.
    """
    total = torch.zeros(len(images), dtype=torch.float64)
    for draw, place in enumerate(_places(items, draws, seed).T):
        step = (place * grid.steps).floor()
        level = grid.level(step + 1)
        noise = normals(seed, items, draw, Stream.LIKELIHOOD_NOISE, images.shape[1:]).to(images)
        denoised = denoiser(level.mix(images, noise), level, labels)
        wrong = (images - denoised).double().square().flatten(1).sum(1).cpu()
        total += level.log_snr.exp() * math.expm1(grid.stride) / 2 * wrong
    return total * grid.steps / draws


def decoder_nats(pixels: Tensor, x: Tensor, level: Level, values: Tensor | None = None) -> Tensor:
    """Return -log p(pixels | x) in nats, float64 [N], of uint8 `pixels` [N, ...] behind the noised `x` [N, ...].

    Each pixel by itself, by Bayes' rule: p(v | x) is proportional to values[v] * N(x; alpha v, sigma^2), where
    `values` [256] are the frequencies of the 256 values; None, all alike, is the decoder of Kingma et al. 2021
    (VDM, eq. 8). It knows what Ho et al. 2020 (eq. 13) leave out, that a pixel near the background is background.
    """
    weights = torch.full((256,), 1 / 256, dtype=torch.float64) if values is None else values
    centres = level.alpha.cpu() * encode(torch.arange(256, dtype=torch.uint8)).double()

    def one(some: Tensor, noised: Tensor) -> Tensor:
        away = (noised.flatten(1).cpu().double()[..., None] - centres) / level.sigma.cpu()
        log_chance = (weights.cpu().log() - away**2 / 2).log_softmax(-1)
        return -log_chance.gather(-1, some.flatten(1).cpu().long()[..., None]).sum((1, 2))

    # 256 numbers a pixel: in small pieces they stay in the cache
    return torch.cat([one(*part) for part in zip(pixels.split(8), x.split(8), strict=True)])


@torch.inference_mode()
def bound(
    denoiser: Denoiser,
    pixels: Tensor,
    labels: Tensor | None,
    grid: Grid,
    draws: int = 2,
    values: Tensor | None = None,
    *,
    seed: int = 0,
    batch: int = 100,
    device: torch.device | str = "cpu",
    progress: Callable[[int], object] | None = None,
) -> Bound:
    """Return the bound on -log2 p(pixels) for uint8 `pixels` [N, C, H, W], N >= 2, or on p(pixels | label) with labels.

    `labels` are int64 [N] or None; a label drawn in proportion adds at most log2(classes) bits an image. `values` are
    the `frequencies` of the train set, for the decoder. Each image costs `draws` evaluations of `denoiser`, which runs
    on `device`; a batch holds many levels, each guided or not by its own.
    `progress(done)` is called with the images finished. The result does not depend on `batch`, but for rounding. The
    error counts the images as independent, although the steps are spread evenly over them: it is about right, or too large.

    Raises `UsageError` for other pixels, labels, `values` or draws; `InkwashError` when the denoiser says nan.
    """
    _require(pixels, labels, draws, values)
    ends = grid.level(0.0), grid.level(float(grid.steps))
    parts = []
    for items in torch.arange(len(pixels)).split(batch):
        images = encode(pixels[items])
        heard = None if labels is None else labels[items].to(device)
        noise = normals(seed, items, 0, Stream.LIKELIHOOD_DECODER, images.shape[1:])
        nats = (
            prior_nats(images, ends[1]),
            diffusion_nats(denoiser, images.to(device), heard, items, grid, draws, seed),
            decoder_nats(pixels[items], ends[0].mix(images, noise), ends[0], values),
        )
        parts.append(torch.stack(nats, 1))
        if progress is not None:
            progress(int(items[-1]) + 1)
    bits = torch.cat(parts) / (math.log(2) * pixels[0].numel())
    if not bits.isfinite().all():
        raise InkwashError(
            "the bound is not a number: the model says nan or infinity; its weights are damaged or diverged"
        )
    total = bits.sum(1)
    prior, diffusion, decoder = bits.mean(0).tolist()
    error = float(total.std()) / math.sqrt(len(total))
    return Bound(prior + diffusion + decoder, error, prior, diffusion, decoder, len(total), grid.steps)


def tightened(
    grid: Grid,
    denoiser: Denoiser,
    pixels: Tensor,
    labels: Tensor | None,
    values: Tensor | None = None,
    *,
    seed: int = 0,
    batch: int = 100,
    device: torch.device | str = "cpu",
) -> Grid:
    """Return `grid` with the cleanest level at which the bound of these images is least: choose it on TRAIN images.

    It is where the denoiser stops knowing more than the decoder, which sees one pixel at a time: below it a step is
    cheaper than what the decoder saves by it, above it dearer. Whole log-SNRs from 2 to 13 are tried, each on one step
    drawn an image: a few hundred images will do. Arguments and errors as for `bound`.
    """
    spent, best = 0.0, (math.inf, grid.cleanest)
    for low, high in pairwise(_CANDIDATES):
        if low < grid.noisiest:
            continue
        slice_ = Grid(high, low, _STEPS_A_UNIT)
        paid = bound(denoiser, pixels, labels, slice_, 1, values, seed=seed, batch=batch, device=device)
        spent += paid.diffusion
        best = min(best, (spent + paid.decoder, float(high)))
    return Grid(best[1], grid.noisiest, grid.steps)


def evaluations(images: int, some: int, draws: int = 2) -> int:
    """Return the evaluations of the denoiser that `bound` of `images` costs, after `tightened` on `some`."""
    return draws * images + (len(_CANDIDATES) - 1) * some


def _places(items: Tensor, draws: int, seed: int) -> Tensor:
    """Return places in [0, 1), float64 [N, draws], one in each of `draws` strata.

    Within the strata the images follow one another by the golden section from one random start, which covers them
    evenly for every number of images, and gives an image the same places whichever others there are (Weyl 1916).
    """
    golden = (math.sqrt(5) - 1) / 2
    within = (uniforms(seed, 0, 0, Stream.LIKELIHOOD_LEVEL) + golden * items[:, None]) % 1
    return (torch.arange(draws) + within) / draws


def _require(pixels: Tensor, labels: Tensor | None, draws: int, values: Tensor | None) -> None:
    if pixels.dtype != torch.uint8 or pixels.ndim != 4:
        form = f"{str(pixels.dtype).removeprefix('torch.')} {list(pixels.shape)}"
        raise UsageError(
            f"bits per dimension are of uint8 images [N, C, H, W], not of {form}: give the pixels, 0 to 255"
        )
    if len(pixels) < 2:
        raise UsageError(f"bits per dimension of {len(pixels)} images: the standard error needs at least 2")
    if labels is not None and labels.shape != (len(pixels),):
        raise UsageError(f"{len(pixels)} images with labels of shape {list(labels.shape)}: give one label an image")
    if draws < 1:
        raise UsageError(f"draws is {draws}: the bound needs at least 1 an image")
    if values is not None and (values.shape != (256,) or not (values > 0).all()):
        raise UsageError("the decoder needs 256 frequencies above 0, one for each value of a pixel: see `frequencies`")
