"""Find published data sets in INKWASH_DATA, a folder or an archive of any layout."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from inkwash.data import archive, locate, visible
from inkwash.data.dataset import Dataset
from inkwash.errors import InkwashError, UsageError, warn
from inkwash.text.printing import quoted
from inkwash.text.synonyms import plain


def find(name: str, find_in: Callable[[Path, str], Dataset | None]) -> Dataset | None:
    """Return the data set `name` from INKWASH_DATA, None where that is not set or does not have it.

    `find_in(folder, name)` returns the data set if its files are in a folder. Raises `UsageError` when INKWASH_DATA does
    not exist, and the error of damaged files where there are no others.
    """
    given = os.environ.get("INKWASH_DATA")
    if not given:
        return None
    root = Path(given).expanduser()
    if not root.exists():
        raise UsageError(
            f"INKWASH_DATA={given} does not exist: correct it, or unset it to use the cache or a download",
            code="missing-file",
            field="INKWASH_DATA",
        )
    errors: list[InkwashError] = []
    for folder in locate.below(root) if root.is_dir() else ():
        found = _found(folder, name, find_in, errors)
        if found is not None:
            return found
    for path in _archives(root, name):
        try:
            with archive.unpacked(path) as folder:
                for inside in locate.below(folder):
                    found = _found(inside, name, find_in, errors)
                    if found is not None:
                        return found
        except InkwashError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return None


def warn_missing(name: str, source: str) -> None:
    """Print a warning that INKWASH_DATA, if it is set, does not have the data set `name`, which is from `source`."""
    given = os.environ.get("INKWASH_DATA")
    if given:
        warn(f"INKWASH_DATA={given} has no {name}: it is {source}; to use other data, --data {quoted(given)}")


def _found(
    folder: Path, name: str, find_in: Callable[[Path, str], Dataset | None], errors: list[InkwashError]
) -> Dataset | None:
    try:
        return find_in(folder, name)
    except InkwashError as error:
        errors.append(error)
        return None


def _archives(root: Path, name: str) -> Iterator[Path]:
    """Yield `root` if it is an archive, and the archives directly in the folder `root` that are named after the data set."""
    if root.is_dir():
        yield from (path for path in visible.entries(root) if archive.matches(path) and plain(name) in plain(path.name))
    elif archive.matches(root):
        yield root
