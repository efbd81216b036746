"""Python files of the user's own that `--with` ran: what their modules are called, and a hash of each."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

PREFIX = "inkwash_with_"


def hashes() -> list[str]:
    """Return a short hash of each file that was run: what was made by an edited one is no longer what it was."""
    files = [Path(module.__file__ or "") for name, module in sys.modules.items() if name.startswith(PREFIX)]
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in files if file.is_file())
