"""The bound equals the entropy of known distributions, and is never below it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from inkwash.core import Cosine, Denoiser, EmpiricalDenoiser, GaussianDenoiser, Karras, Level, Linear, MixtureDenoiser
from inkwash.data import encode
from inkwash.errors import InkwashError, UsageError
from inkwash.metrics.likelihood import (
    BitsPerDim,
    bits_per_dim,
    decoder_nats,
    diffusion_nats,
    frequencies,
    num_evaluations,
    prior_nats,
    with_best_end,
)
from inkwash.metrics.log_snr_grid import LogSNRGrid

VALUES = torch.arange(256, dtype=torch.uint8)
MEAN = torch.tensor([0.4, -0.7, 0.1], dtype=torch.float64)
COVARIANCE = torch.tensor([[0.5, 0.25, 0.1], [0.25, 0.2, 0.0], [0.1, 0.0, 0.3]], dtype=torch.float64)
NINE = torch.randint(0, 256, (8, 1, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
CLASSES = torch.arange(8) % 4
WIDE = LogSNRGrid(16.0, -9.0)
UNCHECKED = inspect.unwrap(bits_per_dim)
"""The function without the type checks of these tests, which would refuse invalid arguments before it does."""


def independent_pixels(count: int) -> tuple[Tensor, Tensor]:
    """Return independent pixels [count, 1, 2, 2]: half of them 0, a tenth 255, the rest uniform."""
    probabilities = torch.full((256,), 0.4 / 254, dtype=torch.float64)
    probabilities[0], probabilities[255] = 0.5, 0.1
    values = torch.multinomial(probabilities, count * 4, replacement=True, generator=torch.Generator().manual_seed(1))
    return values.to(torch.uint8).reshape(count, 1, 2, 2), probabilities


@dataclass(frozen=True)
class PixelByPixel:
    """The posterior mean of each independent pixel, whose values have the frequencies [256]."""

    probabilities: Tensor

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        points = encode(VALUES).double()[:, None]
        exact = MixtureDenoiser(points, torch.zeros(256, dtype=torch.float64), self.probabilities)
        each = Level(level.alpha.repeat_interleave(4), level.sigma.repeat_interleave(4))
        return exact(x.double().reshape(-1, 1), each).reshape(x.shape).to(x)


def test_prior_is_the_kl_divergence_of_the_noisiest_level() -> None:
    images, level = torch.linspace(-1, 1, 12).reshape(2, 1, 2, 3), Linear(T=300).terminal
    normal = Normal(level.alpha * images.double(), level.sigma)
    expected = kl_divergence(normal, Normal(0.0, torch.ones((), dtype=torch.float64))).sum((1, 2, 3))
    torch.testing.assert_close(prior_nats(images, level), expected)


@pytest.mark.parametrize("spread", [1.0, 0.3])
def test_diffusion_term_of_a_gaussian_in_closed_form(spread: float) -> None:
    # prior and steps code the cleanest x: -log of the model's density there, less the entropy of the noise
    image, model = MEAN + torch.tensor([0.5, 0.2, -0.6], dtype=torch.float64), spread * COVARIANCE
    images, items = image.expand(2000, 3), torch.arange(2000)
    found = {}
    for steps in (5, 20, 2000):
        grid = LogSNRGrid(4.0, -9.0, steps)
        nats = prior_nats(images, grid.level(steps)) + diffusion_nats(
            GaussianDenoiser(MEAN, model), images, None, items, grid, 5
        )
        found[steps] = (nats.mean().item(), nats.std().item() / math.sqrt(2000))
    clean, one = LogSNRGrid(4.0, -9.0).level(0), torch.eye(3, dtype=torch.float64)
    exact = kl_divergence(
        MultivariateNormal(clean.alpha * image, clean.sigma**2 * one),
        MultivariateNormal(clean.alpha * MEAN, clean.alpha**2 * model + clean.sigma**2 * one),
    ).item()
    mean, spread = found[2000]
    assert abs(mean - exact) < 4 * spread + 0.005 * exact
    assert spread < 0.02 * exact
    assert found[5][0] > found[20][0] + 4 * found[20][1] > found[2000][0] + 8 * spread


@pytest.mark.parametrize("cleanest", [2.0, 7.0, 12.0])
def test_bound_of_independent_pixels_is_their_entropy(cleanest: float) -> None:
    pixels, probabilities = independent_pixels(1500)
    found = bits_per_dim(
        PixelByPixel(probabilities), pixels, None, LogSNRGrid(cleanest, -9.0), 2, probabilities, batch=500
    )
    entropy = -(probabilities * probabilities.log2()).sum().item()
    assert found.standard_error < 0.04 * entropy
    assert abs(found.bits - entropy) < 3 * found.standard_error + 0.005 * entropy
    assert found.bits == pytest.approx(found.prior + found.diffusion + found.decoder)


@pytest.mark.parametrize(("labels", "choices"), [(None, 8), (CLASSES, 2)])
def test_bound_of_a_few_images_is_the_log_of_their_number(labels: Tensor | None, choices: int) -> None:
    rows = torch.arange(800) % 8
    exact = EmpiricalDenoiser(encode(NINE), CLASSES)
    reported = None if labels is None else labels[rows]
    found = bits_per_dim(exact, NINE[rows], reported, WIDE, 40)
    ideal = math.log2(choices) / 9
    assert found.standard_error < 0.04 * ideal
    assert found.bits == pytest.approx(ideal, abs=3 * found.standard_error + 0.01 * ideal)


def test_coarse_steps_and_worse_denoisers_raise_the_bound() -> None:
    rows = torch.arange(400) % 8
    exact = EmpiricalDenoiser(encode(NINE), CLASSES)

    def paler(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return 0.99 * exact(x, level)

    fine = bits_per_dim(exact, NINE[rows], None, WIDE, 40)
    coarse = bits_per_dim(exact, NINE[rows], None, replace(WIDE, steps=20), 40)
    worse = bits_per_dim(paler, NINE[rows], None, WIDE, 40)
    misled = bits_per_dim(exact, NINE[rows], (CLASSES[rows] + 1) % 4, WIDE, 40)
    for higher in (coarse, worse, misled):
        assert higher.bits - 3 * higher.standard_error > fine.bits + 3 * fine.standard_error


def test_as_many_draws_as_steps_use_each_step_once() -> None:
    grid, images = LogSNRGrid(3.0, -5.0, 7), encode(NINE)

    def zero(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return torch.zeros_like(x)

    # the differences of SNR telescope
    full_set = (math.exp(3.0) - math.exp(-5.0)) / 2 * images.double().square().sum((1, 2, 3))
    torch.testing.assert_close(diffusion_nats(zero, images, None, torch.arange(8), grid, 7), full_set)
    few = diffusion_nats(zero, images[:1].expand(5000, -1, -1, -1), None, torch.arange(5000), grid, 2)
    # steps are spread over the images by the golden section: the mean is known to far better than 1 / sqrt(5000)
    assert few.mean().item() == pytest.approx(full_set[0].item(), rel=0.002)


@pytest.mark.parametrize("values", [None, "counted"])
@pytest.mark.parametrize("log_snr", [-3.0, 6.0, 12.0])
def test_decoder_probabilities_sum_to_one(values: str | None, log_snr: float) -> None:
    known = None if values is None else frequencies(independent_pixels(50)[0])
    level = LogSNRGrid(log_snr, -9.0).level(0)
    for x in (-1.2, -0.4, 0.97):
        nats = decoder_nats(VALUES.reshape(256, 1, 1, 1), torch.full((256, 1, 1, 1), x), level, known)
        assert torch.exp(-nats).sum().item() == pytest.approx(1, abs=1e-9)


def test_decoder_limits_of_high_and_low_noise() -> None:
    probabilities = frequencies(independent_pixels(50)[0])
    pixels = VALUES.reshape(256, 1, 1, 1)
    blind, sharp = Level(0.0, 1.0), Level(1.0, 1e-4)
    torch.testing.assert_close(torch.exp(-decoder_nats(pixels, encode(pixels), blind, probabilities)), probabilities)
    assert decoder_nats(pixels, encode(pixels), sharp, probabilities).abs().max() < 1e-9


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_decoder_ratio_of_two_pixels_in_closed_form(sigma: float) -> None:
    x, ends = torch.full((2, 1, 1, 1), 0.3), torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1)
    black, white = decoder_nats(ends, x, Level(0.8, sigma)).tolist()
    log_chance = Normal(0.8 * encode(ends).flatten(), sigma).log_prob(x.flatten())
    assert black - white == pytest.approx(float(log_chance[1] - log_chance[0]), rel=1e-6)


def test_frequencies_are_positive_and_sum_to_one() -> None:
    probabilities = frequencies(torch.tensor([0, 0, 0, 7], dtype=torch.uint8))
    assert probabilities.sum().item() == pytest.approx(1)
    assert probabilities.argmax() == 0
    assert probabilities[0] / probabilities[7] == pytest.approx(2)
    assert (probabilities > 0).all()


def test_bound_of_an_image_does_not_depend_on_the_others() -> None:
    exact, rows = EmpiricalDenoiser(encode(NINE)), torch.arange(40) % 8
    full_set, pieces = (bits_per_dim(exact, NINE[rows], None, WIDE, 3, batch=size) for size in (40, 7))
    assert pieces.bits == pytest.approx(full_set.bits, rel=1e-5)
    assert pieces.standard_error == pytest.approx(full_set.standard_error, rel=1e-5)
    items = torch.arange(40)
    nats = diffusion_nats(exact, encode(NINE[rows]), None, items, WIDE, 3)
    only = diffusion_nats(exact, encode(NINE[rows[30:]]), None, items[30:], WIDE, 3)
    torch.testing.assert_close(only, nats[30:], rtol=1e-5, atol=1e-5)
    assert bits_per_dim(exact, NINE[rows], None, WIDE, 3, seed=1).bits != full_set.bits


def test_error_covers_the_variation_over_seeds() -> None:
    pixels, probabilities = independent_pixels(6400)
    denoiser, grid = PixelByPixel(probabilities), LogSNRGrid(5.0, -9.0, 200)

    def measured(count: int, seed: int = 0) -> BitsPerDim:
        return bits_per_dim(denoiser, pixels[:count], None, grid, 1, probabilities, seed=seed, batch=800)

    assert measured(400).standard_error / measured(6400).standard_error == pytest.approx(4, rel=0.2)
    bounds = [measured(200, seed) for seed in range(40)]
    spread = torch.tensor([found.bits for found in bounds]).std().item()
    # a spread of 40 is known to a ninth of it
    assert 0.7 < spread / (sum(found.standard_error for found in bounds) / 40) < 1.3


def test_prior_includes_the_signal_left_at_the_noisiest_level() -> None:
    exact, rows = EmpiricalDenoiser(encode(NINE)), torch.arange(100) % 8
    trapped, full_set = (
        bits_per_dim(exact, NINE[rows], None, LogSNRGrid.of(schedule)) for schedule in (Linear(T=300), Cosine())
    )
    # SNR * |x|^2 / 2 and, of a higher order, the variance that is missing
    power = encode(NINE[rows]).square().mean().item()
    assert trapped.prior == pytest.approx(0.0505 * power / 2 / math.log(2), rel=0.1)
    assert 0 < full_set.prior < 1e-4


def test_grid_of_a_schedule_ends_at_its_terminal_level() -> None:
    short, full_set, noisy = (
        LogSNRGrid.of(Linear(T=300)),
        LogSNRGrid.of(Cosine(), 50),
        LogSNRGrid.of(Karras(low=0.1, high=20.0)),
    )
    assert short.noisiest == pytest.approx(float(Linear(T=300).terminal.log_snr))
    assert (full_set.cleanest, full_set.noisiest, full_set.steps) == (8.0, -9.0, 50)
    assert (noisy.cleanest, noisy.noisiest) == pytest.approx((-2 * math.log(0.1), -2 * math.log(20.0)))


def test_grid_is_even_in_log_snr_and_variance_preserving() -> None:
    grid = LogSNRGrid(6.0, -4.0, 5)
    level = grid.level(torch.arange(6.0))
    torch.testing.assert_close(level.log_snr, torch.tensor([6.0, 4, 2, 0, -2, -4], dtype=torch.float64))
    torch.testing.assert_close(level.alpha**2 + level.sigma**2, torch.ones(6, dtype=torch.float64))


def forgetful(denoiser: Denoiser, above: float) -> Denoiser:
    """A denoiser that returns the scaled noisy x at levels cleaner than `above`, as if untrained there."""

    def denoise(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        log_snr = level.log_snr.reshape(-1, 1, 1, 1)
        plain = x / level.alpha.reshape(-1, 1, 1, 1).to(x)
        return torch.where(log_snr > above, plain + 0.1, denoiser(x, level))

    return denoise


@pytest.mark.parametrize("end", [4.0, 9.0])
def test_best_end_is_where_the_denoiser_is_no_better_than_the_decoder(end: float) -> None:
    # images of few pixel values that are themselves rare: their pixels determine one another
    images = NINE // 64 * 80
    rows = torch.arange(80) % 8
    denoiser = forgetful(EmpiricalDenoiser(encode(images)), end)
    start = LogSNRGrid(12.0, -9.0, 300)
    found = with_best_end(start, denoiser, images[rows], None)
    assert found == LogSNRGrid(end, -9.0, 300)
    best, wider = (bits_per_dim(denoiser, images[rows], None, grid).bits for grid in (found, start))
    assert best < wider


class Recorded:
    """A denoiser that records its labels and counts its evaluations."""

    def __init__(self) -> None:
        self.labels: list[int] = []
        self.count = 0

    def __call__(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        self.count += len(x)
        self.labels += [] if label is None else label.tolist()
        return torch.zeros_like(x)


def test_images_are_conditioned_on_their_labels_and_progress_counts_images() -> None:
    recorder = Recorded()
    done: list[float] = []
    found = bits_per_dim(recorder, NINE, CLASSES, LogSNRGrid(), 1, batch=3, progress=done.append)
    assert recorder.labels == CLASSES.tolist()
    assert recorder.count == 8
    assert done == [3, 6, 8]
    assert (found.num_images, found.steps) == (8, 1000)


@pytest.mark.parametrize(
    ("call", "code", "field"),
    [
        (lambda: LogSNRGrid(-9.0, 8.0), "out-of-range", None),
        (lambda: LogSNRGrid(float("inf"), 0.0), "out-of-range", None),
        (lambda: LogSNRGrid(float("nan"), 0.0), "out-of-range", None),
        (lambda: LogSNRGrid(8.0, -9.0, 0), "out-of-range", "steps"),
        (lambda: bits_per_dim(Recorded(), NINE[:1], None, WIDE), "invalid-data", "pixels"),
        (lambda: bits_per_dim(Recorded(), NINE, CLASSES[:5], WIDE), "invalid-data", "labels"),
        (lambda: UNCHECKED(Recorded(), NINE, CLASSES.to(torch.int16), WIDE), "invalid-data", "labels"),
        (lambda: bits_per_dim(Recorded(), NINE, None, WIDE, 0), "out-of-range", "draws"),
        *(
            (
                lambda invalid=invalid: UNCHECKED(Recorded(), NINE, None, WIDE, 1, invalid.double()),
                "invalid-data",
                "pixel_frequencies",
            )
            for invalid in (torch.zeros(256), torch.ones(1), torch.ones(255), torch.full((256,), math.nan))
        ),
    ],
)
def test_invalid_arguments_raise_usage_errors(call: Callable[[], object], code: str, field: str | None) -> None:
    with pytest.raises(UsageError) as error:
        call()
    assert (error.value.code, error.value.field) == (code, field)


def test_bound_of_a_nan_model_raises() -> None:
    def broken(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return x * math.nan

    with pytest.raises(InkwashError) as error:
        bits_per_dim(broken, NINE, None, WIDE)
    assert error.value.code == "non-finite"


def test_num_evaluations_is_the_number_of_evaluations_made() -> None:
    recorder = Recorded()
    grid = with_best_end(LogSNRGrid(), recorder, NINE, None)
    bits_per_dim(recorder, NINE.repeat(3, 1, 1, 1), None, grid)
    assert recorder.count == num_evaluations(num_images=24, num_tuning_images=8)
