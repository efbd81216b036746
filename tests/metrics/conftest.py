"""Fixture of the metrics tests: reproducible normal features."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.core.rng import Stream, normals


@pytest.fixture
def rows() -> Callable[..., Tensor]:
    """Return a function to standard normal features, float64 [count, width], reproducible by seed."""

    def normal_rows(count: int, width: int, seed: int = 0) -> Tensor:
        return normals(seed, torch.arange(count), 0, Stream.SAMPLE, (width,)).double()

    return normal_rows
