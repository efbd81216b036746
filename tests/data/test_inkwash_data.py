"""INKWASH_DATA may be any layout; where it lacks what is asked for, that is printed; placeholders of files are named."""

from __future__ import annotations

import hashlib
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inkwash.data import load, load_offline, mnist
from inkwash.data.mnist_variants import FILES, PUBLISHED
from inkwash.errors import InkwashError, UsageError
from inkwash.io import cache

AssertRefused = Callable[..., None]
NAMES = [name.removesuffix(".gz") for name in FILES]


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


IMAGES = {name: np.full((2, 1, 1), level, np.uint8) for name, level in (("mnist", 7), ("fashion-mnist", 9))}


def write_set(folder: Path, name: str) -> None:
    """Write two images of one pixel as the data set `name`."""
    folder.mkdir(parents=True)
    for file in NAMES:
        array = IMAGES[name] if "images" in file else np.arange(2, dtype=np.uint8)
        (folder / file).write_bytes(idx(array))


@pytest.fixture(autouse=True)
def tiny_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sets of `write_set` be the published ones."""
    labels = hashlib.sha256(idx(np.arange(2, dtype=np.uint8))).hexdigest()
    for name, images in IMAGES.items():
        sums = (hashlib.sha256(idx(images)).hexdigest(), labels)
        monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], unpacked=sums, mirrors=()))


@pytest.mark.parametrize("place", ["", "data", "data/MNIST", "data/MNIST/raw"])
def test_a_published_set_is_found_in_a_torchvision_root_beside_others(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "own" / "data" / "MNIST" / "raw", "mnist")
    write_set(tmp_path / "own" / "data" / "FashionMNIST" / "raw", "fashion-mnist")
    (tmp_path / "own" / "data" / "cifar-10-batches-py").mkdir()
    (tmp_path / "own" / "data" / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x04.")
    monkeypatch.setenv("INKWASH_DATA", str(tmp_path / "own" / place))
    for given in ("mnist", "MNIST"):
        data = load(given)
        assert data.name == "mnist" and data.values.flatten().tolist() == [7, 7]
    if place in ("", "data"):
        assert load("FashionMNIST").values.flatten().tolist() == [9, 9]
        offline = load_offline("fashion_mnist")
        assert offline is not None and offline.name == "fashion-mnist"
    assert not cache.folder().exists() and capsys.readouterr().err == ""


def test_a_published_set_is_found_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "own" / "MNIST" / "raw", "mnist")
    packed = shutil.make_archive(str(tmp_path / "all" / "MNIST"), "gztar", tmp_path / "own")
    for place in (packed, Path(packed).parent):
        monkeypatch.setenv("INKWASH_DATA", str(place))
        assert load("mnist").values.flatten().tolist() == [7, 7]
    assert load(None).name == "mnist"


@pytest.mark.parametrize("inside", [True, False])
def test_the_arrays_of_a_published_set_are_that_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """Keras' mnist.npz holds the images of MNIST in the same order."""
    write_set(tmp_path / "idx", "mnist")
    expected = load(tmp_path / "idx")
    monkeypatch.setitem(PUBLISHED, "mnist", replace(PUBLISHED["mnist"], dataset_sha256=expected.sha256))
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "mnist.npz"
    part = {"images": IMAGES["mnist"], "labels": np.arange(2, dtype=np.uint8)}
    np.savez(file, x_train=part["images"], y_train=part["labels"], x_test=part["images"], y_test=part["labels"])
    monkeypatch.setenv("INKWASH_DATA", str(file.parent if inside else file))
    data = load("mnist")
    assert data.sha256 == expected.sha256 and data.name == "mnist" and len(data.classes) == 10
    np.savez(file, x_train=part["images"] + 1, y_train=part["labels"])
    with pytest.raises(InkwashError) as error:
        load("mnist")
    assert error.value.code == "download"


def test_a_set_that_inkwash_data_lacks_is_not_downloaded_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "my data" / "raw", "fashion-mnist")
    monkeypatch.setenv("INKWASH_DATA", str(tmp_path / "my data"))
    with pytest.raises(InkwashError) as error:
        load("mnist")
    assert error.value.code == "download"
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1 and "no mnist" in said and "downloaded" in said and f"--data '{tmp_path}/my data'" in said
    )
    monkeypatch.setattr(mnist, "cached_download", lambda download: tmp_path / "cached")
    write_set(tmp_path / "cached", "mnist")
    assert load("mnist").values.flatten().tolist() == [7, 7]
    assert "no mnist" in (said := capsys.readouterr().err) and "cache" in said
    assert load_offline("mnist") is not None and capsys.readouterr().err == ""


def test_a_damaged_copy_is_an_error_unless_there_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "own" / "a", "mnist")
    (tmp_path / "own" / "a" / NAMES[0]).write_bytes(b"")
    monkeypatch.setenv("INKWASH_DATA", str(tmp_path / "own"))
    with pytest.raises(InkwashError) as error:
        load("mnist")
    assert error.value.code == "damaged-file"
    write_set(tmp_path / "own" / "b", "mnist")
    assert load("mnist").values.flatten().tolist() == [7, 7]


def test_inkwash_data_that_does_not_exist_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_DATA", str(tmp_path / "none"))
    with pytest.raises(UsageError) as error:
        load("mnist")
    assert (error.value.code, error.value.field) == ("missing-file", "INKWASH_DATA")


def test_a_name_spelt_otherwise_is_a_folder_where_there_is_one(tmp_path: Path) -> None:
    write_set(Path("MNIST") / "raw", "mnist")
    write_set(Path("Fashion_MNIST"), "mnist")
    assert load("MNIST").values.flatten().tolist() == [7, 7]
    assert load("Fashion_MNIST").name == "mnist"


PLACEHOLDERS = {
    "web page": (b"\n<!DOCTYPE html><title>404</title>", "web page"),
    "S3": (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
        "error message of a server",
    ),
    "GitHub": (b"404: Not Found", "error message of a server"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    "annex": (b"../.git/annex/objects/xK/8w/SHA256E-s1.gz\n", "git annex get"),
}


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize(
    "name",
    [NAMES[0], NAMES[1], f"{NAMES[2]}.gz", "set.npy", "set.npz", "set.zip", "set.tar.gz", "set.dat", "dog/1.png"],
)
def test_what_is_stored_in_place_of_data_is_named(
    tmp_path: Path, name: str, placeholder: str, assert_refused: AssertRefused
) -> None:
    content, value = PLACEHOLDERS[placeholder]
    folder = tmp_path / "set"
    if "idx" in name:
        write_set(folder, "mnist")
        (folder / name.removesuffix(".gz")).unlink()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    is_file = name.startswith("set")
    assert_refused(folder / name if is_file else folder, "wrong-file", value, name)
