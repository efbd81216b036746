"""The columns of a table of pixels: which are pixels, and which one is the label."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from inkwash.data import unread_forms
from inkwash.data.array_names import KIND_WORDS
from inkwash.data.array_pixels import MIN_SIDE
from inkwash.data.reading import invalid_data

Array = np.ndarray[Any, Any]
INDEX_NAMES = {"", "id", "index", "imageid", "image_id", "unnamed: 0", "__index_level_0__"}
"""Names of columns that number the rows."""
LABEL_NAMES = {word for word, kind in KIND_WORDS.items() if kind == "labels"} | {
    "class",
    "digit",
    "letter",
    "character",
}


def is_index(name: str) -> bool:
    """Return whether the column of this name numbers the rows."""
    return name.strip().lower() in INDEX_NAMES


def pixel_columns(names: Sequence[str], where: str) -> tuple[list[int], int | None]:
    """Return the indices of the columns of pixels and of the label, None for none, by their names.

    The label is the column of such a name, else the one whose name differs from those of all others, as "what" from
    "pixel0" to "pixel783". Raises `InkwashError` where the pixels are no square.
    """
    columns = [k for k, name in enumerate(names) if not is_index(name)]
    labels = [k for k in columns if names[k].strip().lower() in LABEL_NAMES]
    if not labels:
        # "1x2" and "28x28" are alike but for their numbers.
        patterns = Counter(re.sub(r"\d+", "0", names[k]) for k in columns)
        labels = [k for k in columns if patterns[re.sub(r"\d+", "0", names[k])] == 1] if len(columns) > 2 else []
    label = labels[0] if len(labels) == 1 else None
    pixels = [k for k in columns if k != label]
    _require_square(len(pixels), f"{where} has the columns {_shortened(names)}")
    return pixels, label


def label_position(rows: Array, where: str) -> int | None:
    """Return the index of the column of labels in `rows` without names: the first, the last, or None for none.

    It is the last where the first is constant or has numbers that cannot be labels, as the corner of images has.
    """
    columns = rows.shape[1]
    if math.isqrt(columns) ** 2 == columns:
        return None
    _require_square(columns - 1, f"{where} has {columns:,} columns without names")
    first, last = (_is_labels(rows[:, k]) for k in (0, -1))
    return columns - 1 if last and not first else 0


def label_texts(labels: Array) -> Array:
    """Return the labels of a table as the names of their classes: "3" for 3 and 3.0."""
    if labels.dtype.kind in "fiu":
        return np.array([f"{label:.15g}" for label in labels.tolist()])
    texts = [str(label).strip().strip("\"'") for label in labels.tolist()]
    return np.array([re.sub(r"^(\d+)\.0+$", r"\1", text) for text in texts])


def _is_labels(column: Array) -> bool:
    """Return whether the values of a column may be labels: few integers that are close together, and not all the same."""
    if column.dtype.kind == "f" and not (column == np.floor(column)).all():
        return False
    values = np.unique(column)
    return 1 < len(values) <= len(column) and values[0] >= 0 and values[-1] - values[0] < 2 * len(values) + 1


def _require_square(count: int, found: str) -> None:
    side = math.isqrt(count)
    if side < MIN_SIDE or side**2 != count:
        few = f"; for {unread_forms.LABELS.name}, {unread_forms.remedy(unread_forms.LABELS)}"
        raise invalid_data(
            f"{found}: give a table with one image in each row, as a label and the pixels of a square grey image"
            f"{few if count < MIN_SIDE**2 else ''}",
            "data",
        )


def _shortened(names: Sequence[str]) -> str:
    shown = [*names[:3], "…", names[-1]] if len(names) > 5 else names
    return f"{', '.join(shown)} ({len(names):,})"
