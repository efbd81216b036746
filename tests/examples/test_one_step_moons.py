"""A student of one evaluation, distilled on one page, has nearly the distribution of its teacher of 39."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

PAGE = "one_step_moons"


@pytest.mark.slow
def test_student_has_nearly_the_distribution_of_the_data(example: ModuleType, tmp_path: Path, long: bool) -> None:
    real, teacher, student, untrained = example.main(example.STEPS if long else 300).values()
    # The real points are another sample of the same distribution: their distance is chance.
    assert abs(real) < 3e-4 and abs(teacher) < 3e-4
    assert untrained > 0.1
    assert student < (4e-4 if long else 2e-3)
    assert Image.open(tmp_path / "out" / "one-step-moons.png").size == (384, 384)
