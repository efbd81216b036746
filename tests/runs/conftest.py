"""What the tests of runs share: one thread, and a recipe so small that a whole run takes a second."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inkwash import data, model
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.model import Model
from inkwash.runs.start import start
from inkwash.runs.training_run import Run

torch.set_num_threads(1)

TINY = """
name = "tiny"
target = "v"
network = { kind = "class-unet", conditional = true, widths = [8, 16], dim = 16 }
schedule = "cosine"
data = { name = "digits" }
optimizer = { kind = "adamw", lr = 3e-3, decay = "cosine" }
training = { length = "6 steps", batch = 8, label_dropout = 0.1, ema = "4 steps", checkpoint_every = "3 steps", \
precision = "float32" }
sampling = { sampler = "ddim:2", preview = "ddim:2" }
experiment = { type = "baseline", objective = "See it run.", hypothesis = "It runs.", next = "Let it rest." }
"""


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """`tiny("field=value", ...)` is a recipe of six steps on the bundled digits, changed as `--set` does."""
    return lambda *changes: Recipe.from_dict(tomllib.loads(TINY)).with_changes(changes)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """200 of the bundled digits."""
    whole = data.load("digits")
    assert whole.labels is not None
    return replace(whole, values=whole.values[:200], labels=whole.labels[:200])


@pytest.fixture
def begun(tmp_path: Path, tiny: Callable[..., Recipe], digits: Dataset) -> Callable[..., Run]:
    """`begun("name", "field=value", ...)` is a new run of the tiny recipe in a folder of that name."""
    return lambda name="run", *changes: start(tiny(*changes), digits, tmp_path / name)


@pytest.fixture
def untrained(tiny: Callable[..., Recipe], digits: Dataset) -> Callable[..., Model]:
    """`untrained("field=value", ..., awake=True)` is a model that never trained; `awake` gives it random last weights."""

    def build(*changes: str, awake: bool = True, spec: DatasetSpec | None = None) -> Model:
        recipe, known = tiny(*changes), spec or DatasetSpec.of(digits)
        net = model.build_net(recipe, known).eval().requires_grad_(False)
        generator = torch.Generator().manual_seed(3)
        for weight in net.parameters():
            if awake and not weight.any():
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
        return Model("untrained", recipe, known, net, 0, "none")

    return build
