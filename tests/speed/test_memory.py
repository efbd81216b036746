"""Peak memory is that of a fresh process, not of the one that asks."""

from __future__ import annotations

import numpy as np

from inkwash.speed import memory
from inkwash.speed.memory import Errand


def test_what_this_process_holds_does_not_count_for_its_child():
    held = np.ones(2**27)  # a gigabyte, every page of it touched
    found = memory.of(Errand("draw", "digits", "float32", "cpu", "ddim:2"))
    assert found is None or 2**25 < found < held.nbytes


def test_the_peak_rises_with_what_is_held():
    before = memory.most("cpu")
    held = np.ones(2**26)
    after = memory.most("cpu")
    assert before is None or after >= before or held.nbytes == 0
    assert after is None or after >= held.nbytes
