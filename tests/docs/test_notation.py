"""Every module and name in the table of notation exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "notation.md"
ROWS = [
    line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if "| `inkwash." in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].partition(" (")[0])
def test_module_and_names_of_notation_exist(row: list[str]) -> None:
    _, ours, module = row
    place = importlib.import_module(module.strip("`"))
    names = [name for name in re.findall(r"`([A-Za-z_.]+)`", ours) if name not in ("None", "u")]
    for name in names:
        owner, _, member = name.partition(".")
        found = getattr(place, owner)
        assert not member or member in dir(found) or member in getattr(found, "__annotations__", {}), name


def test_notation_has_a_row_for_each_module_of_core() -> None:
    core = {f"inkwash.core.{path.stem}" for path in (PAGE.parents[1] / "src/inkwash/core").glob("[a-z]*.py")}
    assert core <= {row[2].strip("`") for row in ROWS}
