"""Compare results with stored values: images to one grey level, numbers to a relative 1e-6.

Float32 sums round differently on other processors and in other versions of torch, and many sampling steps accumulate the
differences; numbers are compared to 1e-6 only in the environment in which they were computed.
"""

from __future__ import annotations

import math
import platform
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GREY_LEVELS = 1
POINT_TOLERANCE = 1e-4
RELATIVE, ABSOLUTE = 1e-6, 1e-9


def compare_samples(golden: NDArray[Any], found: NDArray[Any]) -> str | None:
    """Return how samples differ: of images by more than a grey level, of points by more than 1e-4; None if they do not."""
    if golden.shape != found.shape or golden.dtype != found.dtype:
        return f"{found.dtype} {found.shape} where {golden.dtype} {golden.shape} is stored"
    largest = float(np.abs(golden.astype(np.float64) - found.astype(np.float64)).max())
    allowed = GREY_LEVELS if golden.dtype == np.uint8 else POINT_TOLERANCE
    return f"largest difference {largest:g}, allowed {allowed:g}" if not largest <= allowed else None


def compare_figures(golden: dict[str, float], found: dict[str, float], relative: float = RELATIVE) -> list[str]:
    """Return the figures that differ, one message each; also of those that are on one side only."""
    wrong = [
        f"{path} is only {'stored' if path in golden else 'found'}" for path in sorted(golden.keys() ^ found.keys())
    ]
    for path in sorted(golden.keys() & found.keys()):
        if not math.isclose(golden[path], found[path], rel_tol=relative, abs_tol=ABSOLUTE):
            wrong.append(f"{path}: {found[path]!r}, stored {golden[path]!r}")
    return wrong


def environment() -> dict[str, str]:
    """Return the properties of the environment that the rounding of sums depends on."""
    return {"torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability(), "machine": platform.machine()}
