"""Counter-based noise for the tests of samplers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from inkwash.core.rng import Stream, normals


@pytest.fixture
def draws() -> Callable[..., Callable[[int], Tensor]]:
    """`draws(count, *shape)` is a source of noise for a sampler, float64 [count, *shape], the same on every run."""

    def source(count: int, *shape: int, seed: int = 0) -> Callable[[int], Tensor]:
        return lambda draw: normals(seed, torch.arange(count), draw, Stream.SAMPLE, shape).double()

    return source
