"""Zip and tar archives of any layout are read as the folder that they hold, and nothing in them leads out of it."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inkwash.data import archive, load
from inkwash.errors import InkwashError

AssertRefused = Callable[..., None]
FORMATS = {"zip": "zip", "tar": "tar", "tar.gz": "gztar", "tar.bz2": "bztar", "tar.xz": "xztar"}


def png(level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 3), level, np.uint8)).save(file, "png")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with a test part, beside a file of another kind."""
    place = tmp_path / "set"
    for name, level in {"training/cat/1.png": 1, "training/dog/2.png": 2, "testing/dog/3.png": 3}.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(png(level))
    (place / "notes.txt").write_text("about")
    return place


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("top", [True, False], ids=["in a folder", "at the top"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_an_archive_is_read_as_its_folder(folder: Path, tmp_path: Path, suffix: str, top: bool) -> None:
    root, base = (folder.parent, folder.name) if top else (folder, ".")
    shutil.make_archive(str(tmp_path / "out" / "pngs"), FORMATS[suffix], root, base)
    data, expected = load(tmp_path / "out" / f"pngs.{suffix}"), load(folder)
    assert data.name == "pngs" and data.classes == ("cat", "dog")
    assert (data.sha256, data.test_sha256) == (expected.sha256, expected.test_sha256)
    assert data.test_labels is not None and data.test_labels.tolist() == [1]
    assert "notes.txt" in data.warning and expected.warning == "1 file was not read: notes.txt"
    assert not list(Path(tempfile.gettempdir()).glob("inkwash-*/pngs"))


def test_images_in_a_folder_named_as_the_archive_have_no_classes(tmp_path: Path) -> None:
    data = load(
        zipped(tmp_path / "pngs.zip", **{"pngs/1.png": png(1), "pngs/2.png": png(2), "__MACOSX/pngs/._1.png": b"x"})
    )
    assert data.labels is None and data.values[:, 0, 0, 0].tolist() == [1, 2] and data.warning == ""


def test_an_archive_in_an_archive_is_read(folder: Path, tmp_path: Path, assert_refused: AssertRefused) -> None:
    inner = shutil.make_archive(str(tmp_path / "mnist_png"), "gztar", folder)
    path = zipped(tmp_path / "archive.zip", **{"mnist_png.tar.gz": Path(inner).read_bytes()})
    assert load(path).sha256 == load(folder).sha256
    for name in ("more.zip", "most.zip"):
        path = zipped(tmp_path / name, **{"inner.zip": path.read_bytes()})
    assert_refused(path, "too-large", "archives within archives")


def test_arrays_in_an_archive_are_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    data = load(zipped(tmp_path / "arrays.zip", **{"mine.npy": file.getvalue()}))
    assert torch.equal(data.values.flatten(), torch.arange(24, dtype=torch.uint8))


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:/out.png"])
def test_a_path_out_of_the_archive_is_refused(tmp_path: Path, name: str, assert_refused: AssertRefused) -> None:
    before = sorted(tmp_path.parent.rglob("*.png"))
    assert_refused(zipped(tmp_path / "bad.zip", **{"a.png": png(1), name: png(2)}), "unsafe-path", "bad.zip")
    path = tar(tmp_path / "bad.tar.gz", (tarfile.TarInfo("a.png"), png(1)), (tarfile.TarInfo(name), png(2)))
    assert_refused(path, "unsafe-path", "bad.tar.gz")
    assert sorted(tmp_path.parent.rglob("*.png")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes, assert_refused: AssertRefused) -> None:
    member = tarfile.TarInfo("b.png")
    member.type, member.linkname = kind, "a.png"
    assert_refused(
        tar(tmp_path / "bad.tar", (tarfile.TarInfo("a.png"), png(1)), (member, b""), mode="w"), "unsafe-path"
    )
    link = zipfile.ZipInfo("b.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr(link, "a.png")
    assert_refused(tmp_path / "bad.zip", "unsafe-path", "b.png")


def test_the_number_of_entries_and_bytes_is_bounded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assert_refused: AssertRefused
) -> None:
    paths = [shutil.make_archive(str(tmp_path / kind), kind, folder) for kind in ("zip", "gztar")]
    for name in ("MAX_ENTRIES", "MAX_BYTES"):
        with monkeypatch.context() as limit:
            limit.setattr(archive, name, 3)
            for path in paths:
                assert_refused(Path(path), "too-large", "more than 3")


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path, assert_refused: AssertRefused) -> None:
    # an extended header that is said to be 8 GB long
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    header[124:136], header[156:157] = b"77777777777\0", tarfile.XHDTYPE
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    path = tmp_path / "bad.tar"
    path.write_bytes(bytes(header) + bytes(2048))
    assert_refused(path, "damaged-file", "bad.tar")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_truncated_archive_is_refused_wherever_it_is_cut(
    folder: Path, tmp_path: Path, suffix: str, assert_refused: AssertRefused
) -> None:
    shutil.make_archive(str(tmp_path / "cut"), FORMATS[suffix], folder)
    path = tmp_path / f"cut.{suffix}"
    complete = path.read_bytes()
    for length in range(1, len(complete) - 1024 if suffix == "tar" else len(complete), 97 if suffix != "tar" else 512):
        path.write_bytes(complete[:length].rstrip(b"\0") if suffix == "tar" else complete[:length])
        with pytest.raises(InkwashError) as error:
            load(path)
        assert error.value.code in ("damaged-file", "wrong-file", "missing-file") and "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_flipped_bit_is_refused_or_changes_nothing(folder: Path, tmp_path: Path, suffix: str) -> None:
    shutil.make_archive(str(tmp_path / "bad"), FORMATS[suffix], folder)
    path, expected = tmp_path / f"bad.{suffix}", load(folder)
    complete, refused = path.read_bytes(), 0
    for at in np.random.default_rng(0).integers(0, len(complete), 60):
        changed = bytearray(complete)
        changed[at] ^= 1 << (at % 8)
        path.write_bytes(changed)
        try:
            data = load(path)
        except InkwashError as error:
            assert "\n" not in str(error) and tempfile.gettempdir() + "/inkwash-" not in str(error)
            refused += 1
        else:
            assert len(data) == len(expected)
    assert refused


def test_an_encrypted_archive_is_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    path = zipped(tmp_path / "bad.zip", **{"a.png": png(1)})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert_refused(path, "unsupported", "encrypted")


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    path = tar(tmp_path / "bad.tgz", (tarfile.TarInfo("a.png"), png(1)), (tarfile.TarInfo("./a.png"), png(2)))
    assert_refused(path, "invalid-data", "a.png")


@pytest.mark.parametrize("name", ["set.7z", "set.rar", "set.tar.zst"])
def test_other_archives_are_named(tmp_path: Path, name: str, assert_refused: AssertRefused) -> None:
    (tmp_path / name).write_bytes(b"7z")
    assert_refused(tmp_path / name, "wrong-file", name)


def test_errors_name_the_file_in_the_archive(tmp_path: Path, assert_refused: AssertRefused) -> None:
    path = zipped(tmp_path / "set.zip", **{"cat/1.png": png(1), "dog/2.png": b"no image"})
    assert_refused(path, "damaged-file", f"{path}/dog/2.png")
