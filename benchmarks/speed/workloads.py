"""The workloads: the convolution peak, training steps, sampling and starts of the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from inkwash.core.rng import Stream, normals
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.nets import summary
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.training.trainer import Trainer

from .memory import peak_memory
from .subjects import Subject
from .timing import Workload, interleaved

BATCH = 64
"""Images that a sampling workload generates in one batch."""

CONVOLUTIONS = ((64, 28, 64), (64, 14, 256), (128, 7, 256))
"""Channels, side and batch of the 3x3 convolutions tried for the peak: 3.7 GFLOP each."""

LAYOUTS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}

ACCELERATOR_BATCHES = 8
"""Factor on the batch of a convolution on an accelerator, which a small one would leave idle."""


def peak(precision: str, device: torch.device) -> Workload:
    """Return the convolution that is fastest on `device` in `precision`, of all shapes in both memory layouts."""
    tried = [convolution(*case, precision, device) for case in product(CONVOLUTIONS, LAYOUTS)]
    seconds = dict(interleaved(tried, 1))
    return max(tried, key=lambda each: (each.flops or 0) / seconds[tried.index(each)])


def convolution(shape: tuple[int, int, int], layout: str, precision: str, device: torch.device) -> Workload:
    """Return a 3x3 convolution of (channels, side, batch) to as many channels."""
    channels, side, batch = shape
    dtype = devices.PRECISIONS[precision] or torch.float32
    batch *= 1 if device.type == "cpu" else ACCELERATOR_BATCHES
    weight = normals(0, torch.arange(channels), 0, Stream.BENCHMARK, (channels, 3, 3))
    image = normals(1, torch.arange(1), 0, Stream.BENCHMARK, (channels, side, side)).expand(batch, -1, -1, -1)
    weight, image = (x.to(device, dtype).contiguous(memory_format=LAYOUTS[layout]) for x in (weight, image))
    work = torch.inference_mode()(partial(functional.conv2d, image, weight, padding=1))
    return Workload("", f"convolution, {channels} at {side}x{side} {layout}", precision, work, flops=flops_of(work))


def flops_of(call: Callable[[], object]) -> int:
    """Return the operations of `call`: matrix products, convolutions and attention, a multiply-add as 2."""
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())


def forward_flops(model: Model) -> int:
    """Return the operations of one network evaluation of one example."""
    label = torch.zeros(1, dtype=torch.int64, device=model.device) if model.conditional else None
    c_noise = torch.full((1,), 0.5, device=model.device)
    return summary.flops(model.net, model.spec.shape, lambda net, x: net(x, c_noise, label))


def training(subject: Subject, precision: str | None = None) -> Workload:
    """Return one training step of the recipe (None: in its precision): batch, noise, gradients, optimizer and EMA."""
    recipe, device, endless = subject.model.recipe, subject.model.device, "1000000 steps"
    changed = replace(recipe.training, length=endless, milestones=(endless,))
    if precision:
        changed = replace(changed, precision=cast(Literal["float32", "bfloat16"], precision))
    trainer = Trainer(replace(recipe, training=changed), subject.data, device=device)
    used = "float32" if trainer.precision is None else "bfloat16"
    call = partial(next, trainer.steps())
    return Workload(
        subject.name,
        f"training step of {changed.batch}",
        used,
        call,
        flops=flops_of(call),
        images=changed.batch,
        memory=partial(peak_memory, "training", subject.name, None, used, device.type),
    )


def sampling(subject: Subject, sampler: str | None, precision: str, count: int = BATCH) -> Workload:
    """Return the generation of `count` images in one batch without guidance (sampler None: the recipe's preview)."""
    model = subject.model
    chosen = sampler or model.recipe.sampling.preview
    run = resolve(SampleRequest(n=count, sampler=chosen, guidance=1.0, precision=precision), model)
    used = run.sampler

    def call() -> torch.Tensor:
        return next(run.batches(count)).values

    return Workload(
        subject.name,
        f"{count} by {used.kind}:{used.steps} ({used.evaluations})",
        precision,
        call,
        flops=used.evaluations * count * forward_flops(model),
        images=count,
        memory=partial(peak_memory, "sampling", subject.name, sampler, precision, model.device.type)
        if count == BATCH
        else None,
    )


def starts(subject: Subject) -> list[Workload]:
    """Return fresh processes: the command, the import and, of a trained model, sampling of a batch."""
    found = {"inkwash --version": ["-m", "inkwash", "--version"], "import inkwash": ["-c", "import inkwash"]}
    if subject.trained:
        command = ["sample", subject.name, "-n", str(BATCH), "--sampler", subject.model.recipe.sampling.preview]
        more = ["--device", subject.model.device.type, "-q", "-o", "samples.png"]
        found[" ".join(["inkwash", *command])] = ["-m", "inkwash", *command, *more]
    return [Workload("", name, "", partial(run_python, words)) for name, words in found.items()]


def run_python(words: list[str]) -> None:
    """Run this Python in an empty folder, with as many threads as this process. Raises `CalledProcessError`."""
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with TemporaryDirectory() as folder:
        absolute = [str(Path(word).resolve()) if Path(word).exists() else word for word in words]
        subprocess.run([sys.executable, *absolute], cwd=folder, env=environment, capture_output=True, check=True)
