"""Adversarial distillation: its gradient vanishes where the student has the distribution of the data."""

from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor, nn

from inkwash.core import Cosine, NetDenoiser, Target
from inkwash.objectives.adversarial import AdversarialDistillation

MEAN, STD = torch.tensor([1.0, -0.5]), 0.3


class Features(nn.Module):
    """A fixed network of points with two hidden parts."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first, self.second, self.out = nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 2)
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.5, generator=generator)

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        return cast("Tensor", self.out(torch.relu(self.second(torch.relu(self.first(x)))) + c_noise[:, None]))


class Generator(nn.Module):
    """Maps standard normal points z to mean + std * z, where its input is z scaled to unit variance."""

    def __init__(self, mean: Tensor, std: float) -> None:
        super().__init__()
        self.mean, self.std = nn.Parameter(mean.clone()), std

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        return self.mean + self.std * x / x.new_tensor(SCALE)


START = Cosine()(0.8)
SCALE = float(START.sigma / (START.alpha**2 + START.sigma**2).sqrt())


def objective(lr: float = 2e-3) -> AdversarialDistillation:
    """Return the objective of a teacher of points."""
    net = Features().requires_grad_(False)
    return AdversarialDistillation(NetDenoiser(net, Target("x0")), Cosine(), (2,), 0, lr=lr)


def batch(step: int, size: int = 256) -> tuple[Tensor, Tensor, Tensor]:
    """Return data, uniform numbers and noise of a step."""
    generator = torch.Generator().manual_seed(step)
    data = MEAN + STD * torch.randn(size, 2, generator=generator)
    u = torch.rand(size, dtype=torch.float64, generator=generator)
    return data, u, torch.randn(2, size, 2, generator=generator)


def mean_gradient(shift: float) -> float:
    """Return the norm of the mean gradient of a student at `shift` from the data, once the discriminator is trained."""
    student, loss = Generator(MEAN + shift, STD), objective()
    denoiser = NetDenoiser(student, Target("x0"))
    total = torch.zeros(2)
    for step in range(300):
        data, u, noise = batch(step)
        (gradient,) = torch.autograd.grad(loss(denoiser, data, None, u, noise).mean(), [student.mean])
        if step >= 200:
            total += gradient / 100
    return total.norm().item()


def test_gradient_vanishes_for_the_distribution_of_the_data() -> None:
    assert mean_gradient(0.0) < 0.05 * mean_gradient(0.5)


def test_student_learns_the_mean_of_the_data() -> None:
    student, loss = Generator(MEAN + 0.5, STD), objective()
    optimizer = torch.optim.Adam(student.parameters(), lr=5e-3, betas=(0.0, 0.99))
    for step in range(400):
        data, u, noise = batch(step)
        optimizer.zero_grad()
        loss(NetDenoiser(student, Target("x0")), data, None, u, noise).mean().backward()
        optimizer.step()
    assert (student.mean - MEAN).norm() < 0.1


def test_loss_of_equal_logits_is_log_2() -> None:
    loss, student = objective(lr=0.0), Generator(MEAN, STD)
    for weight in loss.discriminator.parameters():
        nn.init.zeros_(weight)
    data, u, noise = batch(0)
    torch.testing.assert_close(
        loss(NetDenoiser(student, Target("x0")), data, None, u, noise), torch.full((256,), 2.0).log()
    )


def test_loss_of_an_example_does_not_depend_on_its_batch() -> None:
    loss, denoiser = objective(lr=0.0), NetDenoiser(Generator(MEAN, STD), Target("x0"))
    data, u, noise = batch(0)
    complete = loss(denoiser, data, None, u, noise)
    part = loss(denoiser, data[100:130], None, u[100:130], noise[:, 100:130])
    torch.testing.assert_close(part, complete[100:130])


def test_teacher_is_not_changed() -> None:
    loss, denoiser = objective(), NetDenoiser(Generator(MEAN, STD), Target("x0"))
    before = {name: value.clone() for name, value in loss.teacher.net.state_dict().items()}
    data, u, noise = batch(0)
    loss(denoiser, data, None, u, noise).mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in loss.teacher.net.state_dict().items())


@pytest.mark.parametrize("steps", [3, 5])
def test_restored_objective_continues_bit_for_bit(steps: int) -> None:
    denoiser = NetDenoiser(Generator(MEAN + 0.2, STD), Target("x0"))

    def losses(loss: AdversarialDistillation, numbers: range) -> list[Tensor]:
        return [loss(denoiser, data, None, u, noise).detach() for data, u, noise in map(batch, numbers)]

    first, second = objective(), objective()
    losses(first, range(steps))
    second.restore(first.tensors())
    assert all(map(torch.equal, losses(first, range(steps, 10)), losses(second, range(steps, 10))))
