"""Child processes: fresh ones, for what only a start from nothing can tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import torch

from inkwash.errors import InkwashError


def python(arguments: Sequence[str]) -> str:
    """Run this Python with `arguments` and as many threads as here; return what it printed.

    Raises `InkwashError` with its last words when it fails.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    child = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if child.returncode:
        said = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise InkwashError(f"a child process failed ({' '.join(arguments)[:100]}): {said[-1]}")
    return child.stdout
