"""Peak memory of a workload, measured in a fresh process that does nothing else."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from inkwash.hardware import devices

CALLS = 3
"""Calls after which memory no longer grows."""


def peak_memory(kind: str, name: str, sampler: str | None, precision: str, device: str) -> int | None:
    """Return the peak bytes of a process that does this work, Python, torch and data included; on cuda the device's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, kind, name, sampler, precision, device).result()


def _measured(kind: str, name: str, sampler: str | None, precision: str, device: str) -> int | None:
    from . import workloads
    from .subjects import Subject

    devices.configure_malloc()
    subject = Subject.load(name, devices.device(device))
    if kind == "training":
        workload = workloads.training(subject, precision)
        for _ in range(CALLS):
            workload.call()
    else:
        workloads.sampling(subject, sampler, precision).call()
    return held_at_most(device)


def held_at_most(device: str) -> int | None:
    """Return the most bytes that this process has held so far, on cuda those of the device."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    # Do not use ru_maxrss on Linux: there that of a child begins at that of its parent.
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        peak = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
        return None if peak is None else 1024 * int(peak)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
