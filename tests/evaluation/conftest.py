"""Fixtures of the evaluation tests: extractors of the bundled digits trained for a second, and tiny models."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from inkwash import data
from inkwash.data import Dataset
from inkwash.evaluation import reference
from inkwash.evaluation.reference import Reference
from inkwash.io import checkpoints
from inkwash.metrics import extractor_set, extractor_training
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import Classifier
from inkwash.model import Model


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a network connection."""
    # pytest.fail raises no Exception, so that no code handles it as an unreachable server
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Return the bundled digits, 1,500 train and 297 test images."""
    return data.load("digits")


@pytest.fixture(scope="session")
def reader(digits: Dataset) -> torch.nn.Module:
    """Return extractor A, trained on the digits for 48 steps."""
    net = extractor_training.seeded(lambda: extractor_set.NETWORKS["a"](1, 10), 1)
    assert isinstance(net, Classifier)
    return extractor_training.train_classifier(net, digits, 1, epochs=4, min_steps=48)


@pytest.fixture(scope="session")
def build_for(reader: torch.nn.Module) -> Callable[[Dataset], ExtractorSet]:
    """Return a function from a set of digits to its extractors A and C, of which A is always `reader`."""
    trained = {"a": extractor_set.NETWORKS["a"], "c": extractor_set.NETWORKS["c"]}

    def made(digits: Dataset) -> ExtractorSet:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(extractor_set, "NETWORKS", trained)
            patch.setattr(extractor_training, "train_classifier", lambda *_, **__: reader)
            return reference.build(digits)

    return made


@pytest.fixture(scope="session")
def bench(build_for: Callable[[Dataset], ExtractorSet], digits: Dataset) -> Reference:
    """Return the digits and their extractors, with 600 rows of train features."""
    full = build_for(digits)
    return Reference(replace(full, train_features=full.train_features[:600]), digits)


@pytest.fixture
def untrained(untrained: Callable[..., Model]) -> Callable[..., Model]:
    """Return a function from recipe changes as in "field=value" to a model called tiny, identified by its weights."""

    def build(*changes: str) -> Model:
        made = untrained(*changes)
        return replace(made, name="tiny", weights=checkpoints.weights_digest(made.net.state_dict()))

    return build
