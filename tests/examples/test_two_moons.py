"""The one-page example runs, and its samples are nearly as close to the moons as real points."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from inkwash.data import load

PAGE = Path(__file__).parents[2] / "examples" / "two_moons.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("two_moons", PAGE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_samples_are_near_the_test_points(example: ModuleType, tmp_path: Path) -> None:
    moons = load("moons")
    assert moons.test_values is not None
    held = moons.test_values[: example.SAMPLES]
    real = example.distance(moons.values[: example.SAMPLES], held)
    noise = example.distance(moons.values[: example.SAMPLES].flip(1), held)
    assert example.main() < min(3 * real, noise / 20)
    assert Image.open(tmp_path / "out" / "two-moons.png").size == (384, 384)
