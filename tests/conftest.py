"""A recipe so small that a run of it takes a second, and data for it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace

import pytest

from inkwash import data
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset

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
