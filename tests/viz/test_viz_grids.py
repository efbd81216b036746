"""Grids and strips have every pixel of every image in its place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkwash.errors import UsageError
from inkwash.viz.grids import PixelArray, grid, strip


def random_images(count: int, height: int, width: int, channels: int = 1, seed: int = 0) -> PixelArray:
    shape = (count, height, width) if channels == 1 else (count, height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 13),
    columns=st.none() | st.integers(1, 15),
    scale=st.integers(1, 3),
    gap=st.integers(0, 4),
    channels=st.sampled_from([1, 3]),
)
def test_every_image_of_a_grid_has_its_exact_pixels(
    count: int, columns: int | None, scale: int, gap: int, channels: int
) -> None:
    images = random_images(count, 5, 7, channels)
    array = np.asarray(grid(images, columns, scale, gap))
    across = (array.shape[1] - gap) // (7 * scale + gap)
    for index, image in enumerate(images):
        top = gap + index // across * (5 * scale + gap)
        left = gap + index % across * (7 * scale + gap)
        cut = array[top : top + 5 * scale, left : left + 7 * scale]
        assert cut.shape[:2] == (5 * scale, 7 * scale)
        for dy in range(scale):
            for dx in range(scale):
                assert np.array_equal(cut[dy::scale, dx::scale], image)


def test_gaps_have_the_background_colour() -> None:
    black = np.zeros((5, 4, 4), dtype=np.uint8)
    array = np.asarray(grid(black, columns=3, gap=1, background="#fafafa"))
    assert array.shape == (11, 16)
    assert (array == 0).sum() == 5 * 16
    assert (array == 250).sum() == array.size - 5 * 16


@pytest.mark.parametrize(("count", "size"), [(1, (1, 1)), (4, (2, 2)), (10, (4, 3)), (64, (8, 8)), (100, (10, 10))])
def test_a_grid_is_near_square_by_default(count: int, size: tuple[int, int]) -> None:
    assert grid(random_images(count, 6, 6), gap=0).size == (6 * size[0], 6 * size[1])


def test_grey_images_give_a_grey_grid_and_colour_images_a_colour_grid() -> None:
    assert grid(random_images(2, 4, 4)).mode == "L"
    assert grid(random_images(2, 4, 4)[..., None]).mode == "L"
    assert grid(random_images(2, 4, 4), background="navy").mode == "RGB"
    assert grid(random_images(2, 4, 4, channels=3)).mode == "RGB"


def test_captions_are_beside_the_images() -> None:
    images = random_images(6, 12, 12)
    bare = np.asarray(grid(images, columns=3))
    captioned = np.asarray(grid(images, columns=3, labels=["label 3", "label 8"]))
    margin = captioned.shape[1] - bare.shape[1]
    assert margin > 0
    assert np.array_equal(captioned[:, margin:], bare)
    assert (captioned[:, :margin] < 128).any()


def test_a_strip_has_a_row_an_image_and_a_column_a_step() -> None:
    steps = [random_images(2, 4, 4, seed=step) for step in range(3)]
    array = np.asarray(strip(steps, gap=1))
    for time, step in enumerate(steps):
        for row, image in enumerate(step):
            assert np.array_equal(array[1 + 5 * row : 5 + 5 * row, 1 + 5 * time : 5 + 5 * time], image)


def test_headers_wider_than_their_column_are_thinned_out() -> None:
    steps = [np.full((1, 8, 8), 200, dtype=np.uint8)] * 40
    array = np.asarray(strip(steps, header=["0.123"] * 40))
    inked = np.flatnonzero((array[:-12] < 128).any(axis=0))
    words = np.split(inked, np.flatnonzero(np.diff(inked) > 4) + 1)
    # A single caption is as wide as any of those that are left.
    alone = np.asarray(strip([np.full((1, 8, 60), 200, dtype=np.uint8)], header=["0.123"]))
    width = np.ptp(np.flatnonzero((alone[:-12] < 128).any(axis=0)))
    assert 1 < len(words) < 40
    assert all(np.ptp(word) <= width + 2 for word in words)
    assert words[-1].max() > array.shape[1] - 40


SOME = random_images(4, 4, 4)


@pytest.mark.parametrize(
    ("render", "code", "field"),
    [
        (lambda: grid(SOME[:0]), "invalid-data", "images"),
        (lambda: grid(SOME[0]), "invalid-data", "images"),
        (lambda: grid(np.zeros((2, 4, 4, 2), np.uint8)), "invalid-data", "images"),
        (lambda: grid(SOME.astype(np.float32)), "invalid-data", "images"),
        (lambda: grid(SOME, columns=2, labels=["only one"]), "invalid-data", "labels"),
        (lambda: grid(SOME, scale=0), "out-of-range", "scale"),
        (lambda: grid(SOME, columns=0), "out-of-range", "columns"),
        (lambda: grid(SOME, background="no colour"), "unknown-name", "background"),
        (lambda: strip([]), "invalid-data", "steps"),
        (lambda: strip([SOME, SOME[:2]]), "invalid-data", "steps"),
        (lambda: strip([SOME, SOME], header=["1"]), "invalid-data", "header"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(render: Callable[[], object], code: str, field: str) -> None:
    with pytest.raises(UsageError) as error:
        render()
    assert (error.value.code, error.value.field) == (code, field)
    assert "\n" not in str(error.value)
