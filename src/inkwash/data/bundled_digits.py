"""The 1,797 real 8 by 8 digits bundled with inkwash (Alpaydin and Kaynak 1998, UCI; CC BY 4.0)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inkwash.data import array_file
from inkwash.data.dataset import Dataset

FILE = Path(__file__).with_name("digits.npz")


def load() -> Dataset:
    """Return 1,500 training and 297 test digits, uint8 `[N, 1, 8, 8]`; see digits-attribution.txt."""
    return replace(
        array_file.read(FILE),
        note="Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak 1998, UCI; CC BY 4.0",
    )
