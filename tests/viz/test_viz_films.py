"""A film read back frame by frame is what the sampler handed over, from the first step to the last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from inkwash.errors import UsageError
from inkwash.io.png_metadata import read_metadata
from inkwash.viz.films import evenly, film
from inkwash.viz.grids import grid


def steps(count: int, channels: int = 1, pictures: int = 4):
    random = np.random.default_rng(0)
    shape = (pictures, 10, 10) if channels == 1 else (pictures, 10, 10, channels)
    for _ in range(count):
        yield random.integers(0, 256, shape, dtype=np.uint8), random.integers(0, 256, shape, dtype=np.uint8)


def contains(page: np.ndarray, sheet: np.ndarray) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(page, sheet.shape)
    return bool((windows == sheet).all(axis=tuple(range(page.ndim, 2 * page.ndim))).any())


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_every_step_is_a_frame_with_the_exact_pixels(tmp_path, suffix):
    film(steps(5), tmp_path / f"film{suffix}", scale=1)
    with Image.open(tmp_path / f"film{suffix}") as opened:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(opened)]
    assert len(frames) == 5
    for frame, (noisy, denoised) in zip(frames, steps(5), strict=True):
        middle = frame.shape[1] // 2
        assert contains(frame[:, :middle], np.asarray(grid(noisy)))
        assert contains(frame[:, middle:], np.asarray(grid(denoised)))


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_the_last_frame_lasts_longer(tmp_path, suffix):
    film(steps(10), tmp_path / f"film{suffix}", seconds=2.0, hold=1.5)
    with Image.open(tmp_path / f"film{suffix}") as opened:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(opened)]
    assert durations == [200.0] * 9 + [1500.0]


def test_a_long_run_is_thinned_to_sixty_frames(tmp_path):
    film(steps(300, pictures=1), tmp_path / "film.png", scale=1)
    with Image.open(tmp_path / "film.png") as opened:
        assert opened.n_frames == 60
        opened.seek(59)
        last = np.asarray(opened.convert("L"))
    *_, (noisy, _) = steps(300, pictures=1)
    assert contains(last, noisy[0])


@given(count=st.integers(1, 3000), limit=st.integers(2, 60))
def test_thinning_keeps_the_ends_and_spreads_evenly(count, limit):
    kept = evenly(iter(range(count)), limit, lambda item: item)
    assert kept[0] == 0 and kept[-1] == count - 1
    assert len(kept) == min(count, limit)
    assert len(set(kept)) == len(kept)
    apart = np.diff(kept[:-1])
    if apart.size:
        assert apart.min() > 0 and apart.max() <= 2 * apart.min()


def test_colour_is_exact_where_the_format_allows(tmp_path):
    for suffix in (".png", ".webp"):
        film(steps(2, channels=3), tmp_path / f"film{suffix}", scale=1)
        with Image.open(tmp_path / f"film{suffix}") as opened:
            frame = np.asarray(opened.convert("RGB"))
        assert contains(frame, np.asarray(grid(next(steps(1, channels=3))[0])))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_a_film_contains_its_metadata(tmp_path, suffix):
    film(steps(3), tmp_path / f"film{suffix}", metadata={"seed": 7, "model": "fast"})
    assert read_metadata(tmp_path / f"film{suffix}") == {"seed": 7, "model": "fast"}


def test_a_sampler_that_fails_leaves_no_file(tmp_path):
    def failing():
        yield from steps(3)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        film(failing(), tmp_path / "film.png")
    assert not list(tmp_path.iterdir())


def test_films_of_other_formats_or_without_frames_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.gif.*\.png.*\.webp"):
        film(steps(2), tmp_path / "film.mp4")
    with pytest.raises(UsageError):
        film(steps(2), tmp_path / "film")
    with pytest.raises(UsageError):
        film([], tmp_path / "film.png")
    assert not list(tmp_path.iterdir())
