"""A recipe and data without warnings, for the tests of checks."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inkwash import data
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset, mnist
from inkwash.data.spec import DatasetSpec

torch.set_num_threads(1)


@pytest.fixture
def spec() -> DatasetSpec:
    """The spec of 60,000 images of 28 by 28 in ten classes, as MNIST."""
    return DatasetSpec("made", "", 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.6)


@pytest.fixture
def sound() -> Callable[..., Recipe]:
    """`sound("field=value", ...)` is a bundled recipe without warnings, changed as `--set` does."""
    return lambda *changes: recipe.load("digits").with_changes(changes)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The bundled digits."""
    return data.load("digits")


@pytest.fixture(scope="session")
def real_mnist() -> Dataset:
    """The 60,000 training digits of MNIST."""
    place = os.environ.get("INKWASH_DATA")
    if not place or not mnist.holds(Path(place)):
        pytest.skip("INKWASH_DATA does not name a folder with MNIST's four IDX files")
    return replace(data.load(place), test_values=None, test_labels=None)
