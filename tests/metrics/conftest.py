"""What the tests of measures share: one thread, examples of hypothesis that never change, and counter-based rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.core.noise import Stream, normals


@pytest.fixture
def rows() -> Callable[..., Tensor]:
    """`rows(count, width, seed)` are standard normal features, float64 [count, width], the same on every run."""

    def drawn(count: int, width: int, seed: int = 0) -> Tensor:
        return normals(seed, torch.arange(count), 0, Stream.SAMPLE, (width,)).double()

    return drawn
