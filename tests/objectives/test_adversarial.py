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
    u = torch.rand(3, size, dtype=torch.float64, generator=generator)
    return data, u, torch.randn(2, size, 2, generator=generator)


def mean_gradient(shift: float) -> float:
    """Return the norm of the mean gradient of a student at `shift` from the data, once the discriminator is trained."""
    student, loss = Generator(MEAN + shift, STD), objective(lr=4e-3)
    denoiser = NetDenoiser(student, Target("x0"))
    total = torch.zeros(2)
    for step in range(150):
        data, u, noise = batch(step)
        (gradient,) = torch.autograd.grad(loss(denoiser, data, None, u, noise).mean(), [student.mean])
        if step >= 100:
            total += gradient / 50
    return total.norm().item()


def test_gradient_vanishes_for_the_distribution_of_the_data() -> None:
    assert mean_gradient(0.0) < 0.05 * mean_gradient(0.5)


def test_student_learns_the_mean_of_the_data() -> None:
    student, loss = Generator(MEAN + 0.5, STD), objective()
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2, betas=(0.0, 0.99))
    for step in range(200):
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
    part = loss(denoiser, data[100:130], None, u[:, 100:130], noise[:, 100:130])
    torch.testing.assert_close(part, complete[100:130])


def test_teacher_is_not_changed() -> None:
    loss, denoiser = objective(), NetDenoiser(Generator(MEAN, STD), Target("x0"))
    before = {name: value.clone() for name, value in loss.teacher.net.state_dict().items()}
    data, u, noise = batch(0)
    loss(denoiser, data, None, u, noise).mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in loss.teacher.net.state_dict().items())


def offset(labels: Tensor) -> Tensor:
    """Return the offset of each class from the mean: class 1 at the right, all others at the left."""
    return torch.where(labels == 1, 2.0, -2.0)[:, None]


class ConditionalGenerator(Generator):
    """Draws from the distribution of the data of each class."""

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        assert label is not None
        return super().forward(x, c_noise) + offset(label)


def conditional(mismatch: float) -> AdversarialDistillation:
    net = Features().requires_grad_(False)
    return AdversarialDistillation(NetDenoiser(net, Target("x0")), Cosine(), (2,), 2, mismatch=mismatch)


def test_mismatch_teaches_the_discriminator_the_classes() -> None:
    def margin(mismatch: float) -> float:
        """Return by how much the logit of data exceeds that of data with a wrong label; the student equals the data."""
        loss, student, labels = conditional(mismatch), ConditionalGenerator(MEAN, STD), torch.arange(256) % 2
        for step in range(100):
            data, u, noise = batch(step)
            loss(NetDenoiser(student, Target("x0")), data + offset(labels), labels, u, noise)
        data, u, noise = batch(1000)
        level = Cosine()(u[0] / 2)
        x = level.mix(data + offset(labels), noise[0])
        right, wrong = (loss.logits(x, level, each).mean().item() for each in (labels, 1 - labels))
        return right - wrong

    # Without mismatch nothing tells the classes apart but the random initial weights.
    assert margin(1.0) > 3 > 2 * abs(margin(0.0))


def test_examples_without_a_label_have_no_mismatch() -> None:
    def losses(mismatch: float) -> list[Tensor]:
        loss, student = conditional(mismatch), NetDenoiser(Generator(MEAN + 0.5, STD), Target("x0"))
        unlabelled = torch.full((256,), -1)
        return [loss(student, data, unlabelled, u, noise).detach() for data, u, noise in map(batch, range(3))]

    assert all(map(torch.equal, losses(0.0), losses(5.0)))


@pytest.mark.parametrize("multistep", [0.0, 0.25])
def test_student_sees_noised_data_in_a_fraction_of_the_batch(multistep: float) -> None:
    seen: list[tuple[Tensor, Tensor]] = []

    class Recording(Generator):
        def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
            seen.append((x, c_noise))
            return super().forward(x, c_noise, label)

    net = Features().requires_grad_(False)
    loss = AdversarialDistillation(NetDenoiser(net, Target("x0")), Cosine(), (2,), 0, multistep=multistep)
    data, u, noise = batch(0, size=4000)
    loss(NetDenoiser(Recording(MEAN, STD), Target("x0")), data + 100, None, u, noise)
    ((x, c_noise),) = seen
    at_start = torch.isclose(c_noise, START.c_noise.float())
    assert (1 - at_start.float().mean().item()) == pytest.approx(multistep, abs=0.03)
    # At the start the input is noise alone; below it a fraction alpha of the data, whose mean is near 100.
    assert x[at_start].mean().abs() < 0.05
    assert (x[~at_start].mean(1) > 20).all()
    low, high = (Cosine()(position).c_noise for position in (0.4, 0.8))
    assert (c_noise[~at_start] > low).all() and (c_noise[~at_start] < high).all()


@pytest.mark.parametrize("steps", [3, 5])
def test_restored_objective_continues_bit_for_bit(steps: int) -> None:
    denoiser = NetDenoiser(Generator(MEAN + 0.2, STD), Target("x0"))

    def losses(loss: AdversarialDistillation, numbers: range) -> list[Tensor]:
        return [loss(denoiser, data, None, u, noise).detach() for data, u, noise in map(batch, numbers)]

    first, second = objective(), objective()
    losses(first, range(steps))
    second.restore(first.tensors())
    assert all(map(torch.equal, losses(first, range(steps, 10)), losses(second, range(steps, 10))))
