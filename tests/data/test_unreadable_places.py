"""Links to nothing, files without permission, archives within archives, and folders of thousands of classes."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raised import code_and_field, raised

from inkwash.data import load

NOBODY = 65_534


def make(folder: Path, names: dict[str, int], size: tuple[int, int] = (8, 8)) -> Path:
    """Write an image of one grey level for each name."""
    for name, level in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, level).save(folder / name)
    return folder


@pytest.mark.parametrize("link", ["a/1.png", "c", "a/deep", "notes"])
def test_a_link_to_nothing_in_a_folder_of_images_is_named_with_its_target(tmp_path: Path, link: str) -> None:
    folder = make(tmp_path / "set", {"a/0.png": 10, "b/0.png": 20})
    (folder / link).symlink_to("/nothing/here")
    error = raised(lambda: load(folder))
    assert error.code == "missing-file" and str(folder / link) in str(error) and "/nothing/here" in str(error)


def test_links_to_nothing_elsewhere_are_named_too(tmp_path: Path) -> None:
    for name, target in (("set", "/nothing/set"), ("set.npz", "/nothing/set.npz")):
        (tmp_path / name).symlink_to(target)
        error = raised(lambda path=tmp_path / name: load(path))
        assert error.code == "missing-file" and target in str(error)
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").symlink_to("../.git/annex/objects/key")
    error = raised(lambda: load(tmp_path / "data"))
    assert error.code == "missing-file" and "git annex get" in str(error)


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "set", {"a/0.png": 10, "b/0.png": 20})
    (folder / "loop").symlink_to("loop")
    error = raised(lambda: load(folder))
    assert error.code == "missing-file" and str(folder / "loop") in str(error)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="inkwash-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def without_permission(path: Path, call: Callable[[], object]) -> str:
    """Return the one line of the error of `call` by a user who may not read `path`; its code is "io"."""
    mode = path.stat().st_mode
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        error = raised(call)
    finally:
        if is_root:
            os.seteuid(0)
        path.chmod(mode)
    assert error.code == "io"
    return str(error)


@pytest.mark.parametrize(
    "name", ["set/a/0.png", "set/a", "set", "set.npz", "set.npy", "set.csv", "set.zip", "set.h5", "x"]
)
def test_a_file_or_folder_without_permission_is_named(place: Path, name: str) -> None:
    make(place / "set", {"a/0.png": 10, "b/0.png": 20})
    images = np.zeros((4, 8, 8), np.uint8)
    np.savez(place / "set.npz", images=images)
    np.save(place / "set.npy", images)
    for other in ("set.csv", "set.zip", "set.h5", "x"):
        (place / other).write_bytes(b"1,2,3\n")
    load(place / "set")
    given = place / name.partition("/")[0]
    assert str(place / name) in without_permission(place / name, lambda: load(given))


def test_a_folder_without_permission_in_inkwash_data_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "MNIST" / "raw").mkdir(parents=True)
    monkeypatch.setenv("INKWASH_DATA", str(place))
    assert str(place / "MNIST" / "raw") in without_permission(place / "MNIST" / "raw", lambda: load("mnist"))


def test_a_parquet_file_without_permission_is_named(place: Path) -> None:
    pytest.importorskip("pyarrow.parquet")
    (place / "set.parquet").write_bytes(b"PAR1")
    assert str(place / "set.parquet") in without_permission(place / "set.parquet", lambda: load(place / "set.parquet"))


def zipped(path: Path, files: dict[str, Path]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in files.items():
            archive.write(file, name)
    return path


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    zipped(tmp_path / "empty.zip", {})
    with zipfile.ZipFile(tmp_path / "folders.zip", "w") as archive:
        archive.writestr("a/", "")
        archive.writestr("b/", "")
    for name, mode in (("empty.tar", "w"), ("empty.tar.gz", "w:gz")):
        tarfile.open(tmp_path / name, mode).close()  # type: ignore[call-overload]
    for name in ("empty.zip", "folders.zip", "empty.tar", "empty.tar.gz"):
        error = raised(lambda path=tmp_path / name: load(path))
        assert error.code == "missing-file" and "empty" in str(error) and "inkwash-" not in str(error).split(name)[-1]


def test_an_archive_within_an_archive_is_read_and_several_are_not(tmp_path: Path) -> None:
    folder = make(tmp_path / "set", {"a/0.png": 10, "b/0.png": 20})
    inner = zipped(tmp_path / "inner.zip", {name: folder / name for name in ("a/0.png", "b/0.png")})
    found = load(zipped(tmp_path / "outer.zip", {"download/inner.zip": inner}))
    assert found.classes == ("a", "b") and found.values[:, 0, 0, 0].tolist() == [10, 20]
    two = zipped(tmp_path / "two.zip", {"train.zip": inner, "test.zip": inner})
    error = raised(lambda: load(two))
    assert error.code == "conflict" and f"{two}/train.zip" in str(error) and "unpack the archive" in str(error)
    third = zipped(tmp_path / "third.zip", {"outer.zip": tmp_path / "outer.zip"})
    assert code_and_field(lambda: load(third)) == ("too-large", "data")


def test_thousands_of_classes_are_read(tmp_path: Path) -> None:
    count = 2_000
    for k in range(count):
        (tmp_path / "set" / str(k)).mkdir(parents=True)
    make(tmp_path / "set", {"0/a.png": 7, "1999/a.png": 9})
    one = (tmp_path / "set" / "0" / "a.png").read_bytes()
    for k in range(1, count - 1):
        (tmp_path / "set" / str(k) / "a.png").write_bytes(one)
    found = load(tmp_path / "set")
    assert found.classes == tuple(map(str, range(count))) and found.labels is not None
    assert found.labels.tolist() == [*range(count)] and found.values[:, 0, 0, 0].tolist() == [7] * (count - 1) + [9]
