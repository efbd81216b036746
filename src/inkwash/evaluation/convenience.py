"""The cache is a convenience: where it cannot be written, nothing is kept, and the work goes on."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from inkwash.data import cache
from inkwash.data.contents import reason
from inkwash.errors import InkwashError, warn


@contextmanager
def unless_refused() -> Iterator[None]:
    """Let a file of the cache be left unwritten where the disk refuses it, and say so, once."""
    try:
        yield
    except InkwashError as error:
        _say(reason(error.__cause__ if isinstance(error.__cause__, OSError) else error))


@functools.cache
def _say(why: str) -> None:
    warn(f"the cache {cache.folder()} cannot be written ({why}): nothing is kept for another time")
