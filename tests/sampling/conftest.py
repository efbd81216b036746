"""A small class-conditional model with random weights, for tests of sampling."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from inkwash import data, model
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.model import Model

torch.set_num_threads(1)

RECIPE = """
name = "tiny"
target = "v"
network = { kind = "class-unet", conditional = true, widths = [8, 16], dim = 16 }
schedule = "cosine"
data = { name = "digits" }
optimizer = { kind = "adamw", lr = 3e-3 }
training = { length = "6 steps", batch = 8, label_dropout = 0.1 }
sampling = { sampler = "ddim:2", preview = "ddim:2" }
experiment = { type = "baseline", objective = "o", hypothesis = "h", next = "n" }
"""


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """200 of the bundled digits."""
    loaded = data.load("digits")
    assert loaded.labels is not None
    return replace(loaded, values=loaded.values[:200], labels=loaded.labels[:200])


@pytest.fixture
def untrained(digits: Dataset) -> Callable[..., Model]:
    """`untrained("field=value", ...)` is an untrained model; its zero-initialised layers are random unless `zero_output`."""

    def build(*changes: str, zero_output: bool = False, spec: DatasetSpec | None = None) -> Model:
        recipe, known = Recipe.from_dict(tomllib.loads(RECIPE)).with_changes(changes), spec or DatasetSpec.of(digits)
        net = model.build_net(recipe, known).eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(3)
        for weight in net.parameters():
            if not zero_output and not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return Model("untrained", recipe, known, net, 0, "none")

    return build
