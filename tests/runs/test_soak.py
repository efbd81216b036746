"""Training and drawing in turn, in short: no open file, no thread and no tensor more than before."""

from __future__ import annotations

import gc
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import soak


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells what a process holds")
def test_nothing_is_held_that_was_not_held_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(soak, "LARGE", 2)
    held = []
    for _ in islice(soak.turns("digits", [], 2), 4):
        gc.collect()
        tensors = sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
        held.append((soak.held().files, soak.held().threads, tensors))
    # every second turn is a large one
    assert held[3] == held[1]
