"""Output in a Jupyter notebook that is replaced while a cell runs. IPython is used where it runs, and never imported."""

from __future__ import annotations

import sys
import time
from typing import Any

WAIT_SECONDS = 0.5
"""Seconds before the first output: that of a short operation would only flicker."""
UPDATE_SECONDS = 0.2
"""Seconds between updates, each of which is sent to the browser."""


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    # The shell of a terminal has no kernel.
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class NotebookOutput:
    """HTML below a cell, with plain text for programs that show no HTML, replaced by every `send`."""

    def __init__(self) -> None:
        self._next = time.perf_counter() + WAIT_SECONDS
        self._handle: Any = None

    @property
    def due(self) -> bool:
        """Whether it is time for an update."""
        return time.perf_counter() >= self._next

    @property
    def shown(self) -> bool:
        """Whether anything was shown."""
        return self._handle is not None

    def send(self, html: str, text: str) -> None:
        """Show `html` and `text`, which are one value in two forms."""
        content, display = {"text/html": html, "text/plain": text}, sys.modules["IPython"].display
        if self._handle is None:
            self._handle = display.display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
        self._next = time.perf_counter() + UPDATE_SECONDS
