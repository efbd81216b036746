"""The machine's own convolution peak, measured in the same turns as the work: what a 3x3 convolution reaches here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch.nn import functional

from inkwash.core.noise import Stream, normals
from inkwash.hardware import devices
from inkwash.speed.flops import counted, rates
from inkwash.speed.trials import Piece, Turns, lasting, once

SHAPES = ((64, 28, 64), (64, 14, 256), (128, 7, 256))
"""Channels, side and batch of the convolutions that are tried: 3.7 GFLOP each, as wide as networks of small images are."""

LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}

AT_ONCE = 8
"""Times the batch on an accelerator, which a small one would leave idle."""


@dataclass(frozen=True)
class Peak:
    """The convolution of `flops` operations that is the fastest here in `precision`, as a piece of work."""

    precision: str
    convolution: str
    flops: int
    piece: Piece

    def gflops(self, turns: Turns) -> tuple[float, ...]:
        """Return the GFLOP/s that it reached in each turn."""
        return rates(self.flops, turns[self.piece.name])


def gaining(device: torch.device) -> tuple[str, ...]:
    """Return the precisions worth measuring on `device`: float32, and bfloat16 where that gains."""
    fast = devices.precision("auto", device)
    return ("float32",) if fast is None else ("float32", "bfloat16")


def find(precision: str, device: torch.device) -> Peak:
    """Return the peak in `precision` on `device`: the fastest of all shapes in both layouts, each tried for a moment.

    In a turn it fills as long as other work does, so that neighbours on the machine slow both alike.
    """
    tried = []
    for shape, layout in product(SHAPES, LAYOUTS):
        work = convolution(shape, LAYOUTS[layout], precision, device)
        flops = counted(work)
        tried.append(
            (flops / min(once(work) for _ in range(2)), flops, f"{shape[0]} at {shape[1]}x{shape[1]} {layout}", work)
        )
    _, flops, told, work = max(tried, key=lambda each: each[0])
    return Peak(precision, told, flops, lasting(f"peak {precision}", work))


def convolution(
    shape: tuple[int, int, int], layout: torch.memory_format, precision: str, device: torch.device
) -> Callable[[], object]:
    """Return a 3x3 convolution of (channels, side, batch) to as many channels, ready to be called."""
    channels, side, batch = shape
    dtype = devices.PRECISIONS[precision] or torch.float32
    batch *= 1 if device.type == "cpu" else AT_ONCE
    weight = normals(0, torch.arange(channels), 0, Stream.EVALUATION, (channels, 3, 3))
    # one example over and over: what is in it does not matter, only that no number is an exception
    image = normals(1, torch.arange(1), 0, Stream.EVALUATION, (channels, side, side)).expand(batch, -1, -1, -1)
    weight, image = (tensor.to(device, dtype).contiguous(memory_format=layout) for tensor in (weight, image))

    @torch.inference_mode()
    def work() -> object:
        return functional.conv2d(image, weight, padding=1)

    return work
