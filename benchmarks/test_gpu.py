"""The script of all measurements on a GPU, in its short form on the CPU: it writes its results and keeps its deadline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import gpu


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [30.0, 0.0])
def test_short_form_writes_all_parts_and_stops_at_its_deadline(
    minutes: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    gpu.main(data="digits", device="cpu", out=tmp_path, minutes=minutes, short=True)
    results = json.loads((tmp_path / "gpu.json").read_text())
    images = [row["images"] for row in results["fast"]]
    stopped = [row["stopped"] for row in results["fast"]]
    if minutes:
        assert images == [16, 48, 160] and stopped == [False] * 3
        assert [row["batch"] for row in results["one-step"]] == [16, 32]
    else:
        assert images == [16] and stopped == [True] and "one-step" not in results
    table = (tmp_path / "gpu.md").read_text()
    assert len([line for line in table.splitlines() if line.startswith("| fast |")]) == len(images)
