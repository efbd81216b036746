"""Find published data sets in INKWASH_DATA, a folder or an archive of any layout."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from inkwash.data import archive, locate, visible
from inkwash.data.dataset import Dataset
from inkwash.errors import InkwashError, UsageError, first_line, warn
from inkwash.text.printing import quoted
from inkwash.text.synonyms import plain


def find(name: str, find_in: Callable[[Path, str], Dataset | None]) -> Dataset | None:
    """Return the data set `name` from INKWASH_DATA, None where that is not set or does not have it.

    `find_in(path, name)` returns the data set if its files are in a folder, or are that file. Raises `UsageError` when
    INKWASH_DATA does not exist, and the error of damaged files where there are no others.
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
    try:
        return _find_below(root, name, find_in)
    except OSError as error:
        raise InkwashError(
            f"cannot read {error.filename or root} of INKWASH_DATA: {first_line(error)}; check its permissions, or unset "
            "INKWASH_DATA",
            code="io",
            field="INKWASH_DATA",
        ) from error


def _find_below(root: Path, name: str, find_in: Callable[[Path, str], Dataset | None]) -> Dataset | None:
    errors: list[InkwashError] = []
    for path in (*locate.below(root), *_files(root, name)) if root.is_dir() else (root,):
        found = _found(path, name, find_in, errors)
        if found is not None:
            return found
    for path in filter(archive.matches, _files(root, name) if root.is_dir() else (root,)):
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
    path: Path, name: str, find_in: Callable[[Path, str], Dataset | None], errors: list[InkwashError]
) -> Dataset | None:
    try:
        return find_in(path, name)
    except InkwashError as error:
        errors.append(error)
        return None


def _files(root: Path, name: str) -> list[Path]:
    """Return the files directly in the folder `root` that are named after the data set."""
    return [path for path in visible.entries(root) if path.is_file() and plain(name) in plain(path.name)]
