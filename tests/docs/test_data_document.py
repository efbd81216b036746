"""docs/data.md has a row for every form of data that is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from inkwash.data import image_folder, load, unread_forms
from inkwash.data.registry import DATASETS, PUBLISHED_SETS, READERS

UNREAD = "## What is not read"
TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_every_reader_has_a_row() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \|", TEXT.partition(UNREAD)[0], re.MULTILINE)
    assert sorted(rows) == sorted(reader.name for reader in (*READERS, image_folder.READER))


def test_every_published_data_set_is_named() -> None:
    assert set(PUBLISHED_SETS) <= set(DATASETS) and all(f"`{name}`" in TEXT for name in PUBLISHED_SETS)


def test_every_form_that_is_not_read_has_a_row_with_its_remedy() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \| (.+) \|$", TEXT.partition(UNREAD)[2], re.MULTILINE)
    forms = [(form.name, form.remedy) for form in unread_forms.UNREAD_FORMS]
    assert [(name, remedy.replace("`", "")) for name, _, remedy in rows] == forms
    for form, (name, files, _) in zip(unread_forms.UNREAD_FORMS, rows, strict=True):
        for file in re.findall(r"`(.+?)`", files) if form is not unread_forms.OBJECTS else ():
            found = unread_forms.first_of([Path(f"set{file}" if file.startswith(".") else file)])
            assert found is form, (name, file)


def test_the_program_that_sorts_images_by_their_labels_makes_folders_of_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("images").mkdir()
    labels = ["cat", "dog", "cat"]
    for k in range(len(labels)):
        Image.new("L", (8, 8), 80 * k).save(f"images/{k}.png")
    Path("labels.csv").write_text("filename,label\n" + "".join(f"{k}.png,{name}\n" for k, name in enumerate(labels)))
    program = re.search(r"```python\n(import csv.+?)```", TEXT, re.DOTALL)
    assert program is not None
    exec(program[1], {})
    found = load("sorted")
    assert found.classes == ("cat", "dog") and found.labels is not None
    assert found.labels.tolist() == [0, 0, 1] and found.values[:, 0, 0, 0].tolist() == [0, 160, 80]
