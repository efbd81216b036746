"""Interleaved timing: on a shared machine only workloads that alternate within one run can be compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.benchmark import Timer

MIN_RUN_TIME = 0.5
"""Seconds for which a workload is repeated in a trial."""


@dataclass(frozen=True)
class Workload:
    """A function to time, with what is needed to express its seconds as rates.

    `flops` of one call (a multiply-add counts 2); `images` that a call trains on or samples; a call is the `fraction` of
    the described work (20 of 1,000 steps: 0.02). `memory` measures the peak memory in bytes of a process that does this
    work only. `reference` is the same work in diffusers.
    """

    model: str
    name: str
    precision: str
    call: Callable[[], object]
    flops: int | None = None
    images: int | None = None
    fraction: float = 1.0
    memory: Callable[[], int | None] | None = None
    reference: Workload | None = None


@dataclass(frozen=True)
class Quartiles:
    """Median and quartiles of the trials."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Quartiles:
        """Return the quartiles of at least one value, interpolated linearly (Hyndman & Fan, 1996, type 7)."""
        found = list(values)
        return cls(*(statistics.quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3))


def interleaved(
    workloads: Sequence[Workload], trials: int, clock: Callable[[], float] = time.perf_counter
) -> Iterator[tuple[int, float]]:
    """Time the workloads in turn (A B C A B C), `trials` times; yield the index and the seconds of the described work.

    In each trial a workload is called once without being timed, then for `MIN_RUN_TIME` seconds; the median counts.
    """
    threads = torch.get_num_threads()
    timers = [Timer("call()", globals={"call": each.call}, timer=clock, num_threads=threads) for each in workloads]
    for _ in range(trials):
        for index, (workload, timer) in enumerate(zip(workloads, timers, strict=True)):
            yield index, timer.blocked_autorange(min_run_time=MIN_RUN_TIME).median / workload.fraction
