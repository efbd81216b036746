"""Every kind of file, cut short anywhere or with a bit flipped: refused in one line, or what was written, or told apart.

benchmarks/damage.py does the same at more places; here are all cuts and some dozens of bits.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PARTS = ("idx", "arrays", "cifar", "pictures", "texts", "drawn", "records")
BITS = 24


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a folder and a cache of its own, and finds the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INKWASH_DATA", raising=False)


@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_file_is_never_believed(part: str, tmp_path: Path) -> None:
    import damage
    import specimens

    for specimen in getattr(specimens, part)(tmp_path):
        found = damage.damaged(specimen, BITS, 0, random.Random(0), commands=BITS + damage.CUTS, small=0)
        assert found.total() >= damage.CUTS + min(BITS, specimen.file.stat().st_size)
        if specimen.kind != "kept samples":  # those are drawn again
            assert found["refused"] > damage.CUTS // 2, specimen.kind
        if specimen.own:
            assert not found["another set"], specimen.kind


def test_a_run_does_not_go_on_with_a_set_of_which_one_bit_is_another(tmp_path: Path) -> None:
    import damage
    import specimens

    (images, *_) = specimens.idx(tmp_path)
    assert "refuses" in damage.refused_by_a_run(images)


@pytest.mark.parametrize("believed", [{"hash": 1, "value": 2}, {}])
def test_what_is_believed_is_found(believed: dict[str, Any], tmp_path: Path) -> None:
    """The judge of all this has to be able to say no."""
    import damage
    import specimens

    file = tmp_path / "file"
    file.write_bytes(b"content")
    own = not believed
    read = [{"hash": 1, "value": 1}] + [believed or {"value": 2}] * 100
    specimen = specimens.Specimen("a file", file, lambda: read.pop(0), own=own)
    with pytest.raises(damage.HarmedError):
        damage.damaged(specimen, BITS, 0, random.Random(0))


def test_an_array_of_which_the_shape_lost_some_is_damage(tmp_path: Path) -> None:
    """5 and 1 are one bit apart: numpy would read 1,000 of 5,000 and leave the checksum unasked."""
    import io
    import zipfile

    import numpy as np

    from inkwash.io import npz

    whole = io.BytesIO()
    np.savez(whole, values=np.zeros(5000, dtype=np.uint8))
    content = whole.getvalue().replace(b"(5000,)", b"(1000,)")
    assert npz.read(whole.getvalue())["values"].shape == (5000,)
    with np.load(io.BytesIO(content)) as lenient:
        assert lenient["values"].shape == (1000,), "otherwise nobody needs archives.read"
    with pytest.raises(zipfile.BadZipFile):
        npz.read(content)
