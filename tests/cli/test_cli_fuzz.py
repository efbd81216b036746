"""Requests that nobody would make, in short: exit code 0, 1 or 2, one line that says why, nothing lost, nothing elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def fuzzed(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz.py"), *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def test_some_hundred_wild_requests_break_nothing(tmp_path: Path) -> None:
    done = fuzzed(tmp_path, "--cases", "120", "--processes", "4", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in one process: 120 requests" in done.stdout
    assert "as a process: 4 requests" in done.stdout
    # what came to its end was not all refused
    assert " 0: " in done.stdout and "begun: " in done.stdout and done.stdout.endswith("0 failures\n")
    assert not list(tmp_path.iterdir())


def test_what_breaks_is_told_with_its_command_line(tmp_path: Path) -> None:
    """A command that cannot keep a promise is found out, whichever it breaks."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fuzz, sandbox; from wild import Case; from pathlib import Path\n"
        "sandbox.furnish = lambda here: (here / 'notes.txt').write_text('mine')\n"
        "def broken(words):\n"
        "    Path('notes.txt').write_text('gone'); Path('../../strayed').write_text('x')\n"
        "    print('Traceback', file=sys.stderr); print('inkwash: unexpected KeyError: 1', file=sys.stderr); return 3\n"
        "with fuzz.sandbox() as place:\n"
        "    fuzz.cli.run = broken; place.write(None); outcome = fuzz.here(Case(['show']), 1)\n"
        "    print(fuzz.faults(outcome) + place.restore(False)); print(outcome.code)\n"
    )
    command = [sys.executable, "-c", program, str(ROOT / "benchmarks")]
    environment = {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    for words in ("ended with 3", "a traceback", "a complaint about itself", "wrote", "strayed", "changed notes.txt"):
        assert words in done.stdout, done.stdout + done.stderr
