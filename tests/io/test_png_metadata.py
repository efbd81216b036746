"""Metadata and pixels of images are read as they were written; images of other programs have no metadata."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inkwash.errors import InkwashError, UsageError
from inkwash.io import integrity
from inkwash.io.png_metadata import read_metadata, read_pixels, save_png
from inkwash.viz.grids import grid

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def sheet() -> Image.Image:
    return grid(np.random.default_rng(0).integers(0, 256, (4, 9, 9), dtype=np.uint8))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(metadata=st.dictionaries(st.text(max_size=9).filter(lambda key: key != integrity.KEY), plain, max_size=5))
def test_metadata_equal_what_was_written(tmp_path: Path, sheet: Image.Image, metadata: dict[str, Any]) -> None:
    save_png(sheet, tmp_path / "a.png", metadata)
    assert read_metadata(tmp_path / "a.png") == metadata


def test_metadata_are_a_text_chunk_of_json(tmp_path: Path, sheet: Image.Image) -> None:
    save_png(sheet, tmp_path / "a.png", {"seed": 3, "sampler": "ddim:50"})
    with Image.open(tmp_path / "a.png") as image:
        found = json.loads(image.info["inkwash"])
    assert {"seed": 3, "sampler": "ddim:50"}.items() < found.items() and found.keys() - {"seal"} == {"seed", "sampler"}


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_equal_what_was_written(tmp_path: Path, channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (1, 8, 6, channels), dtype=np.uint8)
    save_png(grid(pixels, gap=0), tmp_path / "a.png", {})
    assert np.array_equal(read_pixels(tmp_path / "a.png"), pixels[0].squeeze())


def test_images_of_other_programs_have_no_metadata(tmp_path: Path, sheet: Image.Image) -> None:
    for name in ("a.png", "a.jpg", "a.gif", "a.webp"):
        sheet.save(tmp_path / name)
        assert read_metadata(tmp_path / name) is None
    sheet.save(tmp_path / "b.gif", comment=b"of another program")
    assert read_metadata(tmp_path / "b.gif") is None


def test_transparent_becomes_white_and_16_bits_become_8(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_pixels(tmp_path / "clear.png") == 255).all()
    Image.fromarray(np.array([[0, 255 * 256, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_pixels(tmp_path / "deep.png").tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("read", [read_metadata, read_pixels])
def test_a_file_that_is_not_an_image_is_refused(
    tmp_path: Path, sheet: Image.Image, read: Callable[[Path], object]
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    sheet.save(tmp_path / "complete.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "complete.png").read_bytes()[:150])
    for name in ("missing.png", "text.png", "half.png", "."):
        with pytest.raises(UsageError) as error:
            read(tmp_path / name)
        assert error.value.code == ("missing-file" if name == "missing.png" else "wrong-file")


def test_damaged_metadata_are_an_error(tmp_path: Path, sheet: Image.Image) -> None:
    for text in ('{"seed": ', "[1, 2]"):
        chunks = PngInfo()
        chunks.add_text("inkwash", text)
        sheet.save(tmp_path / "a.png", pnginfo=chunks)
        with pytest.raises(InkwashError) as error:
            read_metadata(tmp_path / "a.png")
        assert error.value.code == "damaged-file"


def test_metadata_that_are_not_json_are_refused_and_the_file_is_kept(tmp_path: Path, sheet: Image.Image) -> None:
    save_png(sheet, tmp_path / "a.png", {"seed": 1})
    for metadata in ({"loss": float("nan")}, {"weights": np.zeros(2)}):
        with pytest.raises(UsageError):
            save_png(sheet, tmp_path / "a.png", metadata)
    with pytest.raises(UsageError):
        save_png(sheet, tmp_path / "a.jpg", {})
    assert read_metadata(tmp_path / "a.png") == {"seed": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
