"""An array whose header lost a part of its shape is damage."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from inkwash.io import npz


def test_a_shape_with_one_changed_bit_is_damage() -> None:
    # 5 and 1 are one bit apart: numpy reads 1,000 of 5,000 values and does not reach the checksum
    written = io.BytesIO()
    np.savez(written, values=np.zeros(5000, dtype=np.uint8))
    content = written.getvalue().replace(b"(5000,)", b"(1000,)")
    assert npz.read(written.getvalue())["values"].shape == (5000,)
    with np.load(io.BytesIO(content)) as lenient:
        assert lenient["values"].shape == (1000,)
    with pytest.raises(zipfile.BadZipFile):
        npz.read(content)
