"""Start several processes on this machine with torchrun's launcher."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from uuid import uuid4

from inkwash.errors import UsageError
from inkwash.hardware import memory

MIN_PROCESS_BYTES = 200 << 20
"""Bytes of memory of a process before it computes anything."""


def launch(count: int, arguments: Sequence[str]) -> int:
    """Run `inkwash` with `arguments` in `count` processes here and return the exit code of the first that failed, or 0.

    Cores are divided among them unless OMP_NUM_THREADS is set. Raises `UsageError` for a count below 1, and when torch
    was built without torch.distributed.
    """
    if count < 1:
        raise UsageError(f"--processes is {count}: it must be at least 1", code="out-of-range", field="processes")
    memory.require(count * MIN_PROCESS_BYTES, f"--processes {count}", "give fewer", "processes")
    try:
        from torch.distributed.elastic.multiprocessing import SignalException
        from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
        from torch.distributed.launcher.api import LaunchConfig, elastic_launch
    except ImportError:
        raise UsageError(
            "--processes: this torch has no torch.distributed; leave it out", code="unsupported", field="processes"
        ) from None
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    # Each process prints its own errors in one line.
    logging.disable(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "inkwash", *arguments)
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        # Return the exit code of a shell for a process killed by a signal.
        return code if code > 0 else 128 - code
    except SignalException:
        return 130
    return 0
