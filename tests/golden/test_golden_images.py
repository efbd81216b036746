"""Samples of every bundled model equal the stored ones, to one grey level (float32; points to 1e-4).

Of samplers with hundreds of evaluations only the first image is compared here, all eight by `write.py --check`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from golden_cases import CASES, COUNT, HASHES, IMAGES, LONG, SHORT_COUNT
from golden_compare import compare_samples

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", CASES)
def test_samples_equal_the_stored_ones(name: str, inputs: Path) -> None:
    count = SHORT_COUNT if name in LONG else COUNT
    with np.load(IMAGES) as golden:
        stored = golden[name][:count] if name in LONG else golden[name]
    assert compare_samples(stored, CASES[name].run(inputs, count)) is None


def test_stored_samples_have_the_stored_hashes() -> None:
    hashes = json.loads(HASHES.read_text(encoding="utf-8"))
    with np.load(IMAGES) as golden:
        assert {name: hashlib.sha256(golden[name].tobytes()).hexdigest() for name in golden} == hashes
    assert set(hashes) == set(CASES)


def test_one_changed_pixel_is_found() -> None:
    with np.load(IMAGES) as golden:
        stored = golden["digits/ddim:10"]
    changed = stored.copy()
    changed[3, 4, 4] ^= 2
    assert compare_samples(stored, changed) is not None
    assert compare_samples(stored, stored[:7]) is not None
