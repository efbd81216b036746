"""Runs and models of the tiny recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inkwash import model
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.model import Model
from inkwash.runs.run import Run
from inkwash.runs.start import start


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
