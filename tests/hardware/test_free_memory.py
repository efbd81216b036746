"""Memory: what cannot fit is refused before the system ends the process, and what ran out is recognised."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inkwash.errors import UsageError
from inkwash.hardware import memory


@pytest.mark.parametrize(
    "allocate", [lambda: torch.empty(2**60), lambda: np.empty(2**50, np.uint8), lambda: bytearray(2**60)]
)
def test_errors_for_exhausted_memory_are_recognised(allocate) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate()
    assert memory.exhausted(caught.value)


def test_other_errors_are_not_exhausted_memory() -> None:
    assert not any(memory.exhausted(error) for error in (RuntimeError("shapes"), ValueError("out of memory")))


def test_the_error_for_a_request_beyond_memory_has_the_advice() -> None:
    memory.require(1, "a byte", "have none")
    with pytest.raises(UsageError, match=r"a mountain takes .* GB of memory.*: climb it"):
        memory.require(10**400, "a mountain", "climb it")
