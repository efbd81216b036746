"""The same work as users of diffusers write it: a U-Net of the same size, their training step, their schedulers."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import diffusers
import torch
from torch import Tensor, nn

from inkwash.data import encode
from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.nets import summary
from inkwash.sampling.run import to_output

from .subjects import Subject
from .timing import Workload
from .workloads import BATCH, sampling, training

SCHEDULERS = {"ddpm": "DDPMScheduler", "ddim:50": "DDIMScheduler", "dpm++2m:20": "DPMSolverMultistepScheduler"}
"""Samplers and the scheduler of diffusers that computes the same update."""

NUM_TIMESTEPS = 1000
TIMED_DDPM_STEPS = 20
"""Steps of ddpm that are timed: every step costs the same."""

GROUP = 8
"""Channels of a group and of an attention head: every width is a multiple of it."""

MAX_WIDTH = 256
MAX_STAGES = 3
"""Stages of the U-Net in the diffusers course (28, 14 and 7 pixels)."""

PARAMETER_TOLERANCE = 0.1


@dataclass(frozen=True, eq=False)
class DiffusersUNet:
    """A `UNet2DModel` with the shape and classes of `model` and about as many parameters."""

    model: Model

    def __post_init__(self) -> None:
        if self.model.spec.is_points:
            text = f"--against: diffusers has no network for points: {self.model.name}; name an image model"
            raise UsageError(text, code="unsupported", field="against")

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stages: within 10 % of the parameters, nearest to the course's proportions 1 : 2 : 2."""
        wanted = summary.parameters(self.model.net)
        # Parameters grow with the widths, so that the best proportional ones are found by bisection.
        proportional = [(width, *[2 * width] * (self._stages - 1)) for width in range(GROUP, MAX_WIDTH, GROUP)]
        above = bisect(proportional, wanted, hi=len(proportional) - 1, key=self._parameters)
        gaps = {
            widths: abs(self._parameters(widths) / wanted - 1)
            for base in proportional[max(0, above - 1) : above + 1]
            for widths in product(*([max(GROUP, width + GROUP * k) for k in (-1, 0, 1)] for width in base))
        }
        near = [widths for widths, gap in gaps.items() if gap <= PARAMETER_TOLERANCE]
        if not near:
            return min(gaps, key=lambda widths: gaps[widths])
        return min(near, key=lambda widths: sum(abs(math.log(each / (2 * widths[0]))) for each in widths[1:]))

    @cached_property
    def net(self) -> nn.Module:
        """The network with random weights of a fixed seed, on the device of the model."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            return self._build(self.widths).to(self.model.device)

    @property
    def description(self) -> str:
        """Parameters and operations of a forward pass, for the heading of a report."""
        forward = summary.flops(
            self.net, self.model.spec.shape, lambda net, x: net(x, NUM_TIMESTEPS // 2, self._labels(1))
        )
        return (
            f"diffusers {diffusers.__version__}, UNet2DModel {self.widths}: "
            f"{summary.parameters(self.net):,} parameters, {forward / 1e6:,.1f} MFLOP a forward"
        )

    def training_step(self, batch: int, pixels: Tensor, autocast: torch.dtype | None) -> Callable[[], float]:
        """Return a training step on `pixels`, uint8 [N, C, H, W]: AdamW on the MSE of the noise, gradient clipped."""
        device = self.model.device
        scheduler = diffusers.DDPMScheduler(num_train_timesteps=NUM_TIMESTEPS)
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-4)
        generator = torch.Generator(device).manual_seed(0)
        images, labels = encode(pixels[:batch]).to(device), self._labels(batch)

        def step() -> float:
            self.net.train()
            noise = torch.randn(images.shape, generator=generator, device=device)
            timesteps = torch.randint(0, NUM_TIMESTEPS, (batch,), generator=generator, device=device)
            noisy = scheduler.add_noise(images, noise, timesteps)  # type: ignore[attr-defined]
            with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
                predicted = self.net(noisy, timesteps, labels, return_dict=False)[0]
                loss = nn.functional.mse_loss(predicted.float(), noise)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return loss.item()

        return step

    def sampling(self, scheduler: str, steps: int, count: int, autocast: torch.dtype | None) -> Callable[[], Tensor]:
        """Return the generation of `count` images in `steps` of the scheduler class, as in the pipelines of diffusers."""
        device, shape, labels = self.model.device, self.model.spec.shape, self._labels(count)
        used = getattr(diffusers, scheduler)(num_train_timesteps=NUM_TIMESTEPS)

        @torch.inference_mode()
        def generate() -> Tensor:
            self.net.eval()
            generator = torch.Generator(device).manual_seed(0)
            used.set_timesteps(steps)
            x = torch.randn((count, *shape), generator=generator, device=device)
            for timestep in used.timesteps:
                with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
                    predicted = self.net(x, timestep, labels, return_dict=False)[0]
                x = used.step(predicted.float(), timestep, x, generator=generator).prev_sample
            return to_output(self.model, x)

        return generate

    @property
    def _num_classes(self) -> int:
        return self.model.spec.num_classes(self.model.conditional)

    def _labels(self, count: int) -> Tensor | None:
        return torch.arange(count, device=self.model.device) % self._num_classes if self._num_classes else None

    @property
    def _stages(self) -> int:
        # Every stage but the first halves the side, which must be even.
        stages = 1
        while stages < MAX_STAGES and all(side % 2**stages == 0 for side in self.model.spec.shape[1:]):
            stages += 1
        return stages

    def _parameters(self, widths: tuple[int, ...]) -> int:
        with torch.device("meta"):
            return summary.parameters(self._build(widths))

    def _build(self, widths: tuple[int, ...]) -> Any:
        channels, attended = self.model.spec.shape[0], len(widths) - 1
        return diffusers.UNet2DModel(
            sample_size=tuple(self.model.spec.shape[1:]),
            in_channels=channels,
            out_channels=channels,
            layers_per_block=2,
            block_out_channels=widths,
            down_block_types=("DownBlock2D", *["AttnDownBlock2D"] * attended),
            up_block_types=(*["AttnUpBlock2D"] * attended, "UpBlock2D"),
            norm_num_groups=GROUP,
            attention_head_dim=GROUP,
            num_class_embeds=self._num_classes or None,
        )


def training_pair(subject: Subject, theirs: DiffusersUNet, precision: str) -> Workload:
    """Return a training step of inkwash whose reference is that of diffusers, on batches of one size."""
    ours = training(subject, precision)
    step = theirs.training_step(ours.images or 0, subject.data.values, devices.PRECISIONS[precision])
    return _paired(ours, step)


def sampling_pair(subject: Subject, theirs: DiffusersUNet, sampler: str, precision: str) -> Workload:
    """Return the sampling of a batch whose reference is that of diffusers, with as many network evaluations."""
    total = subject.model.sampler(sampler).evaluations
    timed = min(TIMED_DDPM_STEPS, total) if sampler == "ddpm" else total
    ours = sampling(subject, f"ddpm:{timed}" if sampler == "ddpm" else sampler, precision)
    generate = theirs.sampling(SCHEDULERS[sampler], timed, BATCH, devices.PRECISIONS[precision])
    return _paired(ours, generate, f"{BATCH} by {sampler} ({total})", timed / total)


def _paired(ours: Workload, call: Callable[[], object], name: str | None = None, fraction: float = 1.0) -> Workload:
    name = name or ours.name
    theirs = Workload(ours.model, f"{name}, diffusers", ours.precision, call, images=ours.images, fraction=fraction)
    flops = None if ours.flops is None else round(ours.flops / fraction)
    return Workload(
        ours.model,
        name,
        ours.precision,
        ours.call,
        flops=flops,
        images=ours.images,
        fraction=fraction,
        reference=theirs,
    )
