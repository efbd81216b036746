"""The memory of this machine: its size, checks of requests against it, and errors for lack of it."""

from __future__ import annotations

import os
import sys

from inkwash.errors import UsageError


def total_memory() -> int:
    """Return the bytes of memory of this machine; where they are unknown, the largest integer."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return sys.maxsize


def require(num_bytes: int, purpose: str, remedy: str, field: str | None = None) -> None:
    """Raise `UsageError` when `purpose` takes more bytes than this machine has; `remedy` is what to do about `field`.

    The check is needed because Linux overcommits: the allocation succeeds, and the process is killed later.
    """
    if num_bytes > total_memory():
        raise UsageError(
            f"{purpose} takes {num_bytes // 10**9:,} GB of memory, and this machine has {total_memory() // 10**9:,}: {remedy}",
            code="too-large",
            field=field,
        )


def is_out_of_memory(error: Exception) -> bool:
    """Return whether `error` is that of Python, or of torch on any device, for exhausted memory."""
    text = str(error)
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)
    )
