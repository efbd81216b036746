"""What the tests of evaluation share: judges of the bundled digits that learnt for a second, tiny models, no network."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from inkwash import data, model
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.evaluation import reference
from inkwash.evaluation.reference import Reference
from inkwash.io import checkpoints
from inkwash.metrics import extractor_set, extractor_training
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.model import Model

TINY = """
name = "tiny"
target = "v"
network = { kind = "class-unet", conditional = true, widths = [8, 16], dim = 8 }
schedule = "cosine"
data = { name = "digits" }
sampling = { sampler = "ddim:2" }
"""


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a network connection."""
    # pytest.fail raises no Exception, so that no code handles it as an unreachable server
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The bundled digits: 1,500 and 297."""
    return data.load("digits")


@pytest.fixture(scope="session")
def reader(digits: Dataset) -> torch.nn.Module:
    """Judge A, having learnt the digits for 48 steps."""
    net = extractor_training.seeded(lambda: extractor_set.NETWORKS["a"](1, 10), 1)
    assert isinstance(net, extractor_set.Classifier)
    return extractor_training.train_classifier(net, digits, 1, epochs=4, min_steps=48)


@pytest.fixture(scope="session")
def judged(reader: torch.nn.Module) -> Callable[[Dataset], ExtractorSet]:
    """`judged(data)` are judges A and C of a set of digits; A is `reader`, whatever the set."""
    learnt = {"a": extractor_set.NETWORKS["a"], "c": extractor_set.NETWORKS["c"]}

    def made(digits: Dataset) -> ExtractorSet:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(extractor_set, "NETWORKS", learnt)
            patch.setattr(extractor_training, "train_classifier", lambda *_, **__: reader)
            return reference.build(digits)

    return made


@pytest.fixture(scope="session")
def bench(judged: Callable[[Dataset], ExtractorSet], digits: Dataset) -> Reference:
    """The digits and their judges, which keep 600 train images to compare neighbours with."""
    whole = judged(digits)
    return Reference(replace(whole, train_rows=whole.train_rows[:600]), digits)


@pytest.fixture
def untrained(digits: Dataset) -> Callable[..., Model]:
    """`untrained("field=value", ...)` is a tiny model of digits with random weights in every layer."""

    def build(*changes: str, spec: DatasetSpec | None = None) -> Model:
        recipe = Recipe.from_dict(tomllib.loads(TINY)).with_changes(changes)
        known = spec or DatasetSpec.of(digits)
        net = model.build_net(recipe, known).eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(3)
        for weight in net.parameters():
            if not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return Model("tiny", recipe, known, net, 0, checkpoints.digest(net.state_dict()))

    return build
