"""Arrays of uint8 pixels and float points are read unchanged; arrays of unknown range are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inkwash.data import load

AssertRefused = Callable[..., None]


def pixels(*shape: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 4, 3, 1), (5, 4, 6, 3)])
def test_the_channels_of_a_single_array_come_first(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = pixels(*shape)
    np.save(tmp_path / "mine.npy", array)
    data = load(tmp_path / "mine.npy")
    channels = shape[3] if len(shape) == 4 else 1
    assert data.name == "mine" and data.shape == (channels, *shape[1:3]) and data.labels is None
    for channel in range(channels):
        expected = array if array.ndim == 3 else array[..., channel]
        assert np.array_equal(data.values[:, channel].numpy(), expected)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_holds_labels_and_a_test_part(tmp_path: Path, save: Callable[..., None]) -> None:
    path = tmp_path / "mine.npz"
    save(
        path,
        images=pixels(4, 2, 2),
        labels=np.array([0, 1, 1, 2]),
        test_images=pixels(2, 2, 2),
        test_labels=np.array([3, 0], dtype=np.uint8),
        author=np.array("someone"),
    )
    data = load(path)
    assert data.classes == ("0", "1", "2", "3") and data.proportions == [0.25, 0.5, 0.25, 0]
    assert data.test_labels is not None and data.test_labels.tolist() == [3, 0]
    assert data.test_values is not None and data.test_values.shape == (2, 1, 2, 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_points_in_the_plane_are_stored_as_float32(tmp_path: Path, dtype: type) -> None:
    array: np.ndarray = np.array([[0.5, -1.25], [3, 4], [-2, 0]], dtype=dtype)
    np.save(tmp_path / "plane.npy", array)
    data = load(tmp_path / "plane.npy")
    assert data.is_points and data.encoded().dtype == torch.float32
    assert np.array_equal(data.encoded().numpy(), array)


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (np.zeros((2, 4, 4), np.float32), "float32 [2, 4, 4], from 0 to 0"),
        (np.full((2, 4, 4), 300, np.int64), "from 300 to 300"),
        (np.zeros((2, 4, 4), np.int64), "astype(numpy.uint8)"),
        (np.full((2, 4, 4), "x"), "<U1 [2, 4, 4]"),
        (np.zeros((2, 4, 4), np.complex64), "complex64 [2, 4, 4]"),
        (np.full((2, 4, 4), np.inf, np.float32), "NaN or infinity"),
        (np.zeros((2, 3), np.float32), "float32 [2, 3]"),
        (np.zeros((2, 2), np.uint8), "uint8 [2, 2]"),
        (pixels(16, 16), "uint8 [16, 16]"),
        (pixels(2, 5, 8, 8), "uint8 [2, 5, 8, 8]"),
        (pixels(2, 8, 8, 2), "uint8 [2, 8, 8, 2]"),
        (pixels(2, 8, 8, 4), "uint8 [2, 8, 8, 4]"),
        (np.zeros((0, 4, 4), np.uint8), "uint8 [0, 4, 4]"),
        (np.array([[0.0, np.nan]]), "not finite"),
    ],
)
def test_an_array_that_is_neither_pixels_nor_points_is_refused(
    tmp_path: Path, array: np.ndarray, value: str, assert_refused: AssertRefused
) -> None:
    np.save(tmp_path / "mine.npy", array)
    assert_refused(tmp_path / "mine.npy", "invalid-data", "mine.npy", value)


IMAGES = pixels(2, 4, 4)


@pytest.mark.parametrize(
    ("members", "value"),
    [
        ({"author": IMAGES, "size": np.array(4)}, "it holds author, size"),
        ({"labels": np.array([0, 1])}, "it holds labels"),
        ({"images": IMAGES, "labels": np.array([0, 1, 2])}, "3 labels for 2 images"),
        ({"images": IMAGES, "labels": np.array([0.0, 1.5])}, "label 1.5 of image 1"),
        ({"images": IMAGES, "labels": np.ones((2, 3), np.uint8)}, "[2, 3]"),
        ({"images": IMAGES, "labels": np.array([0, -1])}, "label -1"),
        ({"images": IMAGES, "labels": np.array([0, 2**60])}, "of image 1"),
        ({"images": IMAGES, "test_images": pixels(2, 5, 4)}, "[1, 5, 4]"),
        ({"images": IMAGES, "test_labels": np.array([0, 1])}, "test_labels"),
        ({"images": IMAGES, "labels": np.array([np.nan, 1])}, "label nan of image 0"),
        ({"images": IMAGES, "labels": np.array(["a"])}, "text [1] for 2 images"),
    ],
)
def test_an_npz_that_contradicts_itself_is_refused(
    tmp_path: Path, members: dict[str, Any], value: str, assert_refused: AssertRefused
) -> None:
    np.savez(tmp_path / "mine.npz", **members)
    assert_refused(tmp_path / "mine.npz", "invalid-data", "mine.npz", value)


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz"])
def test_damaged_and_pickled_files_are_refused(tmp_path: Path, name: str, assert_refused: AssertRefused) -> None:
    path = tmp_path / name

    def save(images: np.ndarray) -> None:
        np.save(path, images) if name.endswith("npy") else np.savez(path, images=images)

    save(np.array([{"a": 1}]))
    assert_refused(path, "wrong-file", name)
    save(pixels(40, 8, 8))
    complete = path.read_bytes()
    for content in (complete[:100], complete[: len(complete) // 2], b"not an array", b"PK\x03\x04 and nothing", b""):
        path.write_bytes(content)
        assert_refused(path, "wrong-file" if content == b"not an array" else "damaged-file", name)
    path.write_bytes(b"<!doctype html></html>")
    assert_refused(path, "wrong-file", name)
