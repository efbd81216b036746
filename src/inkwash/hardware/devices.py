"""Device, precision, memory layout, threads and memory allocation."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from functools import cache

import torch
from torch import nn

from inkwash.errors import UsageError, unknown_name

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS: dict[str, torch.dtype | None] = {"float32": None, "bfloat16": torch.bfloat16}


def device(name: str | torch.device = "auto") -> torch.device:
    """Return the device `name`, which may be one of torch; auto is the first available of cuda, mps, cpu.

    Raises `UsageError` for an unknown name or a device that is not available.
    """
    given, name = name, name.type if isinstance(name, torch.device) else name
    if name not in DEVICES:
        raise unknown_name("device", name, DEVICES)
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    if not present[name]:
        raise UsageError(
            f"device {name} is not available: use --device auto or cpu", code="missing-device", field="device"
        )
    return given if isinstance(given, torch.device) else torch.device(name)


def precision(name: str, device: torch.device) -> torch.dtype | None:
    """Return the dtype of networks on `device`, None for float32; "auto" is bfloat16 where hardware supports it.

    Raises `UsageError` for an unknown name.
    """
    if name not in ("auto", *PRECISIONS):
        raise unknown_name("precision", name, ("auto", *PRECISIONS))
    if name != "auto":
        return PRECISIONS[name]
    if device.type == "cuda":
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        supported = device.type == "cpu" and _cpu_supports_bfloat16()
    return torch.bfloat16 if supported else None


@cache
def _cpu_supports_bfloat16() -> bool:
    # Without these instructions bfloat16 is emulated and several times slower than float32.
    checks = [getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")]
    return any(check() for check in checks if check is not None)


def to_device(net: nn.Module, device: torch.device) -> nn.Module:
    """Return `net` on `device`, in the fastest memory layout of its layers.

    BatchNorm and convolutions train faster in channels_last; GroupNorm on the CPU does not, and attention-unet crashes
    torch 2.13 there.
    """
    grouped = any(isinstance(layer, nn.GroupNorm) for layer in net.modules())
    flat = not any(isinstance(layer, nn.Conv2d) for layer in net.modules())
    if flat or (grouped and device.type == "cpu"):
        return net.to(device)
    return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def configure(threads: int | None = None) -> None:
    """Configure this process for long computations: `threads` of the CPU (None: the default of torch), memory reuse.

    Garbage collection that was paused while modules were imported begins, and leaves the objects of these modules out.
    Raises `UsageError` for fewer than one thread.
    """
    configure_malloc()
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"--threads is {threads}: give at least 1", code="out-of-range", field="threads")
    torch.set_num_threads(threads)


def configure_malloc() -> None:
    """Configure glibc to keep freed memory: by default it maps tensors over 32 MiB, with page faults, at every use.

    One arena serves all threads, so that they reuse each other's memory (1 % of a training step). Does nothing with other
    C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, mmap_threshold, arenas = -1, -3, -8
    library = ctypes.CDLL(None)
    library.mallopt(mmap_threshold, 1 << 30)
    library.mallopt(trim_threshold, (1 << 31) - 1)
    library.mallopt(arenas, 1)


def environment_info(device: torch.device) -> dict[str, str | int]:
    """Return the hardware and software for environment.json: device, processor, threads, versions; no host or path."""
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
