"""Run the first commands of docs/overview.md in a fresh clone while another program takes one core.

    python benchmarks/first_minutes.py --data FOLDER

Prints the seconds and the exit code of each command. A command with --minutes M passes when it ends with code 0 within
M minutes + 10 s; the others pass with code 0. Exits with 1 if one does not. The clone is made from the committed files in
a temporary folder, with its own .venv, and is removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
GRACE = 10.0
"""Seconds that a command may take beyond its --minutes: start of Python, reading of data, pictures at the end."""


def commands(overview: str, data: Path) -> list[str]:
    """Return `make demo` and the commands of the section Start of the overview, but for serve; FOLDER becomes `data`."""
    section = overview.split("\n## Start\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, flags=re.DOTALL)
    lines = [line.split("#", 1)[0].strip() for block in blocks for line in block.splitlines()]
    shown = [line for line in lines if line.startswith("inkwash ") and not line.startswith("inkwash serve")]
    return ["make demo", *(line.replace("FOLDER", shlex.quote(str(data))) for line in shown)]


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Keep `count` cores busy with endless loops."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def limit(command: str) -> float | None:
    """Return the seconds within which `command` must end, None where it names no minutes."""
    minutes = re.search(r"--minutes (\S+)", command)
    return float(minutes[1]) * 60 + GRACE if minutes else None


def main() -> None:
    """Run the commands and exit with 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="MNIST as IDX files")
    parser.add_argument("--busy", type=int, default=1, help="cores that another program takes (default 1)")
    given = parser.parse_args()
    passed = True
    with tempfile.TemporaryDirectory() as place, busy_cores(given.busy):
        clone = Path(place) / "inkwash"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        path = os.pathsep.join((str(clone / ".venv" / "bin"), os.environ["PATH"]))
        print(f"{'seconds':>8} {'at most':>8} {'code':>5}  command")
        for command in commands((clone / "docs" / "overview.md").read_text(encoding="utf-8"), given.data.resolve()):
            begun = time.perf_counter()
            finished = subprocess.run(
                command, shell=True, cwd=clone, env=os.environ | {"PATH": path}, stdout=subprocess.DEVNULL, check=False
            )
            seconds, most = time.perf_counter() - begun, limit(command)
            passed &= finished.returncode == 0 and (most is None or seconds <= most)
            shown = command.replace(str(given.data.resolve()), "FOLDER")
            print(
                f"{seconds:8.1f} {'' if most is None else f'{most:.0f}':>8} {finished.returncode:5}  {shown}",
                flush=True,
            )
    sys.exit(not passed)


if __name__ == "__main__":
    main()
