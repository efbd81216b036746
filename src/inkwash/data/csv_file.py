"""Tables of pixels as text, such as Kaggle's train.csv: one image in each row, with its label first, last or named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from inkwash.data import table_columns
from inkwash.data.reading import damaged_file, invalid_data, read_bytes
from inkwash.errors import first_line

Array = np.ndarray[Any, Any]
DELIMITERS = ",;\t"
SAMPLE_ROWS = 2000
"""Rows that decide which column is the label where columns have no names."""


class Rows(NamedTuple):
    """The images `[N, H * W]` of a table, and the names of their classes as text `[N]` or None."""

    images: Array
    labels: Array | None


def read(path: Path) -> Rows:
    """Return the rows of a table, gzipped or not. Raises `InkwashError` for a table that is damaged, or not of pixels."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged_file(f"{path} is not text ({first_line(error)}): save it as CSV in UTF-8") from error
    first, _, rest = text.partition("\n")
    delimiter = max(DELIMITERS, key=first.count)
    names = [name.strip().strip('"') for name in first.split(delimiter)]
    inner = [float(name) for name in names[1:-1] if _is_number(name)]
    numbered = len(inner) > 2 and inner == [inner[0] + k for k in range(len(inner))]
    if len(inner) < len(names) - 2 or (numbered and not _is_number(names[0])):
        pixels, label = table_columns.pixel_columns(names, str(path))
    else:
        # A first row of consecutive numbers is that of a data frame without names.
        rest = rest if numbered else text
        # Rows from all parts of the table: in one that is sorted by class, the labels of the first rows are all the same.
        lines = rest.splitlines()
        sample = _loaded("\n".join(lines[:: -(-len(lines) // SAMPLE_ROWS) or 1]), delimiter, None, path, as_text=True)
        label = table_columns.label_position(_numbers(sample), str(path))
        pixels = [k for k in range(len(names)) if k != label]
    if not rest.strip():
        raise invalid_data(f"{path} has no rows", "data")
    images = _loaded(rest, delimiter, pixels, path)
    if label is None:
        return Rows(images, None)
    return Rows(images, table_columns.label_texts(_loaded(rest, delimiter, [label], path, as_text=True)[:, 0]))


def _loaded(text: str, delimiter: str, columns: list[int] | None, path: Path, as_text: bool = False) -> Array:
    """Return the numbers in `columns` of `text`, uint8, int64 or float64 by the values; or their text."""
    errors = []
    for dtype in (np.str_,) if as_text else (np.uint8, np.int64, np.float64):
        try:
            file = io.StringIO(text)
            found = np.loadtxt(file, dtype, delimiter=delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"')
            # Integers of unknown range, which uint8 would hide.
            return found.astype(np.int64) if dtype is np.uint8 and found.max() <= 1 else found
        except (ValueError, OverflowError) as error:
            errors.append(error)
    raise invalid_data(
        f"{path} is not a table of numbers ({first_line(errors[-1])}): correct the row", "data"
    ) from errors[-1]


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
