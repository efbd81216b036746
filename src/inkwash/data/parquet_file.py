"""Parquet files, as those of the Hugging Face Hub: image files in a column of bytes or structs, or pixels in columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from inkwash.data import array_names, image_file, table_columns, unread_forms
from inkwash.data.array_names import Kind
from inkwash.data.reader import ReadOptions
from inkwash.data.reading import damaged_file, invalid_data
from inkwash.errors import UsageError, first_line, missing_extra

Array = np.ndarray[Any, Any]
FILES_WANTED = "give the bytes of image files, or lists of pixels"
PROGRESS_EVERY = 200
"""Number of images between two reports of progress."""


class Columns(NamedTuple):
    """The images of a file in a layout of `array_pixels`, the labels `[N]` or None, and the names of integer labels.

    `unread` are the names of the columns that hold neither.
    """

    images: Array
    labels: Array | None
    classes: tuple[str, ...]
    unread: tuple[str, ...] = ()


def read(path: Path, options: ReadOptions) -> Columns:
    """Return the images and labels of a file.

    Raises `UsageError` where pyarrow is not installed, `InkwashError` for a file that is damaged or has no images.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise missing_extra(f"reading {path.name}", "tables") from error
    path.open("rb").close()  # Raises the error of the operating system for a file that cannot be read.
    try:
        # Read as a single file: a folder name such as "label=3" would add a column.
        table = parquet.ParquetFile(path).read()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise damaged_file(f"{path} is a damaged parquet file ({first_line(error)}): fetch it again") from error
    named = {column: _kind(column) for column in table.column_names}
    labels = [column for column, kind in named.items() if kind == "labels"]
    label = "label" if "label" in labels else labels[0] if len(labels) == 1 else None
    if label is None and labels:
        raise UsageError(
            f"{path} has the label columns {', '.join(labels)}: keep one, or rename one to 'label'",
            code="conflict",
            field="data",
        )
    pictures = [field.name for field in table.schema if _is_picture(field.type, pyarrow) and field.name != label]
    lists = [field.name for field in table.schema if _is_list(field.type, pyarrow) and field.name != label]
    found = pictures or lists
    found = [column for column in found if named[column] == "images"] or found
    if len(found) > 1:
        raise UsageError(
            f"{path} has the image columns {', '.join(found)}: keep one, or rename one to 'image'",
            code="conflict",
            field="data",
        )
    columns = found or table.column_names
    if pictures:
        images: Array = _decoded(table.column(found[0]), path, options)
    elif lists:
        images = _stacked(table.column(found[0]), f"{path}: {found[0]}")
    else:
        pixels, index = table_columns.pixel_columns(columns, str(path))
        images = np.stack([table.column(k).to_numpy() for k in pixels], axis=1)
        label = label if index is None else columns[index]
    values = None if label is None else _labels(table.column(label), path)
    unread = [name for name in table.column_names if name not in (*columns, label) and not table_columns.is_index(name)]
    return Columns(images, values, _class_names(table.schema.metadata, label), tuple(unread))


def _kind(column: str) -> Kind | None:
    parsed = array_names.parse(column)
    return parsed.role.kind if parsed else None


def _is_picture(kind: Any, pyarrow: Any) -> bool:
    """Return whether a column holds image files: bytes, or structs with them."""
    if pyarrow.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)


def _is_list(kind: Any, pyarrow: Any) -> bool:
    return pyarrow.types.is_list(kind) or pyarrow.types.is_fixed_size_list(kind) or pyarrow.types.is_large_list(kind)


def _decoded(column: Any, path: Path, options: ReadOptions) -> Array:
    """Return the pixels uint8 `[N, C, H, W]` of the image files in a column, resized to `options.size` if that is given."""
    images: list[Tensor] = []
    for k, cell in enumerate(column):
        value = cell.as_py()
        raw = value.get("bytes") if isinstance(value, dict) else value
        if not raw:
            where = f", only the path {value['path']}" if isinstance(value, dict) and value.get("path") else ""
            raise invalid_data(
                f"{path}: row {k} has no bytes of an image{where}: give a file with the images in it, or "
                f"{unread_forms.remedy(unread_forms.LABELS)}",
                "data",
            )
        images.append(image_file.decode(raw, f"{path}: row {k}", options.size, FILES_WANTED))
        if images[-1].shape[1:] != images[0].shape[1:]:
            raise invalid_data(
                f"{path}: row {k} is {list(images[-1].shape[1:])}, row 0 is {list(images[0].shape[1:])}: resize them to "
                "one size, as train does with --size",
                "size",
            )
        if options.progress is not None and k % PROGRESS_EVERY == 0:
            options.progress(f"reading {len(column):,} images", k / len(column))
    if not images:
        raise invalid_data(f"{path} has no rows", "data")
    channels = max(len(image) for image in images)
    return torch.stack([image.expand(channels, *image.shape[1:]) for image in images]).numpy()


def _stacked(column: Any, where: str) -> Array:
    """Return the images of a column with pixels as a list in each row."""
    rows = column.to_pylist()
    if None in rows:
        raise invalid_data(f"{where} of row {rows.index(None)} is empty: leave the row out", "data")
    try:
        images = np.array(rows)
    except ValueError:
        raise invalid_data(f"{where}: the rows differ in length: give images of one size", "data") from None
    if images.dtype.kind == "O":
        raise invalid_data(
            f"{where} has lists of other things than numbers: give one image in each row, as a file or as pixels",
            "data",
        )
    return images


def _labels(column: Any, path: Path) -> Array:
    values = column.to_pylist()
    if any(value is None for value in values):
        raise invalid_data(f"{path}: row {values.index(None)} has no label: leave the row out", "labels")
    if any(isinstance(value, list | dict) and len(value) != 1 for value in values):
        raise invalid_data(f"{path}: the labels are {column.type}: give one for each row", "labels")
    flat = [value[0] if isinstance(value, list) else value for value in values]
    return np.array([value.decode(errors="replace") if isinstance(value, bytes) else value for value in flat])


def _class_names(metadata: dict[bytes, bytes] | None, label: str | None) -> tuple[str, ...]:
    """Return the names of the classes that the library `datasets` stores with a table."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label]["names"])
    except (LookupError, TypeError, ValueError):
        return ()
