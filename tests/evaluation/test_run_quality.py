"""quality.json of a run folder holds one row for each sampler and count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import inkwash
from inkwash import model as models
from inkwash.evaluation import run_quality
from inkwash.evaluation.run_quality import QualityRow
from inkwash.runs.folder import RunFolder

ROW = QualityRow("digits", "digits", 3, "ddim:2", 200, 2.0, 0.5, 4.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("runs") / "run"
    small: dict[str, Any] = {"network__widths": [8, 16], "training__batch": 16, "sampling__preview": "ddim:2"}
    inkwash.train("digits", "digits", folder, "3 steps", **small)
    return RunFolder(folder)


@pytest.mark.slow
def test_evaluation_of_a_run_writes_a_row(run: RunFolder) -> None:
    found = inkwash.evaluate(run.path, n=200, sampler="ddim:2")
    (row,) = run_quality.read(run)
    assert (row.sampler, row.n, row.step, row.evaluations) == ("ddim:2 w 1", 200, 3, 2)
    assert row.times == pytest.approx(found[0]["fd.a"].ratio, abs=1e-3)
    assert row.seconds > 0


def test_a_row_replaces_that_of_the_same_sampler_and_count(run: RunFolder) -> None:
    run.quality.unlink(missing_ok=True)
    model = models.load(run.path)
    run_quality.write(model, [ROW, replace(ROW, sampler="ddim:5")])
    run_quality.write(model, [replace(ROW, times=3.0), replace(ROW, n=1000)])
    assert {(row.sampler, row.n): row.times for row in run_quality.read(run)} == {
        ("ddim:5", 200): 4.0,
        ("ddim:2", 200): 3.0,
        ("ddim:2", 1000): 4.0,
    }


def test_other_models_than_a_runs_latest_write_nothing(run: RunFolder, tmp_path: Path) -> None:
    run.quality.unlink(missing_ok=True)
    only = tmp_path / "copy.safetensors"
    only.write_bytes(run.latest.read_bytes())
    for source in ("digits", only):
        run_quality.write(models.load(source), [ROW])
    run_quality.write(replace(models.load(run.path), path=None), [ROW])
    assert not run.quality.exists() and not (models.find("digits").parent.parent / "quality.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"model": "x"}]', "null"])
def test_a_damaged_file_reads_as_empty(run: RunFolder, text: str) -> None:
    run.quality.write_text(text)
    assert run_quality.read(run) == []
    run_quality.write(models.load(run.path), [ROW])
    assert run_quality.read(run) == [ROW]
