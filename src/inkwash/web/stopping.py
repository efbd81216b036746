"""A server that ends at Ctrl-C within a sampling step, without errors about the requests that it leaves."""

from __future__ import annotations

import logging
from types import FrameType

import uvicorn

from inkwash.web.queue import JobQueue


class StoppableServer(uvicorn.Server):
    """The server of an application whose jobs run in `queue`, which is closed by the first signal."""

    def __init__(self, config: uvicorn.Config, queue: JobQueue) -> None:
        super().__init__(config)
        self.queue = queue

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the queue, so that every stream ends after its current step, and stop the server."""
        self.queue.close()
        # A job of one long computation is cancelled after the timeout, which uvicorn logs as a failure with its traceback.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        super().handle_exit(sig, frame)
