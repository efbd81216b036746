"""A recipe and data without warnings, for the tests of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inkwash import data
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec


@pytest.fixture
def spec() -> DatasetSpec:
    """The spec of 60,000 images of 28 by 28 in ten classes, as MNIST."""
    return DatasetSpec("made", "", 60_000, (1, 28, 28), tuple("0123456789"), (0.1,) * 10, 0.6)


@pytest.fixture
def valid() -> Callable[..., Recipe]:
    """`valid("field=value", ...)` is a bundled recipe without warnings, changed as `--set` does."""
    return lambda *changes: recipe.load("digits").with_changes(changes)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The bundled digits."""
    return data.load("digits")


@pytest.fixture(scope="session")
def real_mnist(mnist_folder: Path) -> Dataset:
    """The 60,000 training digits of MNIST."""
    return replace(data.load(str(mnist_folder)), test_values=None, test_labels=None)
