"""The same work as users of diffusers write it: a U-Net of the same size, their training step, their schedulers."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from inkwash.data import encode
from inkwash.errors import UsageError, missing_extra
from inkwash.model import Model
from inkwash.nets import summary
from inkwash.sampling.run import to_output

T = 1000
"""Timesteps that their schedulers are made with, and their default."""

GROUP = 8
"""Channels of a group and of a head: widths are multiples of it, so that a network of nearly any size can be had."""

WIDEST = 256
NEAR = 0.1
"""The share of our parameters that theirs may have more or less."""

DEEPEST = 3
"""Stages at most: their course's U-Net for MNIST has as many (28, 14 and 7 pixels)."""


def library() -> Any:
    """Return diffusers. Raises `UsageError`, with what to install, where it is missing."""
    try:
        import diffusers
    except ImportError:
        raise missing_extra("--against", "interop") from None
    return diffusers


@dataclass(frozen=True, eq=False)
class Theirs:
    """Their U-Net beside our `model`: its channels, classes and about its number of parameters."""

    model: Model

    def __post_init__(self) -> None:
        if self.model.spec.is_points:
            raise UsageError(f"--against: diffusers has no network for points, which {self.model.name} draws")
        library()

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The channels of its stages: of those that come to within 10 % of our parameters, the nearest to 1 : 2 : 2.

        Those are the proportions of their course. Where none comes so near, the channels that come nearest.
        """
        wanted = summary.parameters(self.model.net)
        deeper = self._stages() - 1
        gaps: dict[tuple[int, ...], float] = {}

        def gap(widths: tuple[int, ...]) -> float:
            gaps[widths] = gaps.get(widths) or abs(self._parameters(widths) / wanted - 1)
            return gaps[widths]

        straight = [(width, *[2 * width] * deeper) for width in range(GROUP, WIDEST, GROUP)]
        # parameters grow with the widths
        above = bisect(straight, wanted, hi=len(straight) - 1, key=self._parameters)
        least = min(straight[max(0, above - 1) : above + 1], key=gap)
        for around in product(*([max(GROUP, width + GROUP * k) for k in (-1, 0, 1)] for width in least)):
            gap(around)
        near = [widths for widths in gaps if gaps[widths] <= NEAR]
        return min(near, key=_bent) if near else min(gaps, key=gap)

    @cached_property
    def net(self) -> nn.Module:
        """The network with weights of its own on our model's device, initialised by fixed numbers."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            made = self._made(self.widths)
        return made.to(self.model.device)

    @property
    def flops(self) -> int:
        """The operations of one forward of one example."""
        return summary.flops(self.net, self.model.spec.shape, lambda net, x: net(x, T // 2, self._labels(1)))

    def training(self, batch: int, pixels: Tensor, autocast: torch.dtype | None) -> Callable[[], object]:
        """Return one training step on a `batch` of `pixels`, uint8 [N, C, H, W], as their documents write it.

        AdamW, the squared error of the noise, a clipped gradient. The batch lies ready, without loader or average.
        """
        place = self.model.device
        scheduler = library().DDPMScheduler(num_train_timesteps=T)
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-4)
        generator = torch.Generator(place).manual_seed(0)
        images, labels = encode(pixels[:batch]).to(place), self._labels(batch)

        def step() -> float:
            self.net.train()
            noise = torch.randn(images.shape, generator=generator, device=place)
            timesteps = torch.randint(0, T, (batch,), generator=generator, device=place)
            noisy = scheduler.add_noise(images, noise, timesteps)
            with torch.autocast(place.type, dtype=autocast, enabled=autocast is not None):
                said = self.net(noisy, timesteps, labels, return_dict=False)[0]
                loss = nn.functional.mse_loss(said.float(), noise)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            return loss.item()

        return step

    def drawing(self, scheduler: str, steps: int, count: int, autocast: torch.dtype | None) -> Callable[[], Tensor]:
        """Return the drawing of `count` images by the `scheduler` of that class name in `steps`, as their pipelines do."""
        place, shape = self.model.device, self.model.spec.shape
        made = getattr(library(), scheduler)(num_train_timesteps=T)
        labels = self._labels(count)

        @torch.inference_mode()
        def draw() -> Tensor:
            self.net.eval()
            generator = torch.Generator(place).manual_seed(0)
            made.set_timesteps(steps)
            x = torch.randn((count, *shape), generator=generator, device=place)
            for timestep in made.timesteps:
                with torch.autocast(place.type, dtype=autocast, enabled=autocast is not None):
                    said = self.net(x, timestep, labels, return_dict=False)[0]
                x = made.step(said.float(), timestep, x, generator=generator).prev_sample
            return to_output(self.model, x)

        return draw

    def _labels(self, count: int) -> Tensor | None:
        classes = self._classes()
        return torch.arange(count, device=self.model.device) % classes if classes else None

    def _classes(self) -> int:
        return self.model.spec.num_classes(self.model.conditional)

    def _stages(self) -> int:
        # every stage but the first halves the side, which must come out even
        sides, stages = self.model.spec.shape[1:], 1
        while stages < DEEPEST and all(side % 2**stages == 0 for side in sides):
            stages += 1
        return stages

    def _parameters(self, widths: tuple[int, ...]) -> int:
        with torch.device("meta"):
            return summary.parameters(self._made(widths))

    def _made(self, widths: tuple[int, ...]) -> nn.Module:
        channels, attended = self.model.spec.shape[0], len(widths) - 1
        made: nn.Module = library().UNet2DModel(
            sample_size=tuple(self.model.spec.shape[1:]),
            in_channels=channels,
            out_channels=channels,
            layers_per_block=2,
            block_out_channels=widths,
            down_block_types=("DownBlock2D", *["AttnDownBlock2D"] * attended),
            up_block_types=(*["AttnUpBlock2D"] * attended, "UpBlock2D"),
            norm_num_groups=GROUP,
            attention_head_dim=GROUP,
            num_class_embeds=self._classes() or None,
        )
        return made


def _bent(widths: tuple[int, ...]) -> float:
    """How far widths are from 1 : 2 : 2, as a sum of logarithms."""
    return sum(abs(math.log(width / (2 * widths[0]))) for width in widths[1:])
