"""CIFAR-10's binary form, from a folder and from its archive; never its pickles."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from inkwash.data import cifar10, load
from inkwash.errors import InkwashError


def batch(*labels: int, seed: int = 0) -> bytes:
    drawn = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    return np.hstack([np.array(labels, dtype=np.uint8)[:, None], drawn]).tobytes()


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
            # a name that climbs out of the archive must do no harm
            member = tarfile.TarInfo(f"../../cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InkwashError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_records_become_planes_of_red_green_and_blue(folder: Path) -> None:
    data = load(folder)
    assert data.name == "tiny" and data.shape == (3, 32, 32) and data.symmetries == ("horizontal",)
    assert data.labels is not None and [data.classes[label] for label in data.labels] == [
        "cat",
        "truck",
        "airplane",
    ]
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
    ("content", "cause"),
    [
        (batch(1)[:-1], "truncated"),
        (batch(1, 10), "label 10 of image 1 is out of range"),
        (b"<!doctype html>", "web page"),
        (b"", "is empty"),
    ],
)
def test_a_damaged_batch_is_named(folder: Path, content: bytes, cause: str) -> None:
    (folder / "data_batch_2.bin").write_bytes(content)
    message = refusal(folder)
    assert "data_batch_2.bin" in message and cause in message


def test_a_folder_with_the_test_batch_alone_is_refused(folder: Path) -> None:
    for name in ("data_batch_1.bin", "data_batch_2.bin"):
        (folder / name).unlink()
    assert "data_batch_*.bin" in refusal(folder)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "cifar.tar.gz", BATCHES)
    complete = path.read_bytes()
    for content, cause in (
        (complete[:5000], "damaged gzip"),
        (b"<html>", "web page"),
        (b"no archive", "damaged archive"),
    ):
        path.write_bytes(content)
        assert cause in refusal(path)
    assert "data_batch_*.bin" in refusal(archive(path, {"notes.bin": b"x"}))


def test_the_pickle_form_is_refused_unopened(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")
    message = refusal(tmp_path)
    assert "pickles" in message and "cifar-10-binary.tar.gz" in message
