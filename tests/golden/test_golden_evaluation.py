"""Scores of `evaluate` on fixed files equal the stored ones.

To 1e-6 in the environment in which they were computed, to 1e-3 with other vector instructions or another torch.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from golden_cases import EVALUATION, EVALUATIONS, EVALUATIONS_WITH_MNIST, evaluate
from golden_compare import RELATIVE, compare_figures, environment

pytestmark = pytest.mark.slow

MNIST = os.environ.get("INKWASH_DATA")
STORED = json.loads(EVALUATION.read_text(encoding="utf-8"))
TOLERANCE = RELATIVE if STORED["environment"] == environment() else 1e-3


@pytest.mark.parametrize("name", EVALUATIONS)
def test_figures_equal_the_stored_ones(name: str, inputs: Path) -> None:
    assert compare_figures(STORED[name], evaluate(EVALUATIONS[name], inputs), TOLERANCE) == []


@pytest.mark.skipif(MNIST is None, reason="INKWASH_DATA does not name a folder with MNIST's four IDX files")
@pytest.mark.parametrize("name", EVALUATIONS_WITH_MNIST)
def test_figures_beside_mnist_equal_the_stored_ones(name: str, inputs: Path) -> None:
    found = evaluate(EVALUATIONS_WITH_MNIST[name], inputs, "--data", str(MNIST))
    assert compare_figures(STORED[name], found, TOLERANCE) == []


def test_a_figure_off_by_a_millionth_is_found() -> None:
    figures = STORED["labelled"]
    path = max(figures, key=lambda each: abs(figures[each]))
    assert compare_figures(figures, figures | {path: figures[path] * (1 + 2e-6)}) != []
    assert compare_figures(figures, {key: value for key, value in figures.items() if key != path}) != []
