"""Feature maps of a network: the outputs of its hidden parts in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from inkwash.nets.summary import parts

FeatureMap = Float[Tensor, "batch ..."]
"""A hidden map [batch, channels, height, width], or the hidden vector [batch, width] of a point."""


@contextmanager
def recorded_maps(net: nn.Module, batch: int, ndim: int) -> Iterator[list[FeatureMap]]:
    """Record the hidden feature maps of `net` in a list during one call: float32 [B, C, ...] of `ndim` axes.

    Hidden parts are the children of the network, with lists opened. Of an image, convolutions between blocks are left out,
    which repeat the map of a block at another size, unless the network has no blocks. The list is complete when the context
    ends, without the last map, which is the prediction.
    """
    maps: list[Tensor] = []
    recorded: list[tuple[nn.Module, Tensor]] = []

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == ndim and len(output) == batch:
            recorded.append((module, output))

    with ExitStack() as hooks:
        for _, part, _ in parts(net):
            hooks.callback(part.register_forward_hook(record).remove)
        yield maps
    hidden = recorded[:-1]
    blocks = [output for module, output in hidden if not isinstance(module, nn.Conv2d)]
    maps.extend(output.float() for output in blocks or [output for _, output in hidden])
