"""A file of arrays is mapped, not read: what lies on the disk can be larger than memory, and is the same set."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from inkwash import data
from inkwash.training.batches import Batches

MANY = 400_000
PROGRAM = """
import json, sys
import torch
from inkwash import data
from inkwash.training.batches import Batches
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024
found = data.load(sys.argv[1])
before = anonymous()
batches = Batches(found, 64, 0, False, 0.0, torch.device("cpu"))
seen = [batches(step).images.sum().item() for step in range(1, 20)]
print(json.dumps([len(found), found.data_std, found.sha256, anonymous() - before]))
"""


def test_a_mapped_set_is_the_set_and_gives_the_same_batches(tmp_path: Path) -> None:
    for shape in ((90, 6, 5), (90, 6, 5, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        np.save(tmp_path / "set.npy", pixels)
        np.savez(tmp_path / "set.npz", images=pixels)
        mapped, held = data.load(tmp_path / "set.npy"), data.load(tmp_path / "set.npz")
        assert torch.equal(mapped.values, held.values)
        assert (mapped.sha256, mapped.data_std) == (held.sha256, held.data_std)
        for step in (1, 7):
            one, other = (Batches(each, 16, 3, False, 0.0, torch.device("cpu"))(step) for each in (mapped, held))
            assert torch.equal(one.images, other.images)
        assert torch.equal(replace(mapped, name="x").resized(3).values, held.resized(3).values)


def test_its_numbers_stay_on_the_disk(tmp_path: Path) -> None:
    made = np.lib.format.open_memmap(tmp_path / "many.npy", "w+", np.uint8, (MANY, 28, 28))
    made[::1000] = 200
    made.flush()
    size = made.nbytes
    del made
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "many.npy")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    count, _, _, grown = json.loads(ended.stdout)
    assert count == MANY and grown < size / 4
