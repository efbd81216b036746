"""A loop of the caller trains the weights of a loaded model, which is sampled, measured and saved with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from raised import code_and_field

import inkwash
from inkwash.data import Dataset
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve

Untrained = Callable[..., Model]


def train(model: Model, digits: Dataset, steps: int) -> list[float]:
    """Train `model` in place by the loop of docs/python.md, and return the losses."""
    net = model.net.train().requires_grad_()
    denoiser, schedule = inkwash.NetDenoiser(net, model.target), model.schedule()
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(steps):
        chosen = torch.randint(len(digits), (64,), generator=generator)
        image = digits.encoded(chosen)
        label = None if digits.labels is None else digits.labels[chosen]
        level = schedule(torch.rand(64, dtype=torch.float64, generator=generator))
        noise = torch.randn(image.shape, generator=generator)
        output = denoiser.output(level.mix(image, noise), level, label)
        loss = (output - model.target.of(level, image, noise)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_plain_loop_learns_and_the_model_is_saved(untrained: Untrained, digits: Dataset) -> None:
    model = untrained()
    before = inkwash.sample(model, n=4, sampler="ddim:4").values
    losses = train(model, digits, 60)
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    after = inkwash.sample(model, n=4, sampler="ddim:4")
    assert not torch.equal(after.values, before)
    model.save("tuned.safetensors")
    loaded = inkwash.load("tuned.safetensors")
    assert loaded.weights == model.identified().weights == after.model.weights
    assert torch.equal(inkwash.sample(loaded, n=4, sampler="ddim:4").values, after.values)
    after.save("after.png")
    metadata = png_metadata.read_metadata("after.png")
    assert metadata and metadata["weights"] == loaded.weights


def test_sampling_uses_the_evaluation_mode_and_restores_that_of_training(untrained: Untrained) -> None:
    network = 'network={kind="batchnorm-unet", base=8, dim=16}'
    model = untrained(network, "training.label_dropout=0.0")
    (batch,) = resolve(SampleRequest(n=5, sampler="ddim:2"), model).batches()
    expected = batch.values
    model.net.train()
    first = next(module for module in model.net.modules() if isinstance(module, torch.nn.BatchNorm2d))
    first.eval()
    assert torch.equal(inkwash.sample(model, n=5, sampler="ddim:2").values, expected)
    assert model.net.training and not first.training
    with pytest.raises(ZeroDivisionError):
        inkwash.sample(model, n=5, sampler="ddim:2", progress=lambda done: 1 / 0)
    assert model.net.training


def test_changed_weights_are_measured_anew() -> None:
    model = inkwash.load("moons")
    first = inkwash.evaluate(model, n=200, sampler="ddim:10")[0]["fd.points"].value
    with torch.no_grad():
        for weight in model.net.parameters():
            weight.mul_(0.3)
    second = inkwash.evaluate(model, n=200, sampler="ddim:10")[0]["fd.points"].value
    assert first is not None and second is not None and second > 2 * first


def test_a_model_whose_weights_did_not_change_is_itself(untrained: Untrained) -> None:
    model = inkwash.load("digits")
    assert model.identified() is model
    assert untrained().identified().weights not in ("none", model.weights)


def test_a_checkpoint_of_another_name_is_refused(untrained: Untrained) -> None:
    assert code_and_field(lambda: untrained().save("tuned.pt")) == ("wrong-file", "path")
    assert not Path("tuned.pt").exists()
