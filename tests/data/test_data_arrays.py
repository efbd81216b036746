"""Arrays: uint8 pictures and float points come in unchanged; whatever would need a guess is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inkwash.data import load
from inkwash.errors import InkwashError


def pixels(*shape: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).integers(0, 256, shape, dtype=np.uint8)


def refusal(path: Path) -> str:
    with pytest.raises(InkwashError) as caught:
        load(path)
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 4, 3, 1), (5, 4, 6, 3)])
def test_a_lone_array_of_pixels_gets_its_channels_first(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = pixels(*shape)
    np.save(tmp_path / "mine.npy", array)
    data = load(tmp_path / "mine.npy")
    channels = shape[3] if len(shape) == 4 else 1
    assert data.name == "mine" and data.shape == (channels, *shape[1:3]) and data.labels is None
    for channel in range(channels):
        expected = array if array.ndim == 3 else array[..., channel]
        assert np.array_equal(data.values[:, channel].numpy(), expected)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_holds_labels_and_a_test_part(tmp_path: Path, save: object) -> None:
    path = tmp_path / "mine.npz"
    save(  # type: ignore[operator]
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
    array = np.array([[0.5, -1.25], [3, 4], [-2, 0]], dtype=dtype)
    np.save(tmp_path / "plane.npy", array)
    data = load(tmp_path / "plane.npy")
    assert data.is_points and data.encoded().dtype == torch.float32
    assert np.array_equal(data.encoded().numpy(), array)


@pytest.mark.parametrize(
    ("array", "cause"),
    [
        (np.zeros((2, 4, 4), np.float32), "the range of other numbers is a guess"),
        (np.full((2, 4, 4), 300, np.int64), "from 300 to 300"),
        (np.zeros((2, 4, 4), bool), "is bool [2, 4, 4]"),
        (np.zeros((2, 3), np.float32), "is float32 [2, 3]"),
        (np.zeros((2, 2), np.uint8), "save [N, H, W]"),
        (pixels(2, 3, 8, 8), "channels come last"),
        (pixels(2, 8, 8, 4), "1 or 3"),
        (np.zeros((0, 4, 4), np.uint8), "is empty"),
        (np.array([[0.0, np.nan]]), "not finite"),
        (np.array([{"a": 1}]), "pickled objects are never opened"),
    ],
)
def test_an_array_that_is_neither_pixels_nor_points_is_refused(tmp_path: Path, array: np.ndarray, cause: str) -> None:
    np.save(tmp_path / "mine.npy", array, allow_pickle=True)
    assert cause in refusal(tmp_path / "mine.npy")


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({"x": pixels(2, 4, 4)}, "no array 'images' (it holds x)"),
        ({"images": pixels(2, 4, 4), "labels": np.array([0, 1, 2])}, "3 labels for 2 images"),
        ({"images": pixels(2, 4, 4), "labels": np.array([0.0, 1.0])}, "integers"),
        ({"images": pixels(2, 4, 4), "labels": np.eye(2, dtype=np.uint8)}, "integers [N]"),
        ({"images": pixels(2, 4, 4), "labels": np.array([0, -1])}, "label -1 is out of range"),
        (
            {"images": pixels(2, 4, 4), "labels": np.array([0, 2**60])},
            "of image 1 is out of range",
        ),
        ({"images": pixels(2, 4, 4), "test_images": pixels(2, 5, 4)}, "both parts need one shape"),
        ({"images": pixels(2, 4, 4), "test_labels": np.array([0, 1])}, "test_labels"),
        ({"images": np.array([None])}, "never opened"),
    ],
)
def test_an_npz_that_contradicts_itself_is_refused(tmp_path: Path, members: dict[str, np.ndarray], cause: str) -> None:
    np.savez(tmp_path / "mine.npz", **members)
    assert cause in refusal(tmp_path / "mine.npz")


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz"])
def test_damaged_files_are_refused_without_a_traceback(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (np.save if name.endswith("npy") else np.savez)(path, pixels(40, 8, 8))
    whole = path.read_bytes()
    for content in (whole[:100], whole[: len(whole) // 2], b"not an array", b"<html></html>", b""):
        path.write_bytes(content)
        refusal(path)
