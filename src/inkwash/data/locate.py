"""Find the data in a folder: in itself, or in the one place below it where there is some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from inkwash.data import unread_forms, visible
from inkwash.data.reader import Reader
from inkwash.data.reading import broken_link
from inkwash.errors import InkwashError, UsageError
from inkwash.text.printing import quoted

MAX_DEPTH = 4
"""Folders between the one that is given and the data: data/MNIST/raw is 2 below data."""
MAX_FOLDERS = 5_000
"""Folders that are searched."""


class Place(NamedTuple):
    """A path and the reader of the form that it has."""

    path: Path
    reader: Reader


def locate(path: Path, readers: Sequence[Reader], images: Reader) -> Place:
    """Return the one place at or below the folder `path` that one of `readers`, or that of `images`, reads.

    A folder below is looked for where `path` itself has none of the forms, and a file where there is no folder. Raises
    `UsageError` where there are several, `InkwashError` where there is none.
    """
    found = _places(below(path), readers)
    if found and found[0].path == path:
        return found[0]
    found += [Place(path, images)] if images.matches(path) else []
    found = found or _places((file for folder in below(path) for file in _files(folder)), readers)
    if len(found) > 1:
        places = ", ".join(quoted(place.path) for place in found[: visible.NAMED])
        more = f" and {len(found) - visible.NAMED:,} more" if len(found) > visible.NAMED else ""
        kind = "" if found[-1].reader is not images else f"; {quoted(path)} itself is {images.name}"
        raise UsageError(
            f"{path} has several data sets, in {places}{more}{kind}: give one of them by --data",
            code="conflict",
            field="data",
        )
    return found[0] if found else _nothing(path, [*readers, images])


def below(folder: Path) -> Iterator[Path]:
    """Yield `folder` and the visible folders below it, those of the same depth together, within the limits above."""
    return islice(_below(folder), MAX_FOLDERS)


def _below(folder: Path) -> Iterator[Path]:
    level = [folder]
    for _ in range(MAX_DEPTH + 1):
        yield from level
        level = [inside for each in level for inside in visible.folders(each)]


def _places(paths: Iterator[Path], readers: Sequence[Reader]) -> list[Place]:
    """Return the places among `paths`, without those within another."""
    found: list[Place] = []
    for path in paths:
        if not any(path.is_relative_to(place.path) for place in found):
            reader = next((reader for reader in readers if reader.matches(path)), None)
            found += [Place(path, reader)] if reader else []
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in visible.entries(folder) if path.is_file()]


def _nothing(path: Path, readers: Sequence[Reader]) -> Place:
    entries = [entry for folder in below(path) for entry in visible.entries(folder)]
    for entry in entries:
        if entry.is_symlink() and not entry.exists():
            raise broken_link(entry)
    files = [entry for entry in entries if entry.is_file()]
    form = unread_forms.first_of(files)
    if form is None:
        has = f"it has {visible.listed(files, path)}" if files else f"it is empty, down to {MAX_DEPTH} folders below"
        what_to_do = f"give {'; '.join(reader.name for reader in readers)}"
    else:
        has = f"it has {visible.listed([file for file in files if form.matches(file)], path)}, {form.name}"
        what_to_do = unread_forms.remedy(form)
    raise InkwashError(
        f"{path} has no images, nor other data that is read: {has}; {what_to_do}",
        code="missing-file" if form is None or form.may_be_weights else "wrong-file",
        field="data",
    )
