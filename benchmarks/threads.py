"""Compare settings of OpenMP's threads: training steps of several processes in turn, on a free and on a busy machine.

    python benchmarks/threads.py --data FOLDER            # nothing else running
    python benchmarks/threads.py --data FOLDER --busy 1   # one core taken by an endless loop

Every setting trains `fast` in a separate process. The processes take turns of two steps, so that the speed of the
machine changes for all of them alike. Prints the median of the seconds of a step and its ratio to that of `default`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from first_minutes import busy_cores

SETTINGS: dict[str, dict[str, str]] = {
    "default": {"GOMP_SPINCOUNT": "300000"},
    "GOMP_SPINCOUNT=10000 (inkwash)": {"GOMP_SPINCOUNT": "10000"},
    "GOMP_SPINCOUNT=3000": {"GOMP_SPINCOUNT": "3000"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
"""Environment variables of each setting; 300,000 is libgomp's own number of spins."""

STEPS = 2
CHILD = f"""
import sys, time
import inkwash
from inkwash.config import recipe
from inkwash.hardware import devices
from inkwash.training.trainer import Trainer
devices.configure()
steps = iter(Trainer(recipe.load("fast").with_changes(['training.length="1000000 steps"']), sys.argv[1], device="cpu").steps())
next(steps)
print("ready", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    for _ in range({STEPS}):
        next(steps)
    print((time.perf_counter() - start) / {STEPS}, flush=True)
"""


def child(data: str, variables: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process that trains `STEPS` steps for every line that it reads, and wait until it is ready."""
    unset = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset} | variables
    command = [sys.executable, "-c", CHILD, data]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"the process with {variables} ended before its first step")
    return process


def turn(process: subprocess.Popen[str]) -> float:
    """Return the seconds of a step in the next turn of `process`."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    """Print the table of all settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="MNIST as IDX files")
    parser.add_argument("--busy", type=int, default=0, help="cores that endless loops take (default 0)")
    parser.add_argument("--turns", type=int, default=15)
    given = parser.parse_args()
    processes = {name: child(given.data, variables) for name, variables in SETTINGS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in SETTINGS}
    try:
        with busy_cores(given.busy):
            for _ in range(given.turns):
                for name, process in processes.items():
                    seconds[name].append(turn(process))
    finally:
        for process in processes.values():
            process.kill()
    base = statistics.median(seconds["default"])
    print(f"{'setting':32} {'ms / step':>9} {'ratio':>6}")
    for name, found in seconds.items():
        median = statistics.median(found)
        print(f"{name:32} {1000 * median:9.1f} {median / base:6.2f}")


if __name__ == "__main__":
    main()
