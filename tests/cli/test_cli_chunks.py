"""An interrupted run of many samples: no partial file is left, and existing chunks are not sampled again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome import Inkwash, Runs, UsageErrorOf

from inkwash.sampling import chunks

FLAGS = ("-n", 50, "--steps", 2, "--batch", 10, "-o", "all.npz")
FOLDER = Path("all.npz.parts")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of twenty."""
    monkeypatch.setattr(chunks, "MIN_CHUNK_SIZE", 20)


@pytest.fixture
def interrupted(runs: Runs, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A run of fifty, interrupted by Ctrl-C in its second chunk; returns the list of chunks sampled since."""
    sampled: list[int] = []
    plain = chunks.ChunkFolder.sample

    def broken(self: chunks.ChunkFolder, missing: list[int], batch: int, done: Any) -> None:
        plain(self, missing[:1], batch, done)
        raise KeyboardInterrupt

    monkeypatch.setattr(chunks.ChunkFolder, "sample", broken)
    outcome = inkwash("sample", runs.digits, *FLAGS)
    assert outcome.code == 130 and "resume with --continue" in outcome.err

    def counting(self: chunks.ChunkFolder, missing: list[int], batch: int, done: Any) -> None:
        sampled.extend(missing)
        plain(self, missing, batch, done)

    monkeypatch.setattr(chunks.ChunkFolder, "sample", counting)
    return sampled


def arrays(path: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_a_resumed_run_writes_the_same_file_as_an_uninterrupted_one(
    runs: Runs, inkwash: Inkwash, interrupted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Path("all.npz").exists()
    assert sorted(path.name for path in FOLDER.iterdir()) == ["000000.npz", "draw.json"]
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 0 and "20 of 50 exist already" in outcome.err
    assert interrupted == [1, 2]
    assert not FOLDER.exists()
    monkeypatch.setattr(chunks, "MIN_CHUNK_SIZE", 1000)
    assert inkwash("sample", runs.digits, *FLAGS[:-1], "once.npz").code == 0
    resumed, once = arrays("all.npz"), arrays("once.npz")
    assert resumed.keys() == once.keys()
    assert all((resumed[name] == once[name]).all() for name in once)


def test_an_interrupted_run_is_resumed_only_with_the_flag_and_the_same_settings(
    runs: Runs, inkwash: Inkwash, interrupted: list[int], usage_error: UsageErrorOf
) -> None:
    before = (FOLDER / "000000.npz").read_bytes()
    assert usage_error("sample", runs.digits, *FLAGS) == ("exists", "out")
    assert usage_error("sample", runs.digits, *FLAGS, "--continue", "--seed", 3) == ("mismatch", "out")
    assert usage_error("sample", runs.bees, *FLAGS, "--continue") == ("mismatch", "out")
    assert (FOLDER / "000000.npz").read_bytes() == before and not interrupted


@pytest.mark.parametrize("fraction", [0, 0.3, 0.9, 1])
def test_a_damaged_chunk_is_found_and_sampled_again(
    fraction: float, runs: Runs, inkwash: Inkwash, interrupted: list[int]
) -> None:
    part = FOLDER / "000000.npz"
    content = bytearray(part.read_bytes())
    if fraction < 1:
        del content[int(fraction * len(content)) :]
    else:
        content[len(content) // 2] ^= 1
    part.write_bytes(content)
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 1 and outcome.kind == ("damaged-file", None) and not Path("all.npz").exists()
    assert inkwash("sample", runs.digits, *FLAGS, "--continue").code == 0
    assert interrupted == [1, 2, 0]


def test_a_damaged_record_of_the_run_is_reported(runs: Runs, inkwash: Inkwash, interrupted: list[int]) -> None:
    (FOLDER / "draw.json").write_text("{")
    outcome = inkwash("sample", runs.digits, *FLAGS, "--continue")
    assert outcome.code == 1 and outcome.kind == ("damaged-file", None)


def test_a_restart_by_torchrun_resumes_without_the_flag(
    runs: Runs, inkwash: Inkwash, interrupted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert inkwash("sample", runs.digits, *FLAGS).code == 0
    assert interrupted == [1, 2] and not FOLDER.exists()
