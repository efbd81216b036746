"""The loss of attributes: what it adds to the denoising loss, where its gradient passes, and what has none."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inkwash.core import Condition, Cosine, NetDenoiser, Sampler, Target
from inkwash.objectives import AttributeLoss, Denoising

MISSING = math.nan
COUNT = 4
U = torch.tensor([0.2, 0.4, 0.6, 0.8]).double()


class Shifted(nn.Module):
    """A network that returns its input times a weight, plus the sum of the attributes that are given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor, c_noise: Tensor, label: Any = None) -> Tensor:
        return self.weight * x + 0.1 * label.attributes.nan_to_num(0).sum(1)[:, None, None, None]


def corners(images: Tensor) -> Tensor:
    """Return two attributes: the mean and the first pixel."""
    return torch.stack([images.mean((1, 2, 3)), images[:, 0, 0, 0]], dim=1)


def objective(interval: tuple[float, float] = (0, 1), weight: float = 0.5, clip: bool = False) -> AttributeLoss:
    return AttributeLoss(Denoising(Cosine(), clip=clip), corners, Sampler(Cosine(), "ddim", 3), interval, weight)


def batch(*attributes: tuple[float, float]) -> tuple[Tensor, Condition, Tensor, Tensor]:
    """Return images, condition, u and noise of as many examples."""
    generator = torch.Generator().manual_seed(0)
    images, noise = torch.rand(2, len(attributes), 1, 4, 4, generator=generator)
    return images, Condition(None, torch.tensor(attributes)), U[: len(attributes)], 2 * noise - 1


def denoiser() -> NetDenoiser:
    return NetDenoiser(Shifted(), Target("v", 0.5))


def path(net: NetDenoiser, condition: Condition, noise: Tensor, interval: tuple[float, float] = (0, 1)) -> Tensor:
    """Return what DDIM samples in 3 steps from `noise`: Song et al. (2021), Eq. 12.

    The weights have a gradient at u in `interval`.
    """
    fixed = NetDenoiser(Shifted().requires_grad_(False), net.target)
    positions = (1, 2 / 3, 1 / 3)
    levels = [Cosine()(torch.tensor(u).double()) for u in positions]
    x = levels[0].sigma.to(noise) * noise
    for k, (u, level) in enumerate(zip(positions, levels, strict=True)):
        image = (net if interval[0] <= u <= interval[1] else fixed)(x, level, condition)
        if k == 2:
            return image
        epsilon = (x - level.alpha.to(x) * image) / level.sigma.to(x)
        x = levels[k + 1].alpha.to(x) * image + levels[k + 1].sigma.to(x) * epsilon
    raise AssertionError


def gradient(loss: Tensor, denoise: NetDenoiser) -> float:
    return float(torch.autograd.grad(loss.sum(), list(denoise.net.parameters()))[0])


def test_examples_with_all_attributes_have_the_huber_error_of_their_sample_added() -> None:
    images, condition, u, noise = batch((0.2, 0.5), (MISSING, 1.0), (MISSING, MISSING), (-0.4, 3.0))
    net = denoiser()
    loss = objective()(net, images, condition, u, noise)
    plain = Denoising(Cosine())(net, images, condition, u, noise)
    rows = torch.tensor([0, 3])
    found = corners(path(net, condition[rows], noise[rows]))
    wanted = torch.zeros(4)
    wanted[rows] = 0.5 * F.huber_loss(found, condition.attributes[rows], reduction="none").mean(1)
    torch.testing.assert_close(loss, plain + wanted)
    assert (wanted[rows] > 0.01).all()


def test_weights_have_a_gradient_of_the_steps_in_the_interval() -> None:
    images, condition, u, noise = batch((0.2, 0.5), (-0.4, 1.0))
    net = denoiser()
    plain = gradient(Denoising(Cosine())(net, images, condition, u, noise), net)

    def added(interval: tuple[float, float]) -> float:
        error = F.huber_loss(corners(path(net, condition, noise, interval)), condition.attributes, reduction="none")
        return gradient(0.5 * error.mean(1), net)

    # The three steps are at u of 1, 2/3 and 1/3.
    intervals = [(0.0, 1.0), (0.5, 1.0), (0.5, 0.8), (0.2, 0.8), (0.0, 0.5), (0.9, 1.0)]
    wanted = [added(interval) for interval in intervals]
    found = [gradient(objective(interval)(net, images, condition, u, noise), net) - plain for interval in intervals]
    assert found == pytest.approx(wanted, rel=1e-4)
    assert min(abs(one - other) for one, other in combinations(wanted, 2)) > 1e-3


def test_labels_without_attributes_have_the_denoising_loss() -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor, c_noise: Tensor, label: Any = None) -> Tensor:
            return 0.5 * x

    images, condition, u, noise = batch((0.2, 0.5), (MISSING, 1.0))
    net = NetDenoiser(Plain(), Target("v", 0.5))
    for labels in (torch.tensor([0, 1]), None, condition[torch.tensor([1])]):
        some = slice(1, 2) if isinstance(labels, Condition) else slice(0, 2)
        arguments = images[some], labels, u[some], noise[some]
        assert torch.equal(objective()(net, *arguments), Denoising(Cosine())(net, *arguments))


def test_an_example_does_not_depend_on_the_batch() -> None:
    images, condition, u, noise = batch((0.2, 0.5), (MISSING, 1.0), (1.0, 0.3), (-0.4, 3.0))
    net, loss = denoiser(), objective()
    together = loss(net, images, condition, u, noise)
    for row in range(COUNT):
        part = torch.tensor([row])
        torch.testing.assert_close(loss(net, images[part], condition[part], u[part], noise[part]), together[part])


def test_samples_are_clipped_as_the_denoising_loss_is() -> None:
    images, condition, u, noise = batch((0.2, 30.0))
    seen = []

    def measure(samples: Tensor) -> Tensor:
        seen.append(samples.detach())
        return corners(samples)

    for clip in (True, False):
        replace(objective(clip=clip), measure=measure)(denoiser(), images, condition, u, noise)
    clipped, free = seen
    assert clipped.min() == -1 and free.min() < -1


def test_what_cannot_be_measured_has_neither_a_loss_nor_a_gradient() -> None:
    def fragile(samples: Tensor) -> Tensor:
        # 0/0 for the second example, as for an image without ink.
        inked = samples * torch.tensor([1.0, 0.0])[:, None, None, None]
        return torch.stack([inked.mean((1, 2, 3)) / inked.mean((1, 2, 3)), inked[:, 0, 0, 0]], dim=1)

    images, condition, u, noise = batch((0.2, 0.5), (0.2, 0.0))
    net = denoiser()
    loss = replace(objective(), measure=fragile)(net, images, condition, u, noise)
    plain = Denoising(Cosine())(net, images, condition, u, noise)
    assert loss.isfinite().all() and loss[1] == plain[1] and loss[0] > plain[0]
    assert math.isfinite(gradient(loss, net))
