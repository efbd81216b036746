"""Many at once, in short: whoever asks gets a drawing or a polite "busy", and the server answers at once afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_fifty_clients_see_drawings_or_busy_and_nothing_else(tmp_path: Path) -> None:
    asked = ["--clients", "50", "--seconds", "3", "--images", "8", "--model", "digits"]
    command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), *asked]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    found = json.loads(done.stdout)
    assert set(found["answers"]) <= {"drawn", "busy"} and found["answers"]["drawn"] > 0
    # more came than may wait
    assert found["answers"]["busy"] > 0
    assert found["seconds to a drawing afterwards"] > 0
