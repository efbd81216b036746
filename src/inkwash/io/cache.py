"""The cache folder: downloads, feature extractors, samples and decoded images."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inkwash.errors import InkwashError, first_line, warn


def folder() -> Path:
    """Return the cache folder: INKWASH_CACHE, or inkwash's folder in the user's cache."""
    own = os.environ.get("INKWASH_CACHE")
    if own:
        return Path(own).expanduser()
    import pooch

    return Path(pooch.os_cache("inkwash"))


@contextmanager
def optional_writes() -> Iterator[None]:
    """Turn a failed write to the cache within the block into one warning: the cache is optional."""
    try:
        yield
    except InkwashError as error:
        _warn_once(first_line(error.__cause__ if isinstance(error.__cause__, OSError) else error))


@functools.cache
def _warn_once(why: str) -> None:
    warn(f"the cache {folder()} cannot be written ({why}): results are not cached")
