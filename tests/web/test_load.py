"""A short load test: every request is sampled or refused as busy, and the server responds afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_fifty_clients_get_samples_or_busy(tmp_path: Path) -> None:
    options = ["--clients", "50", "--seconds", "3", "--images", "8", "--model", "digits"]
    command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    found = json.loads(done.stdout)
    assert set(found["answers"]) <= {"sampled", "busy"} and found["answers"]["sampled"] > 0
    # More requests than the queue holds.
    assert found["answers"]["busy"] > 0
    assert found["seconds to a sample afterwards"] > 0
