"""The one-page example runs, and what it draws is as near to the moons as other real points are, within a margin."""

import importlib.util
from pathlib import Path

import pytest
from PIL import Image

from inkwash.data import load

PAGE = Path(__file__).parents[2] / "examples" / "two_moons.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("two_moons", PAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_it_draws_is_near_the_held_back_points(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    moons = load("moons")
    held = moons.test_values[: example.SAMPLES]
    real = example.distance(moons.values[: example.SAMPLES], held)
    noise = example.distance(moons.values[: example.SAMPLES].flip(1), held)
    drawn = example.main()
    assert drawn < 3 * real
    assert drawn < noise / 20
    assert Image.open(tmp_path / "out" / "two-moons.png").size == (384, 384)
