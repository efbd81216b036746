"""The objective is minimized by the posterior mean for every target and weight; clipping, guidance and strata."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from inkwash.core import (
    DENSITIES,
    SCHEDULES,
    TARGETS,
    Clipped,
    Cosine,
    GaussianDenoiser,
    Guided,
    Level,
    NetDenoiser,
    Schedule,
    Target,
)
from inkwash.objectives import WEIGHTS, Denoising, Unweighted, stratify

every_target = pytest.mark.parametrize("kind", TARGETS)
every_weight = pytest.mark.parametrize("weight", WEIGHTS)

DATA_STD = 0.6
COUNT = 64
PLACES = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
U = PLACES.repeat_interleave(COUNT)


def images_and_noise() -> tuple[Tensor, Tensor]:
    """Return Gaussian images and noise [B, 1, 1, 1] whose second moments are exact within each of the three levels.

    With exact moments the best linear answer to the sample is the best linear answer to its law.
    """
    normal = torch.randn(len(PLACES), COUNT, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.linalg.qr(normal).Q * math.sqrt(COUNT)
    images, noise = exact.reshape(-1, 2, 1, 1, 1).unbind(1)
    return DATA_STD * images, noise


class Gains(nn.Module):
    """The smallest network that is linear in x: one gain for each of the three levels, distinguished by c_noise."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.codes = schedule(PLACES).c_noise.float()
        self.gain = nn.Parameter(torch.zeros(len(PLACES), dtype=torch.float64))

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        nearest = (c_noise[:, None] - self.codes).abs().argmin(1)
        return self.gain[nearest].reshape(-1, 1, 1, 1) * x


def fit(objective: Denoising, denoiser: NetDenoiser, images: Tensor, noise: Tensor) -> None:
    """Put the gains at the minimum of the loss, which is a separate parabola in each: one step of Newton's method."""
    gain = denoiser.net.get_parameter("gain")

    def slope() -> Tensor:
        return torch.autograd.grad(objective(denoiser, images, None, U, noise).mean(), gain)[0]

    at_zero = slope()
    with torch.no_grad():
        gain.fill_(1.0)
    at_one = slope()
    with torch.no_grad():
        gain.copy_(at_zero / (at_zero - at_one))
    assert (slope().abs() < 1e-9 * at_one.abs()).all()


@every_target
@every_weight
@pytest.mark.parametrize("schedule", ["cosine", "karras"])
def test_a_linear_network_learns_the_wiener_filter(kind: str, weight: str, schedule: str) -> None:
    path = SCHEDULES[schedule]()
    denoiser = NetDenoiser(Gains(path), Target(kind, DATA_STD))
    images, noise = images_and_noise()
    fit(Denoising(path, weight=WEIGHTS[weight]()), denoiser, images, noise)
    wiener = GaussianDenoiser(torch.zeros(1).double(), torch.tensor([[DATA_STD**2]], dtype=torch.float64))
    x = torch.tensor([[-1.0], [0.3], [2.0]], dtype=torch.float64)
    for u in PLACES:
        found = denoiser(x.reshape(-1, 1, 1, 1), path(u)).reshape(-1, 1)
        torch.testing.assert_close(found, wiener(x, path(u)), rtol=0, atol=1e-10)


class GivenImage(nn.Module):
    """A network whose predicted image is `image`; `away` is added to its output."""

    def __init__(self, image: Tensor, level: Level, x: Tensor, target: Target) -> None:
        super().__init__()
        self.output = target.of(level, image, level.noise_in(x, image))
        self.away = torch.zeros_like(self.output, requires_grad=True)

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        return self.output + self.away


class Zero(nn.Module):
    """A network that returns zero, whose error is the negative target."""

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None) -> Tensor:
        return torch.zeros_like(x)


@every_target
@pytest.mark.parametrize("density", DENSITIES)
def test_without_a_weight_the_loss_is_the_squared_error_in_target_space(kind: str, density: str) -> None:
    generator = torch.Generator().manual_seed(2)
    images, noise = torch.randn(2, 8, 1, 3, 3, generator=generator)
    u = torch.rand(8, generator=generator, dtype=torch.float64)
    objective, target = Denoising(Cosine(), DENSITIES[density]()), Target(kind, DATA_STD)
    loss = objective(NetDenoiser(Zero(), target), images, None, u, noise)
    level = objective.density(objective.schedule, u)
    expected = nn.functional.mse_loss(target.of(level, images, noise), torch.zeros(8, 1, 3, 3), reduction="none")
    assert loss.shape == (8,) and loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected.mean((1, 2, 3)))


# no weight is 1 in the space of the target, and so differs with it by definition
@pytest.mark.parametrize("weight", [name for name in WEIGHTS if WEIGHTS[name] is not Unweighted])
def test_a_weight_means_the_same_for_every_target(weight: str) -> None:
    # The loss of a wrong image is the same in every target space.
    images, noise = torch.randn(2, 3, 1, 2, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    level = Cosine()(PLACES)
    x, wrong = level.mix(images, noise), 0.5 * images + 0.1
    losses = []
    for kind in TARGETS:
        target = Target(kind, DATA_STD)
        denoiser = NetDenoiser(GivenImage(wrong, level, x, target), target)
        losses.append(Denoising(Cosine(), weight=WEIGHTS[weight]())(denoiser, images, None, PLACES, noise))
    expected = WEIGHTS[weight]()(level, Target("x0", DATA_STD)) * ((wrong - images) ** 2).mean((1, 2, 3))
    for loss in losses:
        torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)


def test_loss_of_an_example_does_not_depend_on_the_batch() -> None:
    images, noise = torch.randn(2, 3, 1, 2, 2, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    objective, denoiser = Denoising(Cosine()), NetDenoiser(Gains(Cosine()), Target("v", DATA_STD))
    together = objective(denoiser, images, None, PLACES, noise)
    singles = [objective(denoiser, images[i : i + 1], None, PLACES[i : i + 1], noise[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(singles))


def test_labels_reach_the_network() -> None:
    class LabelNetwork(nn.Module):
        def forward(self, x: Tensor, c_noise: Tensor, label: Tensor) -> Tensor:
            return label.to(x).reshape(-1, 1, 1, 1).expand_as(x)

    zeros, labels = torch.zeros(4, 1, 2, 2), torch.arange(4)
    u = torch.full((4,), 0.5, dtype=torch.float64)
    loss = Denoising(Cosine())(NetDenoiser(LabelNetwork(), Target("x0")), zeros, labels, u, zeros)
    assert loss.tolist() == [0, 1, 4, 9]


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_stratify_puts_one_number_into_each_stratum(batch: int) -> None:
    u = torch.rand(batch, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    spread = stratify(u)
    assert (spread * batch).floor().tolist() == list(range(batch))
    assert ((spread * batch) % 1).tolist() == pytest.approx(u.tolist(), abs=1e-12)


def test_processes_share_the_strata_of_one_batch() -> None:
    u = torch.rand(12, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    pieces = [stratify(u[first : first + 4], first=first, of=12) for first in (0, 4, 8)]
    assert torch.equal(torch.cat(pieces), stratify(u))


class FixedPrediction:
    """A predictor whose predicted image is `denoised`."""

    def __init__(self, target: Target, denoised: Tensor) -> None:
        self.target, self.denoised = target, denoised

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return self.target.of(level, self.denoised, level.noise_in(x, self.denoised))


@every_target
@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_clip_ignores_predictions_beyond_a_saturated_pixel(kind: str, end: float) -> None:
    level_count, target, noise = 50, Target(kind, DATA_STD), torch.randn(50, 4, dtype=torch.float64)
    u = stratify(torch.full((level_count,), 0.5, dtype=torch.float64))
    images = torch.tensor([end, end, 0.3, -end], dtype=torch.float64).expand(level_count, 4)
    # beyond; short of it; beyond where the pixel is grey; beyond at the wrong end
    denoised = torch.tensor([end * 1.7, end * 0.6, end * 1.5, end * 1.5], dtype=torch.float64).expand(level_count, 4)

    def losses(clip: bool) -> Tensor:
        objective = Denoising(Cosine(), clip=clip)
        return torch.stack(
            [
                objective(
                    FixedPrediction(target, denoised[:, k : k + 1]), images[:, k : k + 1], None, u, noise[:, k : k + 1]
                )
                for k in range(4)
            ]
        )

    plain, clipped = losses(False), losses(True)
    assert (plain > 0).all() and (clipped[0] == 0).all()
    assert torch.equal(clipped[1:], plain[1:])


@every_target
def test_clip_keeps_the_posterior_mean_as_minimizer(kind: str) -> None:
    """A pixel that is black or white, equally likely: the best constant prediction is the mean."""
    target, level_u = Target(kind, DATA_STD), torch.full((64,), 0.6, dtype=torch.float64)
    black = (torch.arange(64) % 4 != 0).double()[:, None]
    images, noise = 1 - 2 * black, torch.zeros(64, 1, dtype=torch.float64)
    objective = Denoising(Cosine(), clip=True)
    predictions = torch.linspace(-1.5, 1.5, 301, dtype=torch.float64)
    losses = [
        objective(FixedPrediction(target, torch.full_like(images, g)), images, None, level_u, noise).mean()
        for g in predictions
    ]
    assert predictions[torch.stack(losses).argmin()] == pytest.approx(images.mean().item(), abs=0.006)
    # where all are black, whatever is not above black is as good as black
    at_black = torch.stack(
        [
            objective(
                FixedPrediction(target, torch.full_like(images, g)), -torch.ones_like(images), None, level_u, noise
            ).mean()
            for g in predictions
        ]
    )
    assert (at_black[predictions <= -1] == 0).all() and (at_black[predictions > -0.99] > 0).all()


class LabelDependent:
    """A predictor with one predicted image with a label and another without."""

    def __init__(self, target: Target, with_label: Tensor, without: Tensor) -> None:
        self.target, self.with_label, self.without = target, with_label, without

    def output(self, x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        labelled = torch.zeros(len(x), 1, dtype=torch.bool) if label is None else label[:, None] >= 0
        denoised = torch.where(labelled, self.with_label, self.without)
        return self.target.of(level, denoised, level.noise_in(x, denoised))


@every_target
@pytest.mark.parametrize("weight", [1.25, 3.0])
def test_guidance_is_removed_from_the_prediction_in_the_loss(kind: str, weight: float) -> None:
    """The loss of null + w (given - null) equals that of `given` without guidance; rows with the null label are unchanged."""
    target = Target(kind, DATA_STD)
    draws = torch.randn(4, 60, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64) / 2
    images, noise, given, null = draws
    labels = torch.arange(60) % 4 - 1
    u = stratify(torch.full((60,), 0.5, dtype=torch.float64))
    plain = Denoising(Cosine())(LabelDependent(target, given, null), images, labels, u, noise)
    guided = LabelDependent(target, null + weight * (given - null), null)
    torch.testing.assert_close(Denoising(Cosine(), guidance=weight)(guided, images, labels, u, noise), plain)
    # Without labels there is no guidance.
    unlabelled = [Denoising(Cosine(), guidance=w)(guided, images, None, u, noise) for w in (1.0, weight)]
    assert torch.equal(*unlabelled)


class Conditional(nn.Module):
    """An untrained conditional network that counts its examples with the null label."""

    def __init__(self) -> None:
        super().__init__()
        self.without_label = 0

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor) -> Tensor:
        self.without_label += int((label < 0).sum())
        return torch.sin(3 * x + c_noise.to(x)[:, None] + 0.5 * label.to(x)[:, None])


def test_guidance_is_learned_only_in_its_interval() -> None:
    draws = torch.randn(2, 80, 5, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    images, noise, labels = draws[0].clamp(-1, 1), draws[1], torch.arange(80) % 3
    u = stratify(torch.full((80,), 0.5, dtype=torch.float64))
    net = Conditional()
    network = NetDenoiser(net, Target("v", DATA_STD))
    plain, everywhere = (Denoising(Cosine(), guidance=w)(network, images, labels, u, noise) for w in (1.0, 1.5))
    before = net.without_label
    found = Denoising(Cosine(), guidance=1.5, interval=(0.25, 0.75))(network, images, labels, u, noise)
    inside = (u > 0.25) & (u < 0.75)
    torch.testing.assert_close(found, torch.where(inside, everywhere, plain))
    assert (everywhere != plain).all() and net.without_label - before == inside.sum() == 40


@every_target
def test_guidance_removed_in_training_equals_guidance_in_sampling(kind: str) -> None:
    """The error is that of a guided denoiser of weight 1/w, also for predictions beyond the range."""
    target, weight = Target(kind, DATA_STD), 1.5
    draws = torch.randn(4, 60, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    images, noise, output, null = draws[0].clamp(-1, 1), draws[1], 2 * draws[2], 2 * draws[3]
    labels = torch.arange(60) % 3
    u = stratify(torch.full((60,), 0.5, dtype=torch.float64))

    def network(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return null if label is None else output

    sampled = Guided(network, 1 / weight, unconditional=Clipped(network))(noise, Cosine()(0.5), labels)
    expected = Denoising(Cosine(), clip=True)(LabelDependent(target, sampled, null), images, labels, u, noise)
    found = Denoising(Cosine(), clip=True, guidance=weight)(
        LabelDependent(target, output, null), images, labels, u, noise
    )
    torch.testing.assert_close(found, expected)


def test_unconditional_prediction_gets_no_gradient_from_guidance() -> None:
    target, draws = Target("v"), torch.randn(4, 60, 5, generator=torch.Generator().manual_seed(4))
    images, noise = draws[0], draws[1]
    given, null = draws[2].requires_grad_(), draws[3].requires_grad_()
    u = stratify(torch.full((60,), 0.5, dtype=torch.float64))
    labels = torch.zeros(60, dtype=torch.int64)
    objective = Denoising(Cosine(), guidance=2.0)
    slopes = torch.autograd.grad(
        objective(LabelDependent(target, given, null), images, labels, u, noise).sum(), (given, null)
    )
    assert (slopes[0] != 0).all() and (slopes[1] == 0).all()
