"""Classes in requests: text, Python values and stored names as class indices, and back.

One rule for all of them: where the names of all classes are numbers, a number is the *name* of a class, and so are both
ends of a range; elsewhere a number that is not a name is an index. A name in double quotes is never anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from torch import Tensor

from inkwash.core.shapes import NULL_LABEL
from inkwash.errors import UsageError, unknown_name

# Eighteen digits are more than any number of classes, and Python refuses integers of thousands of digits.
_NUMBER = re.compile(r"\d{1,18}")
_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
NONE = "none"
"""The text of the null label."""

StoredLabels = tuple[int | str | None, ...]
"""Class indices, or names as they are stored in metadata, with None for the null label."""


def names_are_numbers(classes: Sequence[str]) -> bool:
    """Return whether the names of all classes are numbers, so that a number in a request is a name."""
    return bool(classes) and all(_NUMBER.fullmatch(name) for name in classes)


def parse_labels(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels written as "7", "0-9", "1,3,5", a class name or "none"; a name may be in double quotes.

    Raises `UsageError` for anything else, with the nearest class name.
    """
    if text == NONE:
        return [NULL_LABEL]
    # The text is compared before it is split, because a class name may contain a comma.
    if '"' not in text and text.strip() in classes:
        return [classes.index(text.strip())]
    return [label for part in _split(text, ",") for label in _part(part.strip(), classes)]


def split_range(text: str, classes: tuple[str, ...] = ()) -> tuple[str, str | None]:
    """Return the two ends of an interpolation written "3..8", or the text and None."""
    if '"' not in text and text in classes:
        return text, None
    near, *far = _split(text, "..")
    return (near, "..".join(far)) if far else (text, None)


def parse_interpolation(text: str, classes: tuple[str, ...]) -> tuple[list[int], list[int] | None]:
    """Return the labels of both ends of an interpolation, or the labels and None. Raises as `parse_labels` does."""
    near, far = split_range(text, classes)
    return parse_labels(near, classes), None if far is None else parse_labels(far, classes)


def format_labels(start: Sequence[int], classes: tuple[str, ...], end: Sequence[int] = ()) -> str:
    """Return the text from which `parse_interpolation` gives these labels, with quotes only where it needs them."""

    def text(form: Callable[[int, tuple[str, ...]], str]) -> str:
        return "..".join(",".join(form(label, classes) for label in part) for part in (start, end) if len(part))

    bare = text(_bare)
    with suppress(UsageError):
        if parse_interpolation(bare, classes) == (list(start), list(end) or None):
            return bare
    return text(_quoted)


def from_python(value: Any, classes: tuple[str, ...]) -> str | tuple[int, ...] | None:
    """Return the `label` of a Python call as class indices, text unchanged: an integer, a name, or several of them.

    Integers and names may be those of numpy and torch. Raises `UsageError` for anything else, and for unknown classes.
    """
    if value is None or isinstance(value, str):
        return value
    plain = value.tolist() if isinstance(value, Tensor | np.ndarray | np.generic) else value
    items = list(plain) if isinstance(plain, list | tuple | range) else [plain]
    return tuple(_item(item, classes) for item in items)


def indices(labels: StoredLabels, classes: tuple[str, ...]) -> list[int]:
    """Return stored labels as class indices. Raises `UsageError` for a name that is not a class."""
    return [label if isinstance(label, int) else _named(label, classes) for label in labels]


def names(labels: Sequence[int], classes: tuple[str, ...]) -> StoredLabels:
    """Return class indices as the names that are stored in metadata, None for the null label."""
    return tuple(classes[label] if label >= 0 else None for label in labels)


def parse_index_text(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels of a text that 0.1.0 stored, where a number that is not a class name is an index."""
    if text == NONE or text.strip() in classes:
        return [NULL_LABEL if text == NONE else classes.index(text.strip())]
    found: list[int] = []
    for part in (each.strip() for each in text.split(",")):
        numbers = part.split("-") if _RANGE.fullmatch(part) else [part]
        if part in classes:
            found.append(classes.index(part))
        elif all(_NUMBER.fullmatch(each) for each in numbers):
            found += _indices(int(numbers[0]), int(numbers[-1]), classes)
        else:
            raise unknown_name("label", part, classes or (NONE,))
    return found


def _split(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between separators outside of double quotes."""
    if '"' not in text:
        return text.split(separator)
    pattern = re.compile(rf'(?:"(?:[^"]|"")*"|(?!{re.escape(separator)}).)*', re.DOTALL)
    parts, position = [], 0
    while position <= len(text):
        found = pattern.match(text, position)
        assert found is not None  # The pattern matches the empty text.
        parts.append(found[0])
        position = found.end() + len(separator)
    return parts


def _part(part: str, classes: tuple[str, ...]) -> Sequence[int]:
    """Return the labels of one part of a list: a name, a number, a range or "none"."""
    quoted = _QUOTED.fullmatch(part)
    if quoted:
        return [_named(quoted[1].replace('""', '"'), classes)]
    if part == NONE:
        return [NULL_LABEL]
    if part in classes:
        return [classes.index(part)]
    ends = _RANGE.fullmatch(part)
    if ends:
        return _range(int(ends[1]), int(ends[2]), part, classes)
    if _NUMBER.fullmatch(part):
        return [_number(int(part), classes)]
    raise unknown_name("label", part, classes or (NONE,))


def _range(first: int, last: int, text: str, classes: tuple[str, ...]) -> Sequence[int]:
    if first > last:
        message = f"label range '{text}' is empty: write the smaller end first, as in {last}-{first}"
        raise UsageError(message, code="invalid-value", field="label")
    if not names_are_numbers(classes):
        return _indices(first, last, classes)
    for end in (first, last):
        _number(end, classes)
    inside = [label for label, name in enumerate(classes) if first <= int(name) <= last]
    return sorted(inside, key=lambda label: int(classes[label]))


def _indices(first: int, last: int, classes: tuple[str, ...]) -> Sequence[int]:
    """Return the indices from `first` to `last`. Raises `UsageError` for one that no class has."""
    if classes and max(first, last) >= len(classes):
        raise outside(max(first, last), classes)
    # Without classes every label is refused later, so a range that could be huge is not expanded.
    return range(first, last + 1) if classes else (first, last)


def _number(number: int, classes: tuple[str, ...]) -> int:
    """Return the class that a number stands for: the one of that name where all names are numbers, else the index."""
    if not names_are_numbers(classes):
        if classes and not 0 <= number < len(classes):
            raise outside(number, classes)
        return number
    if str(number) in classes:
        return classes.index(str(number))
    same = [label for label, name in enumerate(classes) if int(name) == number]
    if len(same) > 1:
        found = ", ".join(classes[label] for label in same)
        message = f"label {number} is the number of several classes ({found}): write the whole name"
        raise UsageError(message, code="conflict", field="label")
    if not same:
        raise outside(number, classes)
    return same[0]


def _item(item: Any, classes: tuple[str, ...]) -> int:
    """Return the class of one value of a Python list."""
    item = item.item() if isinstance(item, Tensor | np.ndarray | np.generic) and item.ndim == 0 else item
    if isinstance(item, int) and not isinstance(item, bool):
        return item if item == NULL_LABEL else _number(item, classes)
    if isinstance(item, str):
        return _named(item, classes) if item in classes else _single(item, classes)
    message = f"label {item!r} is a {type(item).__name__}: give an integer or a class name, or a list of them"
    raise UsageError(message, code="invalid-value", field="label")


def _single(text: str, classes: tuple[str, ...]) -> int:
    """Return the class of a text in a list, which is no range."""
    if _RANGE.fullmatch(text):
        raise unknown_name("label", text, classes or (NONE,))
    return _part(text, classes)[0]


def _named(name: str | None, classes: tuple[str, ...]) -> int:
    if name is None:
        return NULL_LABEL
    if name not in classes:
        raise unknown_name("label", name, classes or (NONE,))
    return classes.index(name)


def _bare(label: int, classes: tuple[str, ...]) -> str:
    return classes[label] if label >= 0 else NONE


def _quoted(label: int, classes: tuple[str, ...]) -> str:
    return '"' + classes[label].replace('"', '""') + '"' if label >= 0 else NONE


def outside(label: int, classes: Sequence[str]) -> UsageError:
    """Return the error for a number that is no class."""
    known = "one of" if names_are_numbers(classes) else f"0 to {len(classes) - 1},"
    message = f"label {label} is not a class of the model: give {known} {', '.join(classes)}"
    return UsageError(message, code="out-of-range", field="label")
