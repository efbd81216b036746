"""Memory: requests that cannot fit are refused, and errors for exhausted memory are recognized."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from inkwash.errors import UsageError
from inkwash.hardware import memory


@pytest.mark.parametrize(
    "allocate", [lambda: torch.empty(2**60), lambda: np.empty(2**50, np.uint8), lambda: bytearray(2**60)]
)
def test_errors_for_exhausted_memory_are_recognized(allocate: Callable[[], object]) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        allocate()
    assert memory.is_out_of_memory(caught.value)


def test_other_errors_are_not_exhausted_memory() -> None:
    assert not any(memory.is_out_of_memory(error) for error in (RuntimeError("shapes"), ValueError("out of memory")))


def test_a_request_beyond_memory_is_refused() -> None:
    memory.require(1, "a byte", "give less")
    with pytest.raises(UsageError) as error:
        memory.require(10**400, "a grid", "give fewer", "n")
    assert (error.value.code, error.value.field) == ("too-large", "n")
