"""IDX files are found under all the names and in all the folders that people have them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from inkwash.data import Dataset, load

AssertRefused = Callable[..., None]
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
TEST_PIXELS = 255 - PIXELS[:3]
LABELS, TEST_LABEL_VALUES = np.array([0, 1, 2, 3, 9, 1], np.uint8), np.array([4, 5, 0], np.uint8)
PARTS = {TRAIN_IMAGES: PIXELS, TRAIN_LABELS: LABELS, TEST_IMAGES: TEST_PIXELS, TEST_LABELS: TEST_LABEL_VALUES}


def idx(array: np.ndarray, code: int = 8) -> bytes:
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def assert_is_the_set(data: Dataset) -> None:
    assert data.labels is not None and data.labels.tolist() == LABELS.tolist()
    assert torch.equal(data.values[:, 0], torch.from_numpy(PIXELS))
    assert data.test_values is not None and torch.equal(data.test_values[:, 0], torch.from_numpy(TEST_PIXELS))
    assert data.test_labels is not None and data.test_labels.tolist() == [4, 5, 0]
    assert data.classes == tuple("0123456789")


@pytest.mark.parametrize("given", ["", "data", "data/MNIST", "data/MNIST/raw"])
def test_a_torchvision_root_is_found_at_any_height(tmp_path: Path, given: str) -> None:
    raw = tmp_path / "project" / "data" / "MNIST" / "raw"
    for name, array in PARTS.items():
        write(raw / name, idx(array))
        write(raw / f"{name}.gz", gzip.compress(idx(array)))
    (tmp_path / "project" / "notes.txt").write_text("about")
    data = load(tmp_path / "project" / given)
    assert_is_the_set(data)
    assert data.name == (Path(given).name or "project") and not data.warning


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("-idx", ".idx"),
        lambda name: name.replace("-idx3", "").replace("-idx1", ""),
        lambda name: name.replace("-idx3-ubyte", ".idx").replace("-idx1-ubyte", ".idx"),
        lambda name: f"{name}/{name.replace('-idx', '.idx')}",
        lambda name: f"{name.replace('-idx', '.idx')}/{name}",
        lambda name: f"{'train' if name.startswith('train') else 'test'}/{name}",
        lambda name: f"{'images' if 'images' in name else 'labels'}/{name}.gz",
        lambda name: name.replace("-", "_"),
        lambda name: name.replace("t10k", "test").upper(),
        lambda name: f"{name}.xz",
        lambda name: f"{name}.bz2",
    ],
)
def test_other_names_and_folders_of_single_files_are_read(tmp_path: Path, rename: Callable[[str], str]) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
    for name, array in PARTS.items():
        new = rename(name)
        write(tmp_path / new, pack.get(Path(new).suffix, bytes)(idx(array)))
    assert_is_the_set(load(tmp_path))


def test_emnist_is_turned_upright_with_letters_for_its_labels(tmp_path: Path) -> None:
    """Cohen et al. (2017): the images are transposed, and the letters are counted from 1."""
    pixels = np.random.default_rng(1).integers(0, 256, (26, 5, 5), dtype=np.uint8)
    labels = np.arange(1, 27, dtype=np.uint8)
    for part, count in (("train", 26), ("test", 3)):
        prefix = f"emnist-letters-{part}"
        write(tmp_path / f"{prefix}-images-idx3-ubyte.gz", gzip.compress(idx(pixels[:count])))
        write(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", gzip.compress(idx(labels[:count])))
    data = load(tmp_path)
    assert data.name == "emnist-letters" and data.classes == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert torch.equal(data.values[:, 0], torch.from_numpy(pixels.transpose(0, 2, 1).copy()))
    assert data.labels is not None and data.labels.tolist() == list(range(26))
    assert data.test_labels is not None and data.test_labels.tolist() == [0, 1, 2]
    assert "transposed" in data.warning and "1 to 26" in data.warning


@pytest.mark.parametrize(("split", "count", "last"), [("balanced", 47, "t"), ("byclass", 62, "z"), ("digits", 10, "9")])
def test_the_splits_of_emnist_have_their_classes(tmp_path: Path, split: str, count: int, last: str) -> None:
    labels = np.arange(count, dtype=np.uint8)
    write(tmp_path / f"emnist-{split}-train-images-idx3-ubyte", idx(np.zeros((count, 2, 2), np.uint8)))
    write(tmp_path / f"emnist-{split}-train-labels-idx1-ubyte", idx(labels))
    data = load(tmp_path)
    assert len(data.classes) == len(set(data.classes)) == count and data.classes[-1] == last
    assert data.labels is not None and data.labels.tolist() == labels.tolist()


def test_a_label_below_the_first_of_emnist_is_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    write(tmp_path / f"emnist-letters-{TRAIN_IMAGES}", idx(PIXELS))
    write(tmp_path / f"emnist-letters-{TRAIN_LABELS}", idx(LABELS))
    assert_refused(tmp_path, "invalid-data", "label 0")


def test_several_data_sets_in_a_folder_are_chosen_by_a_file(tmp_path: Path, assert_refused: AssertRefused) -> None:
    for prefix, shift in (("emnist-digits", 0), ("emnist-mnist", 1), ("", 2)):
        name = f"{prefix}-{TRAIN_IMAGES}".removeprefix("-")
        write(tmp_path / name, idx(PIXELS + np.uint8(shift)))
        write(tmp_path / name.replace("images-idx3", "labels-idx1"), idx(LABELS))
    assert_refused(tmp_path, "conflict", "emnist-digits", "emnist-mnist")
    chosen = load(tmp_path / f"emnist-mnist-{TRAIN_IMAGES}")
    assert chosen.name == "emnist-mnist"
    assert torch.equal(chosen.values[:, 0], torch.from_numpy((PIXELS + np.uint8(1)).transpose(0, 2, 1).copy()))
    assert torch.equal(load(tmp_path / TRAIN_LABELS).values[:, 0], torch.from_numpy(PIXELS + np.uint8(2)))


def test_the_class_of_qmnist_is_the_first_column_of_its_labels(tmp_path: Path) -> None:
    """Yadav and Bottou (2019): eight numbers to an image, int32 big-endian."""
    table = np.zeros((6, 8), ">i4")
    table[:, 0], table[:, 2] = LABELS, 70_000
    write(tmp_path / "qmnist-train-images-idx3-ubyte.gz", gzip.compress(idx(PIXELS)))
    write(tmp_path / "qmnist-train-labels-idx2-int.gz", gzip.compress(idx(table, 0x0C)))
    data = load(tmp_path)
    assert data.name == "qmnist" and data.labels is not None and data.labels.tolist() == LABELS.tolist()
    assert torch.equal(data.values[:, 0], torch.from_numpy(PIXELS))
    write(tmp_path / "qmnist-train-labels-idx2-int.gz", gzip.compress(idx(table, 0x0C)[:-1]))
    with pytest.raises(Exception, match="truncated"):
        load(tmp_path)


def test_two_data_sets_below_a_folder_are_not_chosen_from(tmp_path: Path, assert_refused: AssertRefused) -> None:
    for name in ("MNIST", "FashionMNIST"):
        for file, array in PARTS.items():
            write(tmp_path / "data" / name / "raw" / file, idx(array))
    assert_refused(tmp_path / "data", "conflict", "data/FashionMNIST/raw", "data/MNIST/raw")
    assert_is_the_set(load(tmp_path / "data" / "MNIST"))


def test_other_files_beside_idx_files_are_named(tmp_path: Path) -> None:
    for name, array in PARTS.items():
        write(tmp_path / name, idx(array))
    for name in ("extra.png", "README.md", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    assert load(tmp_path).warning == "1 file was not read: extra.png"


def test_a_root_with_pickles_alone_is_named(tmp_path: Path, assert_refused: AssertRefused) -> None:
    write(tmp_path / "MNIST" / "processed" / "training.pt", b"\x80\x02.")
    assert_refused(tmp_path, "missing-file", "MNIST/processed/training.pt", "unpickling")
