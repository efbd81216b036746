"""Data sets from Python objects: arrays, tensors, and the data sets of torch and of the Hugging Face Hub.

Other libraries are not imported; their objects are recognized by what they have:

- arrays and tensors; pairs (images, labels); (x_train, y_train, x_test, y_test), also as two pairs; dicts of arrays;
- data sets of torch and torchvision, lists of images, and data loaders, whose data set is read once, in order;
- `datasets.Dataset`, and dicts or pairs of data sets as training and test part, such as `datasets.DatasetDict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inkwash.data import array_set, python_examples
from inkwash.data.array_names import PART_WORDS, Part, Role
from inkwash.data.array_pixels import ValueRange
from inkwash.data.array_set import Source
from inkwash.data.dataset import Dataset
from inkwash.data.python_examples import as_array, as_labels, is_array, is_tensor
from inkwash.errors import UsageError


def from_object(data: Any, value_range: ValueRange | None = None, size: int | None = None) -> Dataset:
    """Return the data set in a Python object.

    `value_range` gives the values of black and white of its numbers, `size` the side to which single pictures are resized.
    Raises `UsageError` for an object of another kind, and raises as `array_set.from_roles` for its arrays.
    """
    if isinstance(data, Dataset):
        return data
    name, where = _name(data), f"data ({type(data).__name__})"
    # The data set of a DataLoader, without the order and the batches that are those of another training loop.
    data = data.dataset if hasattr(data, "dataset") and hasattr(data, "batch_sampler") else data
    frame = hasattr(data, "columns") and hasattr(data, "to_numpy")
    if isinstance(data, Mapping) and data and not frame and all(is_array(value) for value in data.values()):
        arrays = {str(key): as_array(value) for key, value in data.items()}
        first = any(is_tensor(value) for value in data.values())
        return array_set.from_named(arrays, Source(name, where, value_range=value_range, channels_first=first))
    parts = {part: python_examples.read(each, where, size) for part, each in _parts(data, where).items()}
    found = {Role(part, "images"): each.images for part, each in parts.items()}
    found |= {Role(part, "labels"): each.labels for part, each in parts.items() if each.labels is not None}
    train = parts["train"]
    return array_set.from_roles(found, Source(name, where, train.classes, value_range, train.channels_first))


def _parts(data: Any, where: str) -> dict[Part, Any]:
    """Return the examples of each part: arrays, pairs (images, labels), or data sets."""
    if isinstance(data, Mapping) and not hasattr(data, "to_numpy"):
        parts = {PART_WORDS.get(str(name).lower()): each for name, each in data.items()}
        if None in parts or "train" not in parts:
            raise UsageError(
                f"{where} has {', '.join(map(str, data)) or 'nothing'}: give the parts 'train' and 'test', or arrays "
                "'images' and 'labels'",
                code="invalid-data",
                field="data",
            )
        return {part: each for part, each in parts.items() if part is not None}
    if isinstance(data, tuple | list):
        given = tuple(data)
        if len(given) == 4 and is_array(given[0]) and as_labels(given[1]) is not None and is_array(given[2]):
            return {"train": given[:2], "test": given[2:]}
        if len(given) == 2 and all(_is_examples(each) for each in given):
            return {"train": given[0], "test": given[1]}
    return {"train": data}


def _is_examples(data: Any) -> bool:
    """Return whether `data` is a part of a data set in itself: a pair (images, labels), or a data set."""
    if isinstance(data, tuple | list):
        return python_examples.pair(data) is not None
    return not is_array(data) and python_examples.is_readable(data)


def _name(data: Any) -> str:
    if hasattr(data, "dataset") and not is_array(data):
        return _name(data.dataset)
    plain = is_array(data) or isinstance(data, Mapping | tuple | list)
    return "arrays" if plain else type(data).__name__
