"""docs/data.md has a row for every form of data that is read."""

from __future__ import annotations

import re
from pathlib import Path

from inkwash.data import image_folder
from inkwash.data.registry import DATASETS, PUBLISHED_SETS, READERS

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_every_reader_has_a_row() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|", TEXT, re.MULTILINE)
    assert sorted(rows) == sorted(reader.name for reader in (*READERS, image_folder.READER))


def test_every_published_data_set_is_named() -> None:
    assert set(PUBLISHED_SETS) <= set(DATASETS) and all(f"`{name}`" in TEXT for name in PUBLISHED_SETS)
