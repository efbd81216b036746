"""The one-page example runs, and its samples are nearly as close to the moons as real points."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from PIL import Image

from inkwash.data import load

PAGE = "two_moons"


def test_samples_are_near_the_test_points(example: ModuleType, tmp_path: Path) -> None:
    moons = load("moons")
    assert moons.test_values is not None
    held = moons.test_values[: example.SAMPLES]
    real = example.distance(moons.values[: example.SAMPLES], held)
    noise = example.distance(moons.values[: example.SAMPLES].flip(1), held)
    assert example.main() < min(3 * real, noise / 20)
    assert Image.open(tmp_path / "out" / "two-moons.png").size == (384, 384)
