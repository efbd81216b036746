"""Files of drawings are made like the images of MNIST: light on black, in a box of 20 pixels, centred by mass."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

Run = Callable[..., Any]
PAGE = Path(str(resources.files("inkwash.web") / "page")).as_uri()
CODE = f"""
import {{ centred }} from "{PAGE}/parts/centring.js";
const found = given.map(({{ grey, height, width }}) => centred(Float32Array.from(grey), {{ height, width }}, 28));
console.log(JSON.stringify(found.map((one) => one && {{ pixels: Array.from(one.pixels), background: one.background }})));
"""
SEVEN = [(60, 40), (180, 40), (110, 220)]


def drawn(shift: tuple[int, int] = (0, 0), scale: float = 1, paper: int = 0, ink: int = 255) -> np.ndarray:
    """Return a seven on a plain ground, [300, 240]."""
    made = Image.new("L", (240, 300), paper)
    points = [(shift[0] + scale * x, shift[1] + scale * y) for x, y in SEVEN]
    ImageDraw.Draw(made).line(points, fill=ink, width=round(22 * scale), joint="curve")
    return np.asarray(made)


def centred(javascript: Run, *images: np.ndarray) -> list[tuple[np.ndarray, str] | None]:
    given = [{"grey": each.ravel().tolist(), "height": each.shape[0], "width": each.shape[1]} for each in images]
    found = javascript(CODE, given)
    return [one and (np.reshape(one["pixels"], (28, 28)), one["background"]) for one in found]


def test_ink_fits_the_box_of_mnist_and_its_mass_is_at_the_centre(javascript: Run) -> None:
    (found,) = centred(javascript, drawn())
    assert found is not None
    pixels, background = found
    rows, columns = (np.flatnonzero(pixels.max(axis)) for axis in (1, 0))
    assert background == "dark" and rows.max() - rows.min() + 1 == 20 and columns.max() - columns.min() + 1 < 20
    places = np.arange(28) + 0.5
    centre = (pixels.sum(1) @ places / pixels.sum(), pixels.sum(0) @ places / pixels.sum())
    assert centre == pytest.approx((14, 14), abs=0.5)
    assert pixels.max() <= 255 and pixels.max() > 240 and pixels[0, 0] == 0


def test_place_size_and_colour_of_a_drawing_do_not_matter(javascript: Run) -> None:
    reference, *others = centred(
        javascript, drawn(), drawn((30, 50)), drawn((0, 20), 0.7), drawn(paper=255, ink=0), drawn((5, 5), 1, 230, 40)
    )
    assert reference is not None
    for other, background in zip(others, ("dark", "dark", "light", "light"), strict=True):
        assert other is not None and other[1] == background
        assert np.abs(other[0] - reference[0]).mean() < 4


def test_image_of_mnist_size_is_returned_as_it_is(javascript: Run) -> None:
    (first,) = centred(javascript, drawn())
    assert first is not None
    (again,) = centred(javascript, first[0])
    assert again is not None and np.abs(again[0] - first[0]).mean() < 3


def test_photograph_and_blank_sheet_are_left_alone(javascript: Run) -> None:
    photograph = np.random.default_rng(0).integers(0, 255, (60, 60))
    assert centred(javascript, photograph, np.full((40, 40), 255)) == [None, None]
