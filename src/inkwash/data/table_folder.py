"""Tables of images, CSV or parquet: a file, or a folder with those of the training and the test part."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inkwash.data import array_names, array_set, csv_file, image_tree, parquet_file, table_columns, visible
from inkwash.data.array_names import PART_WORDS, Part, Role
from inkwash.data.array_set import Source
from inkwash.data.dataset import Dataset
from inkwash.data.parquet_file import Columns
from inkwash.data.reader import Reader, ReadOptions
from inkwash.data.reading import invalid_data
from inkwash.errors import UsageError

Array = np.ndarray[Any, Any]
NAME = re.compile(r"(?P<stem>.+)\.(?P<kind>csv|tsv|parquet)(\.(gz|bz2|xz))?", re.IGNORECASE)


def matches(path: Path) -> bool:
    """Return whether `path` is a table by its name, or a folder with the table of a training part and no images."""
    if not path.is_dir():
        return NAME.fullmatch(path.name) is not None and path.is_file()
    return any(part == "train" for _, part in _tables(path)) and not image_tree.contains_images(path)


def read(path: Path, options: ReadOptions) -> Dataset:
    """Return the data set of a table, or of the tables in a folder: of each part one, or several numbered ones in order.

    Labels that are integers are the names of their classes, unless the table has names for them. Raises `UsageError` for a
    folder with several data sets, `InkwashError` for tables without images, and for those that contradict each other.
    """
    files: dict[Part, list[Path]] = {"train": [path]}
    if path.is_dir():
        files = {}
        for file, part in _tables(path):
            files.setdefault(part, []).append(file)
        for group in files.values():
            _require_one_set(group, path)
    source = Source(_stem(path), str(path), value_range=options.value_range, note=f"table {path.name}")
    found: dict[Role, Array] = {}
    unread_columns: dict[str, None] = {}
    for part, group in files.items():
        read_files = [_columns(file, options) for file in group]
        source = replace(source, channels_first=read_files[0].images.ndim == 4)
        found[Role(part, "images")] = _joined([each.images for each in read_files], group)
        labels = [each.labels for each in read_files]
        unread_columns |= dict.fromkeys(name for each in read_files for name in each.unread)
        classes = read_files[0].classes
        without = [file for file, each in zip(group, labels, strict=True) if each is None]
        if 0 < len(without) < len(group):
            raise invalid_data(
                f"{without[0]} has no labels, other tables of its part have: give all of them labels", "labels"
            )
        if not without:
            joined = np.concatenate([each for each in labels if each is not None])
            source = replace(source, classes=source.classes or classes)
            found[Role(part, "labels")] = joined if classes else table_columns.label_texts(joined)
    warnings = [f"columns that were not read: {', '.join(unread_columns)}" if unread_columns else ""]
    if path.is_dir():
        used = {file for group in files.values() for file in group}
        others = [each for each in visible.entries(path) if each.is_file() and each not in used]
        unread = [each for each in others if not visible.is_document(each.name) and each.suffix.lower() != ".json"]
        warnings.append(visible.unread(unread, path))
    return array_set.from_roles(found, replace(source, warning="; ".join(filter(None, warnings))))


def _tables(folder: Path) -> list[tuple[Path, Part]]:
    """Return the tables in `folder` whose part is known, and those in its folders of parts, by name."""
    found: list[tuple[Path, Part]] = []
    for path in visible.entries(folder):
        if path.is_dir() and path.name.lower() in PART_WORDS:
            inside = (file for file in visible.entries(path) if NAME.fullmatch(file.name) and file.is_file())
            found += [(file, PART_WORDS[path.name.lower()]) for file in inside]
        elif NAME.fullmatch(path.name) and path.is_file():
            parsed = array_names.parse(_stem(path))
            found += [(path, parsed.role.part)] if parsed and parsed.has_part else []
    return found


def _stem(path: Path) -> str:
    named = NAME.fullmatch(path.name)
    return named["stem"] if named else path.resolve().name


def _require_one_set(files: list[Path], folder: Path) -> None:
    """Raise `UsageError` unless the names of `files` differ in their numbers only, as train-00000-of-00002.parquet."""
    if len({re.sub(r"\d+", "0", file.name) for file in files}) > 1:
        raise UsageError(
            f"{folder} has several data sets ({visible.listed(files, folder)}): give the file of one by --data",
            code="conflict",
            field="data",
        )


def _columns(path: Path, options: ReadOptions) -> Columns:
    if ".parquet" in path.name.lower():
        return parquet_file.read(path, options)
    return Columns(*csv_file.read(path), ())


def _joined(parts: list[Array], files: list[Path]) -> Array:
    shapes = [part.shape[1:] for part in parts]
    if any(len(shape) == 3 for shape in shapes):
        # Files of which only some have images in colour.
        channels = max(shape[0] for shape in shapes)
        parts = [np.broadcast_to(part, (len(part), channels, *part.shape[2:])) for part in parts]
        shapes = [part.shape[1:] for part in parts]
    if len(set(shapes)) > 1:
        odd = next(k for k, shape in enumerate(shapes) if shape != shapes[0])
        raise invalid_data(
            f"{files[odd]} has images of {list(shapes[odd])}, {files[0].name} of {list(shapes[0])}: give those of one size",
            "data",
        )
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


READER = Reader("tables of images, NAME.csv or NAME.parquet", matches, read, True)
