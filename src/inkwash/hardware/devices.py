"""What only the machine needs: where to compute, in which precision and layout, and how memory is handed out."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

import torch
from torch import nn

from inkwash.errors import UsageError, unknown_name

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS: dict[str, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}


def device(name: str = "auto") -> torch.device:
    """Return the device called `name`; auto takes the first there is of cuda, mps, cpu.

    Raises `UsageError` for an unknown name or a device that this machine lacks.
    """
    if name not in DEVICES:
        raise unknown_name("device", name, DEVICES)
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    if not present[name]:
        raise UsageError(f"device {name}: torch finds none on this machine; use --device auto or cpu")
    return torch.device(name)


def precision(name: str, device: torch.device) -> torch.dtype | None:
    """Return the type that networks compute in on `device`, None for float32; "auto" is bfloat16 where that gains.

    Raises `UsageError` for an unknown name.
    """
    if name not in ("auto", *PRECISIONS):
        raise unknown_name("precision", name, ("auto", *PRECISIONS))
    if name != "auto":
        return PRECISIONS[name]
    if device.type == "cuda":
        gains = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        gains = device.type == "cpu" and _processor_multiplies_bfloat16()
    return torch.bfloat16 if gains else None


@cache
def _processor_multiplies_bfloat16() -> bool:
    # without these instructions bfloat16 is emulated and several times slower than float32
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def lay_out(net: nn.Module, device: torch.device) -> nn.Module:
    """Return `net` on `device`, in the memory layout that its layers run fastest in.

    BatchNorm and plain convolutions train faster in channels_last; GroupNorm on the CPU gains nothing there, and
    attention-unet crashes torch 2.13 in it.
    """
    grouped = any(isinstance(layer, nn.GroupNorm) for layer in net.modules())
    flat = not any(isinstance(layer, nn.Conv2d) for layer in net.modules())
    if flat or (grouped and device.type == "cpu"):
        return net.to(device)
    return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def configure(threads: int | None = None) -> None:
    """Set this process up for long computations: `threads` of the CPU (None: as torch chooses), freed memory kept.

    Raises `UsageError` for fewer than one thread.
    """
    keep_memory()
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"--threads is {threads}: give at least 1")
    torch.set_num_threads(threads)


def keep_memory() -> None:
    """Tell glibc to keep freed memory: by default it maps and page-faults tensors over 32 MiB anew at every use.

    One arena serves all threads, so that one takes up what another gave back (1 % of a training step).
    Does nothing where the C library is another.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_threshold, arenas = -1, -3, -8
    library = ctypes.CDLL(None)
    library.mallopt(mmap_threshold, 1 << 30)
    library.mallopt(trim_threshold, (1 << 31) - 1)
    library.mallopt(arenas, 1)


def describe(device: torch.device) -> dict[str, str | int]:
    """Return what a run folder tells of the machine: device, processor, threads and versions; no host and no path."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": device.type,
        "hardware": name,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.system(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            named = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        named = ""
    return named or platform.processor() or platform.machine()
