"""CIFAR-10's binary form, from a folder and from its archive; never its pickles."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkwash.data import cifar10, load

AssertRefused = Callable[..., None]


def batch(*labels: int, seed: int = 0) -> bytes:
    values = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    return np.hstack([np.array(labels, dtype=np.uint8)[:, None], values]).tobytes()


BATCHES = {
    "data_batch_1.bin": batch(3, 9),
    "data_batch_2.bin": batch(0, seed=1),
    "test_batch.bin": batch(5, 5, seed=2),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tiny"
    place.mkdir()
    for name, content in BATCHES.items():
        (place / name).write_bytes(content)
    return place


def archive(path: Path, batches: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in batches.items():
            # a path out of the archive must have no effect
            member = tarfile.TarInfo(f"../../cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_records_become_planes_of_red_green_and_blue(folder: Path) -> None:
    data = load(folder)
    assert data.name == "tiny" and data.shape == (3, 32, 32) and data.symmetries == ("horizontal",)
    assert data.labels is not None and [data.classes[k] for k in data.labels] == ["cat", "truck", "airplane"]
    assert data.test_labels is not None and data.test_labels.tolist() == [5, 5]
    second = BATCHES["data_batch_1.bin"][cifar10.RECORD_BYTES + 1 :]
    # the record is 1,024 bytes of red by rows, then green, then blue
    assert data.values[1, 2, 31, 30] == second[2 * 1024 + 31 * 32 + 30]
    assert data.values[1, 0, 1, 0] == second[32]


def test_the_archive_holds_the_same_set_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    path = archive(tmp_path / "cifar-10-binary.tar.gz", BATCHES)
    before = sorted(tmp_path.parent.rglob("*"))
    assert load(path).sha256 == load(folder).sha256
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_the_unpacked_archive_is_found_in_its_parent(folder: Path, tmp_path: Path) -> None:
    complete = load(folder)
    (tmp_path / "parent").mkdir()
    folder.rename(tmp_path / "parent" / "cifar-10-batches-bin")
    assert load(tmp_path / "parent").sha256 == complete.sha256


def test_the_test_batch_is_optional(folder: Path) -> None:
    (folder / "test_batch.bin").unlink()
    data = load(folder)
    assert data.test_values is None and data.labels is not None and data.labels.tolist() == [3, 9, 0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (batch(1)[:-1], "damaged-file"),
        (batch(1, 10), "invalid-data"),
        (b"<!doctype html>", "wrong-file"),
        (b"", "damaged-file"),
    ],
)
def test_an_invalid_batch_is_named(folder: Path, content: bytes, code: str, assert_refused: AssertRefused) -> None:
    (folder / "data_batch_2.bin").write_bytes(content)
    assert_refused(folder, code, "data_batch_2.bin")


def test_a_folder_without_train_batches_is_refused(folder: Path, assert_refused: AssertRefused) -> None:
    for name in ("data_batch_1.bin", "data_batch_2.bin"):
        (folder / name).unlink()
    assert_refused(folder, "missing-file", "data_batch_*.bin")


def test_a_damaged_archive_is_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    path = archive(tmp_path / "cifar-10-binary.tar.gz", BATCHES)
    complete = path.read_bytes()
    for content, code in (
        (complete[:5000], "damaged-file"),
        (b"<html>", "wrong-file"),
        (b"no archive", "damaged-file"),
    ):
        path.write_bytes(content)
        assert_refused(path, code, str(path))
    assert_refused(archive(path, {"notes.bin": b"x"}), "missing-file", "data_batch_*.bin")


def test_pickles_are_refused_unopened(tmp_path: Path, assert_refused: AssertRefused) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")
    assert_refused(tmp_path, "wrong-file", "cifar-10-binary.tar.gz")
