"""A group of processes: rank, shards and collective operations.

torch.distributed is imported only when there are several processes, because that takes half a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from inkwash.errors import InkwashError, UsageError


class MainProcessError(UsageError):
    """A failure of the main process, which prints the reason; the others exit with the same code and print nothing."""

    def __init__(self, text: str, exit_code: int = UsageError.exit_code) -> None:
        super().__init__(text, code="worker-failed")
        self.exit_code = exit_code


@dataclass(frozen=True)
class ProcessGroup:
    """Process `rank` of `world_size`. Every method must be called by all processes in the same order.

    `slow_group` is the torch process group with the long timeout for work outside of training. `launch_id` is set when
    torchrun may restart the processes: an identifier that all restarts of this launch share.
    """

    rank: int = 0
    world_size: int = 1
    slow_group: Any = field(default=None, repr=False, compare=False)
    launch_id: str = ""

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and prints messages."""
        return self.rank == 0

    @property
    def is_single(self) -> bool:
        """Whether this is the only process."""
        return self.world_size == 1

    def shard(self, size: int) -> slice:
        """Return this process's contiguous shard of `size` items; sizes of shards differ by at most one.

        Raises `UsageError` when there are fewer items than processes.
        """
        if size < self.world_size:
            raise UsageError(
                f"{size} examples cannot be divided among {self.world_size} processes: start fewer, or give a larger batch",
                code="out-of-range",
                field="processes",
            )
        return slice(size * self.rank // self.world_size, size * (self.rank + 1) // self.world_size)

    def all_reduce(self, value: Tensor, slow: bool = False) -> Tensor:
        """Return the sum of `value` over processes, without gradient; `slow` uses the long timeout of `slow_group`."""
        if self.is_single:
            return value
        from torch import distributed as dist

        total = value.detach().clone()
        with connection_errors():
            dist.all_reduce(total, group=self.slow_group if slow else None)
        return total

    def all_gather(self, shard: Tensor, size: int) -> Tensor:
        """Return the shards of all processes, concatenated in the order of ranks [size, ...]."""
        gathered = shard.new_zeros((size, *shard.shape[1:]))
        gathered[self.shard(size)] = shard
        return self.all_reduce(gathered)

    def any_process(self, flag: bool) -> bool:
        """Return whether `flag` is true in any process."""
        return flag if self.is_single else bool(self.all_reduce(torch.tensor(int(flag))))

    def broadcast(self, text: str = "") -> str:
        """Return the `text` of the main process in all processes."""
        if self.is_single:
            return text
        encoded = text.encode()
        length = self.all_reduce(torch.tensor(len(encoded) if self.is_main else 0), slow=True)
        data = torch.zeros(int(length), dtype=torch.uint8)
        if self.is_main:
            data[:] = torch.tensor(list(encoded), dtype=torch.uint8)
        return bytes(self.all_reduce(data).tolist()).decode()

    def barrier(self) -> None:
        """Wait for all processes, with the long timeout of `slow_group`."""
        self.all_reduce(torch.tensor(0), slow=True)

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
                raise MainProcessError("the main process prints the reason", int(code))
            try:
                yield
            except UsageError as error:
                raise InkwashError(
                    f"process {self.rank} of {self.world_size}: {error}",
                    code=error.code,
                    field=error.field,
                ) from error
        # The others may take as long as the main process did.
        self.barrier()

    def backward(self, loss: Tensor) -> None:
        """Compute the gradient of `loss`, averaged over processes."""
        if self.is_single:
            loss.backward()
            return
        with connection_errors():
            loss.backward()

    def wrap_ddp(self, net: nn.Module) -> nn.Module:
        """Return `net` wrapped by DistributedDataParallel, which averages gradients over processes.

        The BatchNorm layers of `net` are converted in place to use the statistics of all processes.
        find_unused_parameters keeps the gradient buckets fixed: otherwise they are rebuilt after the first step of every
        session, which changes the order of sums and with it the resumed run.
        """
        if self.is_single:
            return net
        from torch.nn.parallel import DistributedDataParallel

        from inkwash.distributed.batchnorm import convert_sync_batchnorm

        with warnings.catch_warnings():
            # torch 2.13 renames an argument, and older versions do not have the new name.
            warnings.simplefilter("ignore", FutureWarning)
            # Buffers are equal in all processes: broadcasting them would make every forward pass a collective one.
            return DistributedDataParallel(
                convert_sync_batchnorm(net), find_unused_parameters=True, broadcast_buffers=False
            )


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def connection_errors() -> Iterator[None]:
    """Raise errors of the connection between processes as `InkwashError`, in one line."""
    from torch import distributed as dist

    try:
        yield
    except dist.DistError as error:
        raise _lost(error) from None
    except RuntimeError as error:
        # gloo raises RuntimeError for connections that are closed or time out.
        if any(word in str(error) for word in ("gloo", "Connection", "Timed out", "pair closure", "NCCL")):
            raise _lost(error) from None
        raise


def _lost(error: Any) -> InkwashError:
    reason = " ".join(str(error).split())[:120]
    return InkwashError(
        f"lost the connection to another process ({reason}): see its messages; 'inkwash train RUN' resumes from the "
        "last checkpoint",
        code="worker-failed",
    )
