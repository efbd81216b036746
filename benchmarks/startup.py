"""Compare the start of `inkwash sample -n 64` with `import torch` alone, in turn, each in a process of its own.

    python benchmarks/startup.py                    # seconds, two threads or as many as there are cores
    python benchmarks/startup.py --cpu --threads 1  # seconds of the processor, on a busy machine

Prints medians and quartiles: the whole processes, the time from the first network evaluation to the end of the last, and
what the command takes besides that and `import torch`. Differences are taken in each turn, so that a change of the
machine's speed cancels. The first turn, which fills the cache of the disk, is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ALONE = "import torch"
COMMAND = """
import sys, time
clock = getattr(time, sys.argv.pop(1))
evaluations = []
def mark(*values):
    evaluations.append(clock())
class Finder:
    # Sets the hooks when the command has imported torch.
    def find_spec(self, name, path=None, target=None):
        if name == "inkwash.model":
            sys.meta_path.remove(self)
            from torch.nn.modules import module
            module.register_module_forward_pre_hook(mark)
            module.register_module_forward_hook(mark)
sys.meta_path.insert(0, Finder())
from inkwash.cli import main
try:
    main()
finally:
    print(evaluations[-1] - evaluations[0])
"""
"""`inkwash`, which prints the seconds from the start of its first network evaluation to the end of its last one."""


def run(cpu: bool, program: str, *arguments: str) -> tuple[float, str]:
    """Return the seconds of a Python process, by the clock or of the processor, and its output."""
    begun = time.perf_counter()
    command = [sys.executable, "-c", program, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the process ended with exit code {process.returncode}: {' '.join(arguments)}")
    return (used.ru_utime + used.ru_stime) if cpu else time.perf_counter() - begun, output


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=11)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument(
        "--cpu", action="store_true", help="measure the seconds of the processor instead of the clock's"
    )
    given = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        words = ["sample", "-n", "64", "-o", str(Path(place) / "x.png"), "--threads", str(given.threads)]
        for turn in range(given.turns + 1):
            alone, _ = run(given.cpu, ALONE)
            whole, printed = run(given.cpu, COMMAND, "process_time" if given.cpu else "perf_counter", *words)
            figures = {
                "import torch": alone,
                f"inkwash {' '.join(words[:3])}": whole,
                "  of it evaluations": float(printed),
                "  without them and import torch": whole - float(printed) - alone,
            }
            for name, seconds in figures.items() if turn else ():
                rows.setdefault(name, []).append(seconds)
    print(f"{'processor seconds' if given.cpu else 'seconds':32} {'median':>7}  quartiles")
    for name, found in rows.items():
        low, median, high = statistics.quantiles(found, n=4, method="inclusive")
        print(f"{name:32} {median:7.2f}  {low:.2f}-{high:.2f}")


if __name__ == "__main__":
    main()
