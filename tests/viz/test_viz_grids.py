"""Sheets hold every pixel of every picture, exactly and in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkwash.errors import UsageError
from inkwash.viz.grids import grid, strip


def pictures(count: int, height: int, width: int, channels: int = 1, seed: int = 0) -> np.ndarray:
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
def test_every_image_of_a_grid_has_its_exact_pixels(count, columns, scale, gap, channels):
    given_pictures = pictures(count, 5, 7, channels)
    sheet = np.asarray(grid(given_pictures, columns, scale, gap))
    across = (sheet.shape[1] - gap) // (7 * scale + gap)
    for index, picture in enumerate(given_pictures):
        top = gap + index // across * (5 * scale + gap)
        left = gap + index % across * (7 * scale + gap)
        cut = sheet[top : top + 5 * scale, left : left + 7 * scale]
        assert cut.shape[:2] == (5 * scale, 7 * scale)
        for dy in range(scale):
            for dx in range(scale):
                assert np.array_equal(cut[dy::scale, dx::scale], picture)


def test_gaps_have_the_background_colour():
    black = np.zeros((5, 4, 4), dtype=np.uint8)
    sheet = np.asarray(grid(black, columns=3, gap=1, background="#fafafa"))
    assert sheet.shape == (11, 16)
    assert (sheet == 0).sum() == 5 * 16
    assert (sheet == 250).sum() == sheet.size - 5 * 16


@pytest.mark.parametrize(("count", "size"), [(1, (1, 1)), (4, (2, 2)), (10, (4, 3)), (64, (8, 8)), (100, (10, 10))])
def test_a_grid_is_near_square_by_default(count, size):
    assert grid(pictures(count, 6, 6), gap=0).size == (6 * size[0], 6 * size[1])


def test_grey_images_give_a_grey_grid_and_colour_images_a_colour_grid():
    assert grid(pictures(2, 4, 4)).mode == "L"
    assert grid(pictures(2, 4, 4)[..., None]).mode == "L"
    assert grid(pictures(2, 4, 4), background="navy").mode == "RGB"
    assert grid(pictures(2, 4, 4, channels=3)).mode == "RGB"


def test_captions_are_beside_the_images():
    given_pictures = pictures(6, 12, 12)
    bare = np.asarray(grid(given_pictures, columns=3))
    captioned = np.asarray(grid(given_pictures, columns=3, labels=["label 3", "label 8"]))
    margin = captioned.shape[1] - bare.shape[1]
    assert margin > 0
    assert np.array_equal(captioned[:, margin:], bare)
    assert (captioned[:, :margin] < 128).any()


def test_a_strip_has_a_row_an_image_and_a_column_a_step():
    steps = [pictures(2, 4, 4, seed=step) for step in range(3)]
    sheet = np.asarray(strip(steps, gap=1))
    for time, step in enumerate(steps):
        for row, picture in enumerate(step):
            assert np.array_equal(sheet[1 + 5 * row : 5 + 5 * row, 1 + 5 * time : 5 + 5 * time], picture)


def test_headers_wider_than_their_column_are_thinned_out():
    steps = [np.full((1, 8, 8), 200, dtype=np.uint8)] * 40
    sheet = np.asarray(strip(steps, header=["0.123"] * 40))
    inked = np.flatnonzero((sheet[:-12] < 128).any(axis=0))
    words = np.split(inked, np.flatnonzero(np.diff(inked) > 4) + 1)
    # one caption alone is as wide as any of those that are left
    alone = np.asarray(strip([np.full((1, 8, 60), 200, dtype=np.uint8)], header=["0.123"]))
    width = np.ptp(np.flatnonzero((alone[:-12] < 128).any(axis=0)))
    assert 1 < len(words) < 40
    assert all(np.ptp(word) <= width + 2 for word in words)
    assert words[-1].max() > sheet.shape[1] - 40


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 4, 4), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((2, 4, 4, 2), np.uint8),
        np.zeros((2, 4, 4), np.float32),
    ],
)
def test_arrays_that_are_not_images_are_refused(wrong):
    with pytest.raises(UsageError):
        grid(wrong)


def test_arguments_out_of_range_are_refused_in_one_line():
    some = pictures(4, 4, 4)
    for request in (
        lambda: grid(some, columns=2, labels=["only one"]),
        lambda: grid(some, scale=0),
        lambda: grid(some, columns=0),
        lambda: grid(some, background="no colour"),
        lambda: strip([]),
        lambda: strip([some, some[:2]]),
        lambda: strip([some, some], header=["1"]),
    ):
        with pytest.raises(UsageError) as told:
            request()
        assert "\n" not in str(told.value)
