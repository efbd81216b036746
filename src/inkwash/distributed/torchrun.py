"""Join the processes that torchrun starts, or torchrun's launcher for `inkwash train --processes N`."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch

from inkwash.distributed.process_group import SINGLE_PROCESS, ProcessGroup, connection_errors
from inkwash.errors import UsageError

COLLECTIVE_TIMEOUT_SECONDS = 300.0
"""Seconds until a collective operation in training times out; INKWASH_PATIENCE overrides it."""
SETUP_TIMEOUT = timedelta(days=1)
"""Timeout outside of training, where one process may download data, train extractors or sample more slowly.

The end of a process is detected at once, a host that is cut off after COLLECTIVE_TIMEOUT_SECONDS.
"""


@contextmanager
def join(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the process group that torchrun started, and leave it at the end; without torchrun it has one process.

    Raises `InkwashError` when the others cannot be reached.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield SINGLE_PROCESS
        return
    timeout = _collective_timeout()
    if num_processes() == 1:
        yield ProcessGroup(launch_id=_launch(_store(timeout))) if may_restart() else SINGLE_PROCESS
        return
    from torch import distributed as dist

    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with connection_errors():
        store = _store(timeout)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            # The launcher's store survives a restart with the addresses of ended processes (pytorch issue 135712):
            # every restart uses another prefix.
            store=dist.PrefixStore(  # type: ignore[attr-defined]
                f"inkwash/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store
            ),
            rank=rank,
            world_size=world_size,
            timeout=timeout,
        )
    try:
        with connection_errors():
            slow_group = dist.new_group(backend="gloo", timeout=SETUP_TIMEOUT)
            yield ProcessGroup(rank, world_size, slow_group, _launch(store) if may_restart() else "")
    finally:
        # DistributedDataParallel is in a reference cycle: left to the interpreter's exit, it aborts the process.
        gc.collect()
        dist.destroy_process_group()


def _collective_timeout() -> timedelta:
    text = os.environ.get("INKWASH_PATIENCE", str(COLLECTIVE_TIMEOUT_SECONDS))
    if not text.replace(".", "", 1).isdecimal() or not float(text):
        raise UsageError(
            f"INKWASH_PATIENCE is '{text}': give seconds above 0", code="invalid-value", field="INKWASH_PATIENCE"
        )
    return timedelta(seconds=float(text))


def _store(timeout: timedelta) -> Any:
    """Return the key-value store of the processes: that of the launcher if it offers one, else one of rank 0."""
    from torch import distributed as dist

    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        int(os.environ["WORLD_SIZE"]),
        is_master=not shared and os.environ["RANK"] == "0",
        timeout=timeout,
        multi_tenant=True,
    )


def _launch(store: Any) -> str:
    """Return an identifier of this launch, which the first process to call sets: users often repeat torchrun's own."""
    return store.compare_set("inkwash/launch", "", uuid4().hex).decode()


def num_processes() -> int:
    """Return the number of processes that torchrun started, 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def restarted() -> bool:
    """Return whether torchrun restarted the processes after one of them failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def may_restart() -> bool:
    """Return whether torchrun restarts the processes when one of them fails."""
    return int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")) > 0
