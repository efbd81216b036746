"""Large arrays and image folders are memory-mapped and give the same data set as those in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from inkwash import data
from inkwash.data import image_file, memory_map
from inkwash.errors import UsageError
from inkwash.io import cache
from inkwash.metrics import memorization
from inkwash.training.batches import Batches

pytestmark = pytest.mark.slow

MANY = 400_000
PROGRAM = """
import json, sys
import torch
from inkwash import data
from inkwash.data import memory_map
from inkwash.training.batches import Batches
memory_map.MAP_THRESHOLD = 1 << 20
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024
before = anonymous()
found = data.load(sys.argv[1])
batches = Batches(found, 4, 0, False, 0.0, torch.device("cpu"))
seen = [batches(step).images.sum().item() for step in range(1, 4)]
print(json.dumps([len(found), found.data_std, found.sha256, anonymous() - before]))
"""


def measured_memory(path: Path) -> tuple[int, int]:
    """Return the number of examples of a set, and the bytes of memory of a process that reads some batches and all values."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    count, _, _, grown = json.loads(ended.stdout)
    return count, grown


def test_a_mapped_data_set_gives_the_same_batches(tmp_path: Path) -> None:
    for shape in ((90, 6, 5), (90, 6, 5, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        np.save(tmp_path / "set.npy", pixels)
        np.savez(tmp_path / "set.npz", images=pixels)
        mapped, in_memory = data.load(tmp_path / "set.npy"), data.load(tmp_path / "set.npz")
        assert torch.equal(mapped.values, in_memory.values)
        assert (mapped.sha256, mapped.data_std) == (in_memory.sha256, in_memory.data_std)
        for step in (1, 7):
            one, other = (Batches(each, 16, 3, False, 0.0, torch.device("cpu"))(step) for each in (mapped, in_memory))
            assert torch.equal(one.images, other.images)
        assert torch.equal(replace(mapped, name="x").resized(3).values, in_memory.resized(3).values)


def test_mapped_values_stay_on_the_disk(tmp_path: Path) -> None:
    made = np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.uint8, (MANY, 28, 28))
    made[::1000] = 200
    made.flush()
    size = made.nbytes
    del made
    count, grown = measured_memory(tmp_path / "many.npy")
    assert count == MANY and grown < size / 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of pictures with a test part: grey ones, and colour in the last of them."""
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    for part, count in (("train", 7), ("test", 3)):
        for name in ("ant", "bee"):
            (tmp_path / "many" / part / name).mkdir(parents=True)
            for k in range(count):
                Image.fromarray(draw.integers(0, 256, (6, 5), dtype=np.uint8)).save(
                    tmp_path / "many" / part / name / f"{k}.png"
                )
    Image.fromarray(draw.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(tmp_path / "many/test/bee/2.png")
    return tmp_path / "many"


def same(one: data.Dataset, other: data.Dataset) -> bool:
    assert one.test_values is not None and other.test_values is not None
    assert one.test_labels is not None and other.test_labels is not None
    equal = torch.equal(one.values, other.values) and torch.equal(one.test_values, other.test_values)
    return equal and one.sha256 == other.sha256 and torch.equal(one.test_labels, other.test_labels)


def test_a_mapped_folder_is_equal_and_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = {size: data.load(folder, size) for size in (None, 4)}
    monkeypatch.setattr(memory_map, "MAP_THRESHOLD", 1)
    for size, expected in in_memory.items():
        assert same(data.load(folder, size), expected)
    decoded: list[Path] = []
    read = image_file.read

    def recorded(path: Path, *arguments: Any) -> Tensor:
        decoded.append(path)
        return read(path, *arguments)

    monkeypatch.setattr(image_file, "read", recorded)
    assert same(data.load(folder), in_memory[None])
    assert len(decoded) == 1, "one image gives the size of all"


def test_changed_images_and_damaged_caches_are_decoded_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_map, "MAP_THRESHOLD", 1)
    before = data.load(folder)
    assert before.test_values is not None
    before = replace(before, values=before.values.clone(), test_values=before.test_values.clone())
    (cached,) = cache.folder().glob("mapped/*.npy")
    changed = bytearray(cached.read_bytes())
    for place in (-1, 20, len(changed) // 2):
        changed[place] ^= 1
        cached.write_bytes(changed)
        assert same(data.load(folder), before)
    cached.write_bytes(cached.read_bytes()[:-5])
    assert same(data.load(folder), before)
    # as many bytes, written at the same moment
    picture = folder / "train/ant/0.png"
    moment = picture.stat().st_mtime_ns
    Image.open(folder / "train/ant/1.png").save(picture)
    os.utime(picture, ns=(moment, moment))
    assert torch.equal(data.load(folder).values[0], before.values[1])
    Image.new("L", (9, 9)).save(picture)
    with pytest.raises(UsageError, match=r"0\.png is 9x9 and .*1\.png is 5x6"):
        data.load(folder)


def test_many_images_stay_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "many").mkdir()
    for k in range(2000):
        Image.new("RGB", (200, 200), (k % 256, 7, 9)).save(tmp_path / "many" / f"{k}.png", compress_level=1)
    count, grown = measured_memory(tmp_path / "many")
    assert count == 2000 and grown < 2000 * 200 * 200 * 3 / 4


def test_resized_large_data_sets_are_mapped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    np.save(tmp_path / "set.npy", np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8))
    expected = data.load(tmp_path / "set.npy", 5).values
    monkeypatch.setattr(memory_map, "MAP_THRESHOLD", 1)
    monkeypatch.setattr(memory_map, "CHUNK_BYTES", 1000)
    assert torch.equal(data.load(tmp_path / "set.npy", 5).values, expected)
    (cached,) = cache.folder().glob("mapped/*-5.npy")
    assert torch.equal(memory_map.open_mapped(cached), expected)


def test_nearest_neighbours_are_equal_when_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 1, 4, 4), dtype=np.uint8)
    pixels[250] = pixels[20]  # the first of two equally near examples counts
    train = data.Dataset("train", torch.from_numpy(pixels))
    queries = train.values[[20, 130, 299]] ^ 1
    distances, rows = memorization.nearest_train_examples(queries, train)
    assert rows.tolist() == [20, 130, 299]
    monkeypatch.setattr(memorization, "MAX_VALUES", 16 * 90)
    some = memorization.nearest_train_examples(queries, train)
    assert torch.equal(some[1], rows) and torch.allclose(some[0], distances, rtol=1e-12)


def test_images_of_the_requested_size_need_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "set.npy", np.zeros((50, 8, 8), np.uint8))
    monkeypatch.setattr(memory_map, "MAP_THRESHOLD", 1)
    monkeypatch.setattr("inkwash.hardware.memory.total_memory", lambda: 100)
    assert data.load(tmp_path / "set.npy", 8).shape == (1, 8, 8)
