"""The figures that a test plots."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved during the test, whose axes it can inspect."""
    saved: list[Figure] = []
    savefig = Figure.savefig

    def save(figure: Figure, *given: Any, **options: Any) -> None:
        saved.append(figure)
        savefig(figure, *given, **options)

    monkeypatch.setattr(Figure, "savefig", save)
    return saved
