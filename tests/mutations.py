"""Apply the one-line faults of mutations.toml to copies of inkwash, one at a time, and report which of them the tests find.

    python tests/mutations.py                      all faults
    python tests/mutations.py heun kid-cube        some of them
    python tests/mutations.py --package metrics    those in one package
    python tests/mutations.py --list               check the table only

The exit code is 1 when a fault survives, when a text is not found exactly once, when a test file is missing, or when a
fault prevents the import of the package, so that it tests nothing. The tests are first run without a fault, unless --trust
is given.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "inkwash"
LIMIT = 600
"""Seconds after which a run of tests counts as failed, because a fault may cause an endless loop."""


class Fault(NamedTuple):
    """A fault called `name`: `text` becomes `replacement`, and one of `tests` should fail."""

    name: str
    text: str
    replacement: str
    tests: tuple[str, ...]


FAULTS = [
    Fault(name, text, replacement, tuple(tests.split()))
    for tests, faults in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items()
    for name, (text, replacement) in faults.items()
]


def main() -> int:
    """Apply the faults that the command line selects, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="faults to apply; default: all")
    parser.add_argument("--package", help="apply the faults in this package of inkwash only, as in 'core'")
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of copies of the package that are tested in parallel"
    )
    parser.add_argument("--trust", action="store_true", help="do not run the tests without a fault first")
    parser.add_argument(
        "--list", action="store_true", help="check that every text is found once and every test file exists"
    )
    given = parser.parse_args()
    if unknown := set(given.names) - {fault.name for fault in FAULTS}:
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    chosen = [fault for fault in FAULTS if not given.names or fault.name in given.names]
    if given.package:
        chosen = [fault for fault in chosen if any(path.parts[0] == given.package for path in _places(fault.text))]
    misplaced = [line for fault in chosen if (line := _misplaced(fault))]
    files = {test.partition("::")[0] for fault in chosen for test in fault.tests}
    missing = [f"{file}: no such file" for file in sorted(files) if not (ROOT / file).exists()]
    if misplaced or missing or given.list:
        print(*misplaced, *missing, sep="\n", end="\n" * bool(misplaced or missing))
        print(f"{len(chosen) - len(misplaced)} of {len(chosen)} texts are found exactly once")
        return int(bool(misplaced or missing))
    with tempfile.TemporaryDirectory() as folder:
        return _run(chosen, given.jobs, given.trust, Path(folder))


def _run(chosen: list[Fault], jobs: int, trust: bool, folder: Path) -> int:
    ignored = shutil.ignore_patterns("__pycache__")
    copies = [Path(shutil.copytree(PACKAGE, folder / str(job) / "inkwash", ignore=ignored)) for job in range(jobs)]
    _preload()
    if not trust:
        for tests in dict.fromkeys(fault.tests for fault in chosen):
            if os.waitstatus_to_exitcode(os.waitpid(_start(tests, copies[0].parent), 0)[1]) != 0:
                print(f"{' '.join(tests)} fails without a fault")
                return 1
    verdicts: dict[str, str] = {}
    running: dict[int, tuple[Fault, Path, float]] = {}
    waiting = list(reversed(chosen))
    while waiting or running:
        if waiting and copies:
            fault, copy = waiting.pop(), copies.pop()
            _replace(copy, fault.text, fault.replacement)
            running[_start(fault.tests, copy.parent)] = fault, copy, time.perf_counter()
            continue
        child, status = os.wait()
        fault, copy, begun = running.pop(child)
        shutil.copy(*(root / _place(fault.text) for root in (PACKAGE, copy)))
        copies.append(copy)
        verdicts[fault.name] = _verdict(os.waitstatus_to_exitcode(status))
        print(f"{verdicts[fault.name]:9} {time.perf_counter() - begun:6.1f} s  {fault.name}", flush=True)
    for wrong in ("survived", "invalid"):
        if names := [name for name, found in verdicts.items() if found == wrong]:
            print(f"{wrong}: {', '.join(names)}")
    killed = list(verdicts.values()).count("killed")
    print(f"{killed} of {len(chosen)} faults killed")
    return int(killed < len(chosen))


def _places(text: str) -> list[Path]:
    """Return the file of each occurrence of `text`, relative to the package."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [path.relative_to(PACKAGE) for path in files for _ in range(path.read_text(encoding="utf-8").count(text))]


def _place(text: str) -> Path:
    (path,) = _places(text)
    return path


def _misplaced(fault: Fault) -> str | None:
    places = _places(fault.text)
    if len(places) == 1:
        return None
    files = ", ".join(map(str, places))
    return f"{fault.name}: '{fault.text}' is found {len(places)} times{f' ({files})' if files else ''}"


def _replace(copy: Path, text: str, replacement: str) -> None:
    path = copy / _place(text)
    path.write_text(path.read_text(encoding="utf-8").replace(text, replacement), encoding="utf-8")


def _verdict(code: int) -> str:
    """Return the meaning of an exit code of pytest; a negative one is a signal, such as that of the time limit."""
    return "killed" if code == 1 or code < 0 else "survived" if code == 0 else "invalid"


def _preload() -> None:
    """Import the packages that inkwash and its tests use, so that the children share them; imports take most of the time."""
    for name in ("torch", "numpy", "scipy.stats", "matplotlib.pyplot", "PIL.Image", "hypothesis", "safetensors.torch"):
        importlib.import_module(name)
    for name in ("diffusers", "torchmetrics", "prdc", "cyclopts", "pydantic", "rich.progress", "pooch"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    torch.set_num_threads(1)


def _start(tests: tuple[str, ...], path: Path) -> int:
    """Fork a child that runs `tests` with the package in `path` and exits with pytest's code; return its process id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(LIMIT)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    os.chdir(ROOT)
    sys.path.insert(0, str(path))
    # Without bytecode, because a changed file of the same second and size would not be recompiled.
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]))


if __name__ == "__main__":
    sys.exit(main())
