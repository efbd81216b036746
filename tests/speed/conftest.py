"""What the tests of speed share: one thread, and a clock that only work moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

torch.set_num_threads(1)


class FakeClock:
    """Stands still but for `takes(seconds)`, which is work that takes exactly so long."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def takes(self, *seconds: float) -> Callable[[], None]:
        """Return work that takes each of the `seconds` in turn, and the last of them ever after."""
        left = list(seconds)

        def work() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return work


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
