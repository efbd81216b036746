"""IDX folders, gzipped or not, published or not, are read; errors name the file."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inkwash import checks
from inkwash.data import load
from inkwash.data.mnist_variants import FILES, PUBLISHED

AssertRefused = Callable[..., None]

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (name.removesuffix(".gz") for name in FILES)


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def pixels(count: int, seed: int = 0) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (count, 5, 4), dtype=np.uint8)


def digits(*labels: int) -> np.ndarray:
    return np.array(labels, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid set named `letters`: 6 training and 3 test images of 5 by 4 pixels."""
    place = tmp_path / "letters"
    place.mkdir()
    for name, array in {
        TRAIN_IMAGES: pixels(6),
        TRAIN_LABELS: digits(0, 1, 2, 3, 9, 1),
        TEST_IMAGES: pixels(3, seed=1),
        TEST_LABELS: digits(4, 5, 0),
    }.items():
        (place / name).write_bytes(idx_bytes(array))
    return place


def test_a_folder_is_read_with_labels_and_test_set(folder: Path) -> None:
    data = load(folder)
    assert data.name == "letters" and data.classes == tuple("0123456789") and data.symmetries == ()
    assert torch.equal(data.values, torch.from_numpy(pixels(6))[:, None])
    assert data.labels is not None and data.labels.tolist() == [0, 1, 2, 3, 9, 1]
    assert data.test_values is not None and torch.equal(data.test_values[:, 0], torch.from_numpy(pixels(3, seed=1)))
    assert data.test_labels is not None and data.test_labels.tolist() == [4, 5, 0]


def test_gzip_is_detected_by_content(folder: Path) -> None:
    plain = load(folder)
    for path in list(folder.iterdir()):
        packed = gzip.compress(path.read_bytes())
        # one file keeps the plain name: some servers unpack nothing and rename everything
        target = path if path.name == TRAIN_LABELS else path.with_name(f"{path.name}.gz")
        path.unlink()
        target.write_bytes(packed)
    assert load(folder).sha256 == plain.sha256


def test_the_dotted_spelling_is_found_and_the_test_part_is_optional(folder: Path) -> None:
    (folder / TRAIN_IMAGES).rename(folder / "train-images.idx3-ubyte")
    (folder / TEST_IMAGES).unlink()
    (folder / TEST_LABELS).unlink()
    data = load(folder)
    assert len(data) == 6 and data.test_values is None and data.test_labels is None


def test_more_than_ten_classes_are_read_when_none_is_left_out(folder: Path) -> None:
    # EMNIST's letters are counted from 1 to 26
    (folder / TRAIN_IMAGES).write_bytes(idx_bytes(pixels(26)))
    (folder / TRAIN_LABELS).write_bytes(idx_bytes(digits(*range(1, 27))))
    assert len(load(folder).classes) == 27


def half_of_gzip(content: bytes) -> bytes:
    packed = gzip.compress(content)
    return packed[: len(packed) // 2]


def gzip_with_changed_checksum(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 0xFF
    return bytes(packed)


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[:-1], "damaged-file"),
    "lengthened": (lambda content: content + b"\0", "damaged-file"),
    "web page": (lambda content: b"\n<!DOCTYPE html><title>404</title>", "wrong-file"),
    "wrong magic": (lambda content: b"\x89PNG" + content[4:], "wrong-file"),
    "truncated header": (lambda content: content[:6], "damaged-file"),
    "truncated gzip": (half_of_gzip, "damaged-file"),
    "changed gzip": (gzip_with_changed_checksum, "damaged-file"),
    "empty": (lambda content: b"", "damaged-file"),
    "no items": (lambda content: bytes([0, 0, 8, content[3]]) + bytes(4 * content[3]), "damaged-file"),
}


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(folder: Path, name: str, damage: str, assert_refused: AssertRefused) -> None:
    change, code = DAMAGE[damage]
    (folder / name).write_bytes(change((folder / name).read_bytes()))
    assert_refused(folder, code, name)


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS])
def test_a_missing_file_is_named(folder: Path, name: str, assert_refused: AssertRefused) -> None:
    (folder / name).unlink()
    assert_refused(folder, "missing-file", name)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        (TRAIN_LABELS, digits(0, 1, 2), "3 labels for 6 images"),
        (TRAIN_LABELS, digits(0, 1, 2, 3, 4, 200), "label 200 of image 5"),
        (TEST_LABELS, digits(1, 77, 2), "label 77 of image 1"),
    ],
)
def test_labels_that_do_not_match_the_images_are_refused(
    folder: Path, name: str, labels: np.ndarray, value: str, assert_refused: AssertRefused
) -> None:
    (folder / name).write_bytes(idx_bytes(labels))
    assert_refused(folder, "invalid-data", name, value)


def test_parts_of_different_sizes_are_refused(folder: Path, assert_refused: AssertRefused) -> None:
    (folder / TEST_IMAGES).write_bytes(idx_bytes(pixels(3).repeat(2, axis=1)))
    assert_refused(folder, "mismatch", "[10, 4] and [5, 4]")


def test_data_sets_with_equal_file_names_are_distinguished_by_content() -> None:
    known = [sha256 for published in PUBLISHED.values() for sha256 in (*published.sha256, *published.unpacked)]
    assert len(set(known)) == len(known) and all(len(sha256) == 64 for sha256 in known)
    for name, published in PUBLISHED.items():
        digests = frozenset(published.sha256[:1])
        assert [other for other, spec in PUBLISHED.items() if spec.matches(digests)] == [name]


def test_mnist_has_the_published_size_and_deviation(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_DATA", str(mnist_folder))
    data = load(str(mnist_folder))
    assert data.name == "mnist" and load("mnist").sha256 == data.sha256
    assert data.values.shape == (60_000, 1, 28, 28)
    assert data.test_values is not None and data.test_values.shape == (10_000, 1, 28, 28)
    # 0.3081 is the deviation of pixels in [0, 1] that every MNIST tutorial normalizes by
    assert data.data_std == pytest.approx(2 * 0.3081, abs=2e-4)
    assert float((data.values == 0).double().mean()) == pytest.approx(0.809, abs=5e-4)
    counts = [round(60_000 * fraction) for fraction in data.proportions]
    assert counts == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("changed", [TRAIN_IMAGES, TRAIN_LABELS])
def test_a_published_data_set_with_a_changed_file_has_a_warning(
    changed: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = tuple(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (TRAIN_IMAGES, TRAIN_LABELS))
    known = replace(PUBLISHED["mnist"], unpacked=sums)
    monkeypatch.setitem(PUBLISHED, "mnist", known)
    assert load(folder).name == "mnist" and not load(folder).warning
    content = bytearray((folder / changed).read_bytes())
    content[-1] ^= 1
    (folder / changed).write_bytes(content)
    found = load(folder)
    assert found.name == "letters" and f"{changed} is not" in found.warning and "mnist" in found.warning
    assert ("files", found.warning) in checks.check_data(found)


def test_the_test_set_has_another_hash(folder: Path) -> None:
    before = load(folder)
    content = bytearray((folder / TEST_IMAGES).read_bytes())
    content[-1] ^= 1
    (folder / TEST_IMAGES).write_bytes(content)
    after = load(folder)
    assert after.sha256 == before.sha256 and after.test_sha256 != before.test_sha256
    for name in (TEST_IMAGES, TEST_LABELS):
        (folder / name).unlink()
    assert load(folder).test_sha256 == ""


def test_fashion_mnist_is_known_by_its_contents(mnist_folder: Path) -> None:
    folder = mnist_folder.parent / "fashion-mnist"
    if not folder.is_dir():
        pytest.skip("there is no Fashion-MNIST beside MNIST")
    found = load(folder)
    assert found.name == "fashion-mnist" and found.classes[0] == "T-shirt/top" and found.classes[-1] == "ankle boot"
    assert found.note.endswith("MIT") and found.labels is not None and found.labels[:3].tolist() == [9, 0, 0]
