"""Run folders of inkwash 0.1.0, one of each kind of network: they are shown, sampled from, resumed and sampled again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from golden_cases import run
from golden_compare import compare_samples
from golden_runs import NAMES, RUNS, SAMPLES, STEPS, resume, sample, write_colours

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("network", NAMES)
def test_run_of_0_1_0_is_shown(network: str) -> None:
    assert network in run(["show", str(RUNS / network)])


@pytest.mark.parametrize("network", NAMES)
def test_samples_of_a_run_of_0_1_0_equal_the_stored_ones(network: str, tmp_path: Path) -> None:
    with np.load(SAMPLES) as golden:
        assert compare_samples(golden[network], sample(RUNS / network, tmp_path / "samples.npz")) is None


@pytest.mark.parametrize("network", NAMES)
def test_run_of_0_1_0_resumes_and_then_samples_as_stored(network: str, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(RUNS / network, tmp_path / network))
    write_colours(tmp_path / "colours")
    resume(copied, STEPS + 2, tmp_path / "colours")
    events = map(json.loads, (copied / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    assert max(event["step"] for event in events) == STEPS + 2
    with np.load(SAMPLES) as golden:
        assert compare_samples(golden[f"{network}/resumed"], sample(copied, tmp_path / "samples.npz")) is None
