"""Films: frames, durations, thinning and metadata of the written file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from inkwash.errors import UsageError
from inkwash.io.png_metadata import read_metadata
from inkwash.viz.films import film, thinned
from inkwash.viz.grids import PixelArray, grid


def steps(count: int, channels: int = 1, images: int = 4) -> Iterator[tuple[PixelArray, PixelArray]]:
    random = np.random.default_rng(0)
    shape = (images, 10, 10) if channels == 1 else (images, 10, 10, channels)
    for _ in range(count):
        yield random.integers(0, 256, shape, dtype=np.uint8), random.integers(0, 256, shape, dtype=np.uint8)


def contains(frame: PixelArray, part: PixelArray) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(frame, part.shape)
    return bool((windows == part).all(axis=tuple(range(frame.ndim, 2 * frame.ndim))).any())


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_every_step_is_a_frame_with_the_exact_pixels(tmp_path: Path, suffix: str) -> None:
    film(steps(5), tmp_path / f"film{suffix}", scale=1)
    with Image.open(tmp_path / f"film{suffix}") as opened:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(opened)]
    assert len(frames) == 5
    for frame, (noisy, denoised) in zip(frames, steps(5), strict=True):
        middle = frame.shape[1] // 2
        assert contains(frame[:, :middle], np.asarray(grid(noisy)))
        assert contains(frame[:, middle:], np.asarray(grid(denoised)))


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_the_last_frame_lasts_longer(tmp_path: Path, suffix: str) -> None:
    film(steps(10), tmp_path / f"film{suffix}", seconds=2.0, hold=1.5)
    with Image.open(tmp_path / f"film{suffix}") as opened:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(opened)]
    assert durations == [200.0] * 9 + [1500.0]


def test_a_long_run_is_thinned_to_sixty_frames(tmp_path: Path) -> None:
    film(steps(300, images=1), tmp_path / "film.png", scale=1)
    with Image.open(tmp_path / "film.png") as opened:
        assert getattr(opened, "n_frames", None) == 60
        opened.seek(59)
        last = np.asarray(opened.convert("L"))
    *_, (noisy, _) = steps(300, images=1)
    assert contains(last, noisy[0])


@given(count=st.integers(1, 3000), limit=st.integers(2, 60))
def test_thinning_keeps_the_ends_and_spreads_evenly(count: int, limit: int) -> None:
    kept = thinned(iter(range(count)), limit, lambda item: item)
    assert kept[0] == 0 and kept[-1] == count - 1
    assert len(kept) == min(count, limit)
    assert len(set(kept)) == len(kept)
    apart = np.diff(kept[:-1])
    if apart.size:
        assert apart.min() > 0 and apart.max() <= 2 * apart.min()


def test_colour_is_exact_where_the_format_allows(tmp_path: Path) -> None:
    for suffix in (".png", ".webp"):
        film(steps(2, channels=3), tmp_path / f"film{suffix}", scale=1)
        with Image.open(tmp_path / f"film{suffix}") as opened:
            frame = np.asarray(opened.convert("RGB"))
        assert contains(frame, np.asarray(grid(next(steps(1, channels=3))[0])))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_a_film_contains_its_metadata(tmp_path: Path, suffix: str) -> None:
    film(steps(3), tmp_path / f"film{suffix}", metadata={"seed": 7, "model": "fast"})
    assert read_metadata(tmp_path / f"film{suffix}") == {"seed": 7, "model": "fast"}


def test_a_sampler_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[PixelArray, PixelArray]]:
        yield from steps(3)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        film(failing(), tmp_path / "film.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frames", "name", "code", "field"),
    [
        (steps(2), "film.mp4", "wrong-file", "path"),
        (steps(2), "film", "wrong-file", "path"),
        ([], "film.png", "invalid-data", "frames"),
    ],
)
def test_films_of_other_formats_or_without_frames_are_refused(
    frames: Iterable[tuple[PixelArray, PixelArray]], name: str, code: str, field: str
) -> None:
    with pytest.raises(UsageError) as error:
        film(frames, name)
    assert (error.value.code, error.value.field) == (code, field)
    assert not list(Path().iterdir())
