"""Dark and light ink: transparency, the background of images and data sets, inversion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from raised import code_and_field

from inkwash.data import Dataset, image_file, ink
from inkwash.data.registry import DATASETS
from inkwash.data.spec import DatasetSpec


def strokes(count: int, paper: int, colour: int, channels: int = 1) -> torch.Tensor:
    """Images of a vertical stroke on paper with noise of up to 10 levels."""
    noise = torch.randint(0, 10, (count, channels, 16, 16), generator=torch.Generator().manual_seed(0))
    images = torch.full((count, channels, 16, 16), paper) + noise
    images[:, :, 3:12, 7:9] = colour
    return images.clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize(
    ("paper", "colour", "expected"),
    [(0, 250, "dark"), (245, 0, "light"), (160, 30, "light"), (60, 200, "dark"), (120, 140, None)],
)
def test_the_background_of_strokes_is_that_of_their_paper(paper: int, colour: int, expected: str | None) -> None:
    for channels in (1, 3):
        assert ink.background(strokes(3, paper, colour, channels)) == expected


def test_images_without_common_background_have_none() -> None:
    gradient = torch.arange(256).reshape(1, 1, 16, 16).to(torch.uint8)
    halves = torch.cat([strokes(5, 0, 250), strokes(5, 245, 0)])
    for images in (gradient, halves, torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.randint(0, 256, (9, 3, 8, 8))):
        assert ink.background(images.to(torch.uint8)) is None


def test_inversion_changes_every_pixel_and_the_background() -> None:
    data = Dataset("made", strokes(6, 0, 250), torch.arange(6) % 2, ("a", "b"), test_values=strokes(2, 0, 250))
    inverted = ink.inverted(data, True)
    assert torch.equal(inverted.values, 255 - data.values) and inverted.test_values is not None
    assert torch.equal(inverted.test_values, torch.as_tensor(255) - strokes(2, 0, 250))
    assert (ink.background_of(data), ink.background_of(inverted)) == ("dark", "light")
    assert ink.inverted(data, False) is data and inverted.classes == data.classes
    assert DatasetSpec.of(inverted).background == "light"


def test_data_of_a_hash_are_found_as_read_and_inverted() -> None:
    data = Dataset("made", strokes(4, 0, 250))
    found = ink.of_hash(data, ink.inverted(data, True).sha256)
    assert found is not None and torch.equal(found.values, 255 - data.values)
    assert ink.of_hash(data, data.sha256) is data and ink.of_hash(data, "0" * 64) is None


def test_points_cannot_be_inverted() -> None:
    assert code_and_field(lambda: ink.inverted(DATASETS["moons"](), True)) == ("unsupported", "invert")


def test_a_large_set_is_inverted_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.setattr("inkwash.data.memory_map.MAP_THRESHOLD", 100)
    data = Dataset("made", strokes(40, 0, 250))
    assert torch.equal(ink.inverted(data, True).values, 255 - data.values)


def test_facts_of_0_1_0_are_completed_for_known_data() -> None:
    facts = {"data": "mnist", "sha256": "", "count": 1, "shape": [1, 28, 28], "classes": [], "proportions": []}
    assert DatasetSpec.from_dict(facts | {"data_std": 1.0}).background == "dark"
    assert DatasetSpec.from_dict(facts | {"data_std": 1.0, "data": "mine"}).background is None


def drawing(path: Path, colour: tuple[int, ...], side: int = 12) -> Path:
    """A stroke of `colour` on transparency."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[2:-2, 5:7] = (*colour, 255)
    Image.fromarray(pixels, "RGBA").save(path)
    return path


@pytest.mark.parametrize(
    ("colour", "paper"),
    [((0, 0, 0), 255), ((255, 255, 255), 0), ((40, 30, 60), 255), ((200, 30, 30), 0), ((0, 120, 250), 0)],
)
def test_ink_on_transparency_is_seen(colour: tuple[int, ...], paper: int, tmp_path: Path) -> None:
    image = image_file.read(drawing(tmp_path / "x.png", colour))
    assert (image[:, 0, 0] == paper).all() and image[:, 4, 5].tolist() == list(colour)[: len(image)]
    background = ink.background(image[None])
    assert background is None or background == ("light" if paper else "dark")


def test_images_of_a_folder_share_one_background(tmp_path: Path) -> None:
    dark = [drawing(tmp_path / f"{k}.png", (0, 0, 0)) for k in range(4)]
    light = drawing(tmp_path / "light.png", (200, 200, 200))
    assert image_file.common_background([*dark, light]) == 255
    assert image_file.common_background([light]) == 0
    (tmp_path / "damaged.png").write_bytes(b"no image")
    assert image_file.common_background([tmp_path / "damaged.png", tmp_path / "missing.png"]) == 0
    assert image_file.read(light, background=255)[0, 0, 0] == 255


def test_a_completely_transparent_image_is_black(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "x.png")
    assert not image_file.read(tmp_path / "x.png").any()
