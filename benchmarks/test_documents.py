"""The generated documents equal those that the scripts write from the stored results."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from inkwash.lab import EXPERIMENTS

ROOT = Path(__file__).parents[1]


def written_by(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[Path, str]:
    """Return the documents that a script would write."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    script = importlib.import_module(name)
    written: dict[Path, str] = {}
    monkeypatch.setattr(script, "write_text", lambda path, text: written.update({path: text}))
    script.main(documents=True)
    return written


@pytest.mark.slow
def test_tables_of_results_equal_the_stored_results(monkeypatch: pytest.MonkeyPatch) -> None:
    written = written_by("results", monkeypatch)
    assert {path.name for path in written} == {"results.md", "results.csv", "quality.json", "README.md", "words.md"}
    assert {path: path.read_text(encoding="utf-8") for path in written} == written
    table = written[ROOT / "README.md"].partition("written by benchmarks/results.py -->")[2].partition("<!--")[0]
    assert len(table.strip().splitlines()) == 2 + 4 + 1


def test_verdicts_on_the_claims_equal_the_stored_results(monkeypatch: pytest.MonkeyPatch) -> None:
    written = written_by("claims", monkeypatch)
    assert {path: path.read_text(encoding="utf-8") for path in written} == written
    overview = written[ROOT / "docs" / "lab" / "README.md"]
    assert all(each.hypothesis in overview for each in EXPERIMENTS.values())
