"""Several processes that do one piece of work: which of them this is, what its share is, and what all of them come to.

They are started by torchrun, or by `inkwash train --processes N`, which starts torchrun's own launcher. torch's distributed
part is imported where there are several: it takes half a second, which one process does not wait for.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor, nn

from inkwash.errors import InkwashError, UsageError

PATIENCE = 300.0
"""Seconds after which a process that does not answer is given up; INKWASH_PATIENCE says otherwise."""
PREPARING = timedelta(days=1)
"""How long they wait for each other outside of training: one may download, train judges, or draw more slowly.

That a process has ended is noticed at once; a host that falls silent is, in training, after PATIENCE.
"""


class MainProcessError(UsageError):
    """The first process cannot go on and says why, so that this one has nothing to say; both leave with one exit code."""

    def __init__(self, text: str, exit_code: int = UsageError.exit_code) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True)
class ProcessGroup:
    """Process number `rank` of `count`. Every method is called by all of them, in the same order.

    `patient` is torch's process group of those who wait for PREPARING and not for PATIENCE only; `launch` is, where torchrun
    may start them anew, the name that all its attempts share and no other launch has.
    """

    rank: int = 0
    world_size: int = 1
    patient: Any = field(default=None, repr=False, compare=False)
    launch: str = ""

    @property
    def is_main(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    @property
    def is_single(self) -> bool:
        """Whether there is no other."""
        return self.world_size == 1

    def shard(self, size: int) -> slice:
        """Return this process's part of `size` things: neighbours, as many as the others have or one more or less.

        Raises `UsageError` when there is less than one for each.
        """
        if size < self.world_size:
            raise UsageError(
                f"{size} cannot be shared by {self.world_size} processes: start fewer, or give a larger batch"
            )
        return slice(size * self.rank // self.world_size, size * (self.rank + 1) // self.world_size)

    def all_reduce(self, mine: Tensor, patiently: bool = False) -> Tensor:
        """Return the sum of what each process holds, tensors of one shape; no gradient passes."""
        if self.is_single:
            return mine
        from torch import distributed as dist

        total = mine.detach().clone()
        with _told():
            dist.all_reduce(total, group=self.patient if patiently else None)
        return total

    def all_gather(self, mine: Tensor, size: int) -> Tensor:
        """Return all shares [size, ...] in the order of the processes, of which `mine` is this one's."""
        whole = mine.new_zeros((size, *mine.shape[1:]))
        whole[self.shard(size)] = mine
        return self.all_reduce(whole)

    def any(self, flag: bool) -> bool:
        """Return whether it is so in any process."""
        return flag if self.is_single else bool(self.all_reduce(torch.tensor(int(flag))))

    def broadcast(self, text: str = "") -> str:
        """Return the `text` that the first process has, however long it prepares; what others give is not heard."""
        if self.is_single:
            return text
        said = text.encode()
        length = self.all_reduce(torch.tensor(len(said) if self.is_main else 0), patiently=True)
        letters = torch.zeros(int(length), dtype=torch.uint8)
        if self.is_main:
            letters[:] = torch.tensor(list(said), dtype=torch.uint8)
        return bytes(self.all_reduce(letters).tolist()).decode()

    def barrier(self) -> None:
        """Return once all are here, however long one of them takes."""
        self.all_reduce(torch.tensor(0), patiently=True)

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Run the block in the main process first and then in the others, which find the files that it wrote.

        If the main process fails, the others raise `MainProcessError` and print nothing. A failure of another process,
        such as data missing on its host, raises `InkwashError` there.
        """
        if self.is_main:
            try:
                yield
            except BaseException as error:
                self.broadcast(str(getattr(error, "exit_code", 1)))
                raise
            self.broadcast()
        else:
            code = self.broadcast()
            if code:
                raise MainProcessError("the first process has said why", int(code))
            try:
                yield
            except UsageError as error:
                raise InkwashError(f"process {self.rank} of {self.world_size}, and not the first: {error}") from error
        # the others may take as long as the first did
        self.barrier()

    def backward(self, loss: Tensor) -> None:
        """Take the gradient of `loss`; where there are several, of the mean of theirs."""
        if self.is_single:
            loss.backward()
            return
        with _told():
            loss.backward()

    def wrap_ddp(self, net: nn.Module) -> nn.Module:
        """Return `net` with gradients that are means over all processes, by torch's DistributedDataParallel.

        BatchNorm layers of `net` see the statistics of all of them from now on. To look for unused parameters keeps the
        buckets of gradients as they are: they would be made anew after the first step, and so once more after a restart,
        with sums in another order.
        """
        if self.is_single:
            return net
        from torch.nn.parallel import DistributedDataParallel

        from inkwash.distributed.batchnorm import sync

        with warnings.catch_warnings():
            # torch 2.13 has a new word for it, which those before do not know
            warnings.simplefilter("ignore", FutureWarning)
            # buffers are alike in all of them: to send them at every forward would tie forwards to each other
            return DistributedDataParallel(sync(net), find_unused_parameters=True, broadcast_buffers=False)


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def join(device: torch.device) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started, and leave them at the end; without torchrun there is only this one.

    Raises `InkwashError` when the others do not come.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield SINGLE_PROCESS
        return
    patience = _patience()
    if int(os.environ["WORLD_SIZE"]) == 1:
        yield ProcessGroup(launch=_launch(_meeting_place(patience))) if may_restart() else SINGLE_PROCESS
        return
    from torch import distributed as dist

    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with _told():
        store = _meeting_place(patience)
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            # the launcher's outlives a restart, with the addresses of processes that are no more (pytorch issue 135712): so
            # every attempt has a corner of its own in it
            store=dist.PrefixStore(  # type: ignore[attr-defined]
                f"inkwash/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store
            ),
            rank=rank,
            world_size=world_size,
            timeout=patience,
        )
    try:
        with _told():
            patient = dist.new_group(backend="gloo", timeout=PREPARING)
            yield ProcessGroup(rank, world_size, patient, _launch(store) if may_restart() else "")
    finally:
        # torch's wrapper of the network refers to itself: what is left of it at the interpreter's end aborts the process
        gc.collect()
        dist.destroy_process_group()


def _patience() -> timedelta:
    text = os.environ.get("INKWASH_PATIENCE", str(PATIENCE))
    if not text.replace(".", "", 1).isdecimal() or not float(text):
        raise UsageError(f"INKWASH_PATIENCE is '{text}': give seconds above 0")
    return timedelta(seconds=float(text))


def _meeting_place(patience: timedelta) -> Any:
    """Return where the processes find each other: the launcher's own store where it lends that, else one of rank 0."""
    from torch import distributed as dist

    lent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    return dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        int(os.environ["WORLD_SIZE"]),
        is_master=not lent and os.environ["RANK"] == "0",
        timeout=patience,
        multi_tenant=True,
    )


def _launch(store: Any) -> str:
    """Return the name of this launch, made up by whoever asks first: torchrun's own is the user's, and often the same."""
    return store.compare_set("inkwash/launch", "", uuid4().hex).decode()


def restarted() -> bool:
    """Return whether torchrun started this process anew, after one of them had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def may_restart() -> bool:
    """Return whether torchrun will start these processes anew when one of them fails."""
    return int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")) > 0


@contextmanager
def _told() -> Iterator[None]:
    """Say in one line what a lost connection means, which torch says in many."""
    from torch import distributed as dist

    try:
        yield
    except dist.DistError as error:
        raise _lost(error) from None
    except RuntimeError as error:
        # gloo tells of a closed or silent connection by plain runtime errors
        if any(word in str(error) for word in ("gloo", "Connection", "Timed out", "pair closure", "NCCL")):
            raise _lost(error) from None
        raise


def _lost(error: Any) -> InkwashError:
    reason = " ".join(str(error).split())[:120]
    return InkwashError(
        f"another process of this run is gone or silent ({reason}): see what it said; 'inkwash train RUN' goes on from "
        "the last checkpoint"
    )
