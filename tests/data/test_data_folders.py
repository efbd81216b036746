"""Folders of images: every mode of Pillow is read as the expected pixels, and errors name the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from raised import raised

from inkwash.data import load

AssertRefused = Callable[..., None]

GREY = np.array([[0, 50, 100], [150, 200, 255]], dtype=np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], axis=2)


def save(path: Path, picture: Image.Image | np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(path, **options)
    return path


def only(folder: Path) -> np.ndarray:
    """Return the single image of a folder, `[C, H, W]`."""
    values = load(folder).values
    assert len(values) == 1
    return values[0].numpy()


def test_one_sub_folder_is_one_class(tmp_path: Path) -> None:
    for name, level in {"cat": 10, "ant": 20, "bee": 30}.items():
        save(tmp_path / name / "one.png", np.full((2, 3), level, np.uint8))
    save(tmp_path / "bee" / "two.bmp", np.full((2, 3), 40, np.uint8))
    data = load(tmp_path)
    assert data.name == tmp_path.name and data.classes == ("ant", "bee", "cat")
    assert data.values[:, 0, 0, 0].tolist() == [20, 30, 40, 10]
    assert data.labels is not None and data.labels.tolist() == [0, 1, 1, 2] and data.labels.dtype == torch.int64
    assert data.shape == (1, 2, 3)


def test_numbered_classes_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "0"):
        save(tmp_path / name / "one.png", GREY)
    assert load(tmp_path).classes == ("0", "9", "10")


def test_a_folder_without_sub_folders_has_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "one.png", GREY)
    (tmp_path / "README.txt").write_text("about")
    save(tmp_path / ".hidden.png", GREY)
    data = load(tmp_path)
    assert len(data) == 1 and data.labels is None and data.classes == () and data.proportions == []


def test_train_and_test_folders_are_the_two_parts(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a" / "one.png", GREY)
    save(tmp_path / "train" / "b" / "two.png", GREY)
    # the test part may lack a class, and its labels still count in the classes of the training part
    save(tmp_path / "test" / "b" / "three.png", COLOUR)
    data = load(tmp_path)
    assert data.classes == ("a", "b") and len(data) == 2
    assert data.test_labels is not None and data.test_labels.tolist() == [1]
    assert data.test_values is not None and data.shape == data.test_values.shape[1:] == (3, 2, 3)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("car", "train", "test"):
        save(tmp_path / name / "one.png", GREY)
    assert load(tmp_path).classes == ("car", "test", "train")


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB", "RGBA", "LA", "I;16", "I"])
def test_grey_images_have_one_channel_in_every_mode(tmp_path: Path, mode: str) -> None:
    level = np.array([[0, 255, 0], [255, 255, 0]], dtype=np.uint8)
    if mode.startswith("I"):
        picture = Image.fromarray(level.astype(np.uint16) * 257)
        name = "deep.png" if mode == "I;16" else "deep.pgm"
    else:
        picture, name = Image.fromarray(level).convert(mode), "shallow.png"
    save(tmp_path / name, picture)
    assert np.array_equal(only(tmp_path), level[None])


@pytest.mark.parametrize("form", ["plain", "palette", "animation"])
def test_colour_keeps_its_three_channels(tmp_path: Path, form: str) -> None:
    picture = Image.fromarray(COLOUR)
    if form == "palette":
        picture = picture.quantize(6)
        assert picture.mode == "P"
    if form == "animation":
        frames = [Image.new("RGB", (3, 2))]
        save(tmp_path / "film.webp", picture, save_all=True, append_images=frames, lossless=True)
    else:
        save(tmp_path / "one.png", picture)
    assert np.array_equal(only(tmp_path), COLOUR.transpose(2, 0, 1))


def test_grey_images_among_colour_images_get_three_equal_channels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "b.png", COLOUR)
    grey, colour = load(tmp_path).values.numpy()
    assert np.array_equal(grey, np.stack([GREY] * 3)) and np.array_equal(colour, COLOUR.transpose(2, 0, 1))


def test_transparency_is_composited_on_black(tmp_path: Path) -> None:
    alpha = np.array([[0, 51, 102], [153, 204, 255]], dtype=np.uint8)
    save(tmp_path / "rgba" / "one.png", np.dstack([np.full_like(COLOUR, 255), alpha]))
    assert np.array_equal(only(tmp_path / "rgba")[0], alpha)
    picture = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    picture.putpalette([200, 200, 200, 90, 90, 90])
    save(tmp_path / "palette" / "one.png", picture, transparency=0)
    assert only(tmp_path / "palette").tolist() == [[[0, 90]]]


def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257, 32_896, 65_535]], dtype=np.uint16)
    save(tmp_path / "deep.png", deep)
    assert only(tmp_path).tolist() == [[[0, 0, 1, 1, 128, 255]]]


def test_sixteen_bit_files_of_0_to_255_are_read_as_eight_bits_and_that_is_said(tmp_path: Path) -> None:
    level = np.array([[0, 3, 128], [200, 254, 255]], dtype=np.uint16)
    save(tmp_path / "few" / "a.png", level)
    save(tmp_path / "few" / "b.png", level // 200)
    found = load(tmp_path / "few")
    assert found.values.tolist() == [[level.tolist()], [(level // 200).tolist()]] and "16-bit" in found.warning
    # A dark image among those of 16 bits is dark.
    save(tmp_path / "true" / "a.png", level)
    save(tmp_path / "true" / "b.png", level * 257)
    found = load(tmp_path / "true")
    assert found.values[0].max() == 1 and found.values[1, 0].tolist() == level.tolist() and found.warning == ""
    for k in range(60):
        save(tmp_path / "odd" / f"{k:02}.png", level)
    save(tmp_path / "odd" / "01.png", level * 257)
    error = raised(lambda: load(tmp_path / "odd"))
    assert error.code == "invalid-data" and "01.png" in str(error)


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "one.png", GREY, exif=exif)
    assert np.array_equal(only(tmp_path)[0], np.rot90(GREY, -1))


def test_the_error_for_different_sizes_names_two_files_and_size(tmp_path: Path, assert_refused: AssertRefused) -> None:
    save(tmp_path / "a.png", np.zeros((8, 6), np.uint8))
    save(tmp_path / "b.png", np.zeros((8, 6), np.uint8))
    save(tmp_path / "c.png", np.zeros((9, 7), np.uint8))
    assert_refused(tmp_path, "mismatch", "a.png is 6x8", "c.png is 7x9", "--size 6")
    assert load(tmp_path, size=4).values.shape == (3, 1, 4, 4)


def test_an_unreadable_image_is_named(tmp_path: Path, assert_refused: AssertRefused) -> None:
    valid = save(tmp_path / "a.png", np.zeros((64, 64), np.uint8)).read_bytes()
    path = tmp_path / "b.png"
    for content, code in {
        b"no picture at all": "damaged-file",
        valid[: len(valid) // 2]: "damaged-file",
        b"<html>gone</html>": "wrong-file",
        b"": "damaged-file",
    }.items():
        path.write_bytes(content)
        assert_refused(tmp_path, code, str(path))
    path.write_text("no picture at all")
    assert_refused(tmp_path, "damaged-file", "move it out of the folder")


def test_floating_point_images_are_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    assert_refused(save(tmp_path / "one.tif", GREY.astype(np.float32)).parent, "invalid-data", "one.tif")


@pytest.mark.parametrize(
    ("make", "code", "value"),
    [
        ([], "missing-file", "has no images"),
        (["a/1.png", "b/"], "invalid-data", "b is a class"),
        (["a/1.png", "loose.png"], "invalid-data", "loose.png"),
        (["train/a/1.png", "test/c/1.png"], "invalid-data", "'c'"),
    ],
)
def test_a_layout_that_is_empty_or_ambiguous_is_refused(
    tmp_path: Path, make: list[str], code: str, value: str, assert_refused: AssertRefused
) -> None:
    for name in make:
        if name.endswith("/"):
            (tmp_path / name).mkdir(parents=True)
        else:
            save(tmp_path / name, GREY)
    assert_refused(tmp_path, code, value)
