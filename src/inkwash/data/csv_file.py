"""Tables of pixels as text, such as Kaggle's train.csv: one image in each row, with its label first, last or named."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from inkwash.data import reading, table_columns
from inkwash.data.reading import damaged_file, invalid_data
from inkwash.errors import InkwashError, first_line
from inkwash.hardware import memory

Array = np.ndarray[Any, Any]
DELIMITERS = ",;\t"
SAMPLE_ROWS = 2000
"""Rows, at least, that decide which column is the label where columns have no names."""
BLOCK_ROWS = 1024
"""Rows that are read at once: the text of a table takes many times the memory of its pixels."""
MAX_ROW = 1 << 24
"""Characters of a row: more are no table."""
TYPES: tuple[type[np.generic], ...] = (np.uint8, np.int32, np.float64)
"""Types of pixels; those of a table are of the first that has all its values."""


class Rows(NamedTuple):
    """The images `[N, H * W]` of a table, and the names of their classes as text `[N]` or None."""

    images: Array
    labels: Array | None


class Columns(NamedTuple):
    """How the rows of a table are read: the positions of the pixels and of the label, None for none."""

    delimiter: str
    pixels: list[int]
    label: int | None


def read(path: Path) -> Rows:
    """Return the rows of a table, compressed or not. Raises `InkwashError` for a table that is damaged, or not of pixels."""
    first = next(_lines(path), "")
    delimiter = max(DELIMITERS, key=first.count)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    inner = [float(name) for name in names[1:-1] if _is_number(name)]
    numbered = len(inner) > 2 and inner == [inner[0] + k for k in range(len(inner))]
    has_names = len(inner) < len(names) - 2 or (numbered and not _is_number(names[0]))
    has_names = has_names or (len(names) < 3 and not any(map(_is_number, names)))
    rows = islice(_lines(path), int(has_names or numbered), None)
    if has_names:
        columns = Columns(delimiter, *table_columns.pixel_columns(names, str(path)))
    else:
        # A first row of consecutive numbers is that of a data frame without names.
        sample = _loaded(_spread(rows), delimiter, None, np.str_, path)
        label = table_columns.label_position(_numbers(sample), str(path))
        columns = Columns(delimiter, [k for k in range(len(names)) if k != label], label)
        rows = islice(_lines(path), int(numbered), None)
    return _read_blocks(rows, columns, path)


def _read_blocks(rows: Iterator[str], columns: Columns, path: Path) -> Rows:
    images: list[Array] = []
    labels: list[Array] = []
    count = size = kind = 0
    while block := list(islice(rows, BLOCK_ROWS)):
        part, kind = _pixels(block, columns, kind, path, count)
        images.append(part)
        if columns.label is not None:
            labels.append(table_columns.label_texts(_labels(block, columns, path, count)))
        count, size = count + len(block), size + images[-1].nbytes
        memory.require(2 * size, f"{path}, {count:,} rows of it,", "give a smaller file", "data")
    if not images:
        raise invalid_data(f"{path} has no rows", "data")
    pixels = np.concatenate(images, dtype=TYPES[kind])
    # Integers of unknown range, which uint8 would hide.
    pixels = pixels.astype(np.int16) if kind == 0 and pixels.max() <= 1 else pixels
    return Rows(pixels, np.concatenate(labels) if labels else None)


def _pixels(block: list[str], columns: Columns, kind: int, path: Path, before: int) -> tuple[Array, int]:
    """Return the pixels of the lines, and the index of their type, which is the one at `kind` or a later one of TYPES."""
    try:
        return _loaded(block, columns.delimiter, columns.pixels, TYPES[kind], path, before), kind
    except InkwashError:
        if kind + 1 == len(TYPES):
            raise
        return _pixels(block, columns, kind + 1, path, before)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text that are not blank. Raises `InkwashError` as `reading.read_bytes`, and for what is no text."""
    start = b""
    try:
        with path.open("rb") as file:
            start = file.read(512)
            reading.require_data(start, path)
            file.seek(0)
            text = io.TextIOWrapper(reading.decompressed(file), "utf-8-sig")
            while line := text.readline(MAX_ROW):
                if len(line) == MAX_ROW:
                    raise invalid_data(f"{path} has a row of more than {MAX_ROW:,} characters: it is no table", "data")
                if not line.isspace():
                    yield line
    except UnicodeDecodeError as error:
        raise damaged_file(f"{path} is not text ({first_line(error)}): save it as CSV in UTF-8") from error
    except reading.DECOMPRESSION_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise reading.damaged_compression(path, start, error) from error


def _spread(lines: Iterable[str]) -> list[str]:
    """Return lines from all parts of a table: in one that is sorted by class, the labels of the first rows are all the same."""
    kept: list[str] = []
    step = 1
    for k, line in enumerate(lines):
        if k % step == 0:
            kept.append(line)
        if len(kept) > 2 * SAMPLE_ROWS:
            kept, step = kept[::2], 2 * step
    return kept


def _loaded(
    lines: Sequence[str],
    delimiter: str,
    columns: list[int] | None,
    dtype: type[np.generic],
    path: Path,
    before: int = 0,
) -> Array:
    """Return the values in `columns` of `lines`, of which there are as many rows `before`."""
    try:
        return np.loadtxt(lines, dtype, delimiter=delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"')
    except (ValueError, OverflowError) as error:
        cause = re.sub(r"(?<=row )\d+", lambda row: str(int(row[0]) + before), first_line(error))
        raise invalid_data(f"{path} is not a table of numbers ({cause}): correct the row", "data") from error


def _labels(block: list[str], columns: Columns, path: Path, before: int) -> Array:
    """Return the column of labels of the lines, as text `[N]`."""
    delimiter, label = columns.delimiter, columns.label
    assert label is not None
    if label == 0 and not any(line.startswith('"') for line in block):
        # Without reading all pixels a second time.
        return np.array([line.partition(delimiter)[0] for line in block])
    return _loaded(block, delimiter, [label], np.str_, path, before)[:, 0]


def _numbers(sample: Array) -> Array:
    """Return the cells of a table as float64; a column of text, which may be the label, becomes the numbers of its values."""
    columns = []
    for column in sample.T:
        try:
            columns.append(column.astype(np.float64))
        except ValueError:
            columns.append(np.unique(column, return_inverse=True)[1].astype(np.float64))
    return np.stack(columns, axis=1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
