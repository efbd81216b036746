"""A data set from arrays: the training and the test part, with labels or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inkwash.data import array_pixels
from inkwash.data.array_names import RECORDS, Part, Role, roles
from inkwash.data.array_pixels import ValueRange, same_channels
from inkwash.data.dataset import Dataset
from inkwash.data.label_checks import class_indices
from inkwash.data.reading import invalid_data

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Source:
    """Where arrays come from: the `name` of the data set, `where` in messages, and what is known about all of them.

    `classes` are the names of integer labels, () if they have none; `value_range` and `channels_first` are those of
    `array_pixels.to_values`; `note` and `warning` are those of `Dataset`.
    """

    name: str
    where: str
    classes: tuple[str, ...] = ()
    value_range: ValueRange | None = None
    channels_first: bool = False
    note: str = ""
    warning: str = ""


def from_named(arrays: Mapping[str, Array], source: Source) -> Dataset:
    """Return the data set of arrays that are named "x_train", "images", "arr_0" and the like; raises as `from_roles`."""
    found = roles(arrays, source.where)
    if not any(role.kind in ("images", "points") and role.part == "train" for role in found):
        names = ", ".join(sorted(arrays)) or "nothing"
        raise invalid_data(
            f"{source.where} has no array 'images' (it holds {names}): use numpy.savez(file, images=..., labels=...)",
            "images",
        )
    unread = sorted(set(arrays) - set(found.values()) - RECORDS)
    if unread:
        were = "was" if len(unread) == 1 else "were"
        source = replace(source, warning=f"{source.where}: {', '.join(unread)} {were} not read")
    return from_roles({role: arrays[name] for role, name in found.items()}, source, found)


def from_roles(arrays: Mapping[Role, Array], source: Source, names: Mapping[Role, str] | None = None) -> Dataset:
    """Return the data set of arrays of known roles, which messages call by `names`.

    The part "val" is the test part where there is no other, else it is left out with a warning. Raises `InkwashError` for
    arrays of other forms than `array_pixels` and `label_checks` read, and for those that contradict each other.
    """
    shown = {role: f"{source.where}: {(names or {}).get(role, role.name)}" for role in arrays}
    held_out: Part = "val" if all(role.part != "test" for role in arrays) else "test"
    images = {
        part: array_pixels.to_values(array, shown[Role(part, kind)], source.value_range, source.channels_first)
        for (part, kind), array in arrays.items()
        if kind in ("images", "points") and part in ("train", held_out)
    }
    labels = {
        part: array
        for (part, kind), array in arrays.items()
        if kind == "labels" and part in ("train", held_out) and not _is_placeholder(array)
    }
    for part in labels:
        if part not in images:
            missing = Role(part, "images").name
            raise invalid_data(
                f"{shown[Role(part, 'labels')]} without {missing}: add them, or leave the labels out", missing
            )
    if "train" not in labels and labels:
        raise invalid_data(
            f"{shown[Role(held_out, 'labels')]} without labels of the training part: add them, or leave these out",
            "labels",
        )
    values = dict(zip(images, same_channels([*images.values()]), strict=True))
    train, test = values["train"], values.get(held_out)
    if test is not None and test.shape[1:] != train.shape[1:]:
        found = f"{list(test.shape[1:])}, but images are {list(train.shape[1:])}"
        raise invalid_data(
            f"{shown[Role(held_out, 'images')]} are {found} (channels first): both parts need one shape", "test_images"
        )
    counted = {shown[Role(part, "labels")]: (array, len(values[part])) for part, array in labels.items()}
    indices, classes = class_indices(counted, _class_names(arrays, source)) if labels else ({}, ())
    left_out = [
        f"{shown[role]} ({len(array):,}) was not read: the validation set is a part of the training set"
        for role, array in arrays.items()
        if role.part not in ("train", held_out) and role.kind == "images"
    ]
    return Dataset(
        name=source.name,
        values=train,
        labels=indices.get(shown.get(Role("train", "labels"), "")),
        classes=classes,
        test_values=test,
        test_labels=indices.get(shown.get(Role(held_out, "labels"), "")),
        note=source.note,
        warning="; ".join(each for each in (source.warning, *left_out) if each),
    )


def _is_placeholder(labels: Array) -> bool:
    """Return whether the labels are those that `inkwash sample` writes for samples without: -1."""
    return labels.size > 0 and labels.dtype.kind == "i" and bool((labels == -1).all())


def _class_names(arrays: Mapping[Role, Array], source: Source) -> tuple[str, ...]:
    """Return the names of the classes that the arrays or their source give, () for none."""
    given = arrays.get(Role("train", "classes"))
    if given is None or given.ndim != 1 or given.dtype.kind not in "US":
        return source.classes
    return tuple(np.char.decode(given, "utf-8", "replace").tolist() if given.dtype.kind == "S" else given.tolist())
