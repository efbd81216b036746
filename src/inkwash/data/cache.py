"""Where is kept what was fetched, or was long to make: downloads, judges, samples, pixels."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Return the folder: INKWASH_CACHE, or inkwash's own in the user's cache."""
    own = os.environ.get("INKWASH_CACHE")
    if own:
        return Path(own).expanduser()
    import pooch

    return Path(pooch.os_cache("inkwash"))
