"""Memory: how much this machine has, what cannot fit in it, and when it has run out."""

from __future__ import annotations

import os
import sys

from inkwash.errors import UsageError


def machine() -> int:
    """Return the bytes of memory that this machine has; where the system does not say, more than any has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def require(size: int, what: str, way: str) -> None:
    """Raise `UsageError` when `what`, of `size` bytes, cannot be held by this machine, telling the `way` out.

    The system would not refuse it: it promises more than there is, and ends the process that takes it at its word.
    """
    if size > machine():
        raise UsageError(
            f"{what} takes {size // 10**9:,} GB of memory, and this machine has {machine() // 10**9:,}: {way}"
        )


def exhausted(error: Exception) -> bool:
    """Return whether `error` is how Python, or torch for any device, says that there is no memory left."""
    said = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)
    )
