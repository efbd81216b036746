"""Data that is missing, damaged or of another kind: the error names the file."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from outcome import Inkwash
from PIL import Image

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
FEW = ["--set", "network.base=4", "--set", "training.batch=4", "--set", "sampling.preview=ddim:2", "--steps", "2"]


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An IDX data set of 40 images of 8 by 8, which a test damages."""
    rng = np.random.default_rng(0)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / IMAGES).write_bytes(idx(rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)))
    (tmp_path / "mine" / LABELS).write_bytes(idx(np.arange(40, dtype=np.uint8) % 10))
    return tmp_path / "mine"


def zipped(raw: bytes, folder: Path) -> bytes:
    return gzip.compress(raw)[:-20]


DAMAGES: dict[str, tuple[str, Callable[[bytes, Path], bytes], list[str]]] = {
    "cut short": (IMAGES, lambda raw, _: raw[:1000], ["2,560", "984"]),
    "cut in its header": (IMAGES, lambda raw, _: raw[:9], []),
    "too long": (IMAGES, lambda raw, _: raw + b"x", []),
    "a web page": (IMAGES, lambda raw, _: b"<!DOCTYPE html><html>Moved</html>", []),
    "a web page in the labels": (LABELS, lambda raw, _: b"\n<html>Moved</html>", []),
    "of another magic number": (IMAGES, lambda raw, _: b"\0\0\x0d\3" + raw[4:], ["0x00000d03", "0x00000803"]),
    "labels for images": (IMAGES, lambda raw, folder: (folder / LABELS).read_bytes(), ["0x00000801"]),
    "empty": (IMAGES, lambda raw, _: b"", []),
    "half a gzip file": (IMAGES, zipped, []),
    "one label short": (LABELS, lambda raw, _: idx(np.zeros(39, np.uint8)), ["39", "40"]),
    "a label out of range": (LABELS, lambda raw, _: raw[:-1] + b"\xc8", ["200"]),
}


@pytest.mark.parametrize(
    "command", [["train", "simple-unet", "--steps", "1", "--data"], ["show"]], ids=["train", "show"]
)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(damage: str, command: list[str], folder: Path, inkwash: Inkwash) -> None:
    name, spoil, values = DAMAGES[damage]
    (folder / name).write_bytes(spoil((folder / name).read_bytes(), folder))
    outcome = inkwash(*command, folder)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert f"mine/{name}" in outcome.message
    for value in values:
        assert value in outcome.message
    assert not list(Path().glob("runs/*")) and not Path("out").exists()


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_a_missing_file_is_named(name: str, folder: Path, inkwash: Inkwash) -> None:
    (folder / name).unlink()
    outcome = inkwash("train", "simple-unet", "--data", folder)
    assert outcome.code == 1
    assert name in outcome.message


def test_files_of_other_kinds_are_errors(inkwash: Inkwash) -> None:
    np.save("mine.npy", np.zeros((10, 8, 8)))
    Path("mine.txt").write_text("hello")
    Path("empty").mkdir()
    for path, code in (("mine.npy", 1), ("mine.txt", 2), ("empty", 1)):
        outcome = inkwash("train", "simple-unet", "--data", path)
        assert outcome.code == code
        assert path in outcome.message


def test_images_of_two_sizes_are_an_error(inkwash: Inkwash) -> None:
    Path("mine").mkdir()
    for side in (8, 9):
        Image.new("L", (side, side)).save(f"mine/{side}.png")
    outcome = inkwash("train", "simple-unet", "--data", "mine")
    assert outcome.code == 2
    assert "mine/8.png" in outcome.message and "mine/9.png" in outcome.message


@pytest.mark.parametrize("count", [5, 60])
def test_few_images_train_and_are_validated(count: int, inkwash: Inkwash) -> None:
    """Every noise level of the validation loss has an example."""
    Path("few").mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(f"few/{index}.png")
    assert inkwash("train", "simple-unet", "--data", "few", *FEW, "--out", "run", "--quiet").code == 0
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    validation = [row for row in rows if row["kind"] == "held-out"]
    assert np.isfinite(validation[-1]["losses"]).all() and np.isfinite(validation[-1]["loss"])
    assert Path("run/checkpoints/best.safetensors").is_file()


def test_one_image_is_too_few(inkwash: Inkwash) -> None:
    Path("one").mkdir()
    Image.new("L", (8, 8)).save("one/0.png")
    outcome = inkwash("train", "simple-unet", "--data", "one", *FEW)
    assert outcome.code in (1, 2)
    assert "one" in outcome.message
