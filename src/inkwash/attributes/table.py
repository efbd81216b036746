"""The table of attributes by name, and their measurement on images of any number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from inkwash.attributes import measures
from inkwash.attributes.measures import Ink
from inkwash.core.shapes import PerExample

CHUNK = 100
"""Images measured at a time: their intermediate values stay in the processor's cache."""


@dataclass(frozen=True)
class Attribute:
    """A measure of `inkwash.attributes.measures` with its `unit`, "" for a pure number.

    `coupled` are the attributes that change with it where nothing else changes: a bolder digit has more ink. An
    attribute that counts is not `differentiable`.
    """

    measure: Callable[[Ink], PerExample]
    unit: str = ""
    coupled: tuple[str, ...] = ()
    differentiable: bool = True

    @property
    def about(self) -> str:
        """The first sentence of the measure's docstring, without "Return"."""
        return (self.measure.__doc__ or "").partition("\n")[0].removeprefix("Return ").rstrip(".")


ATTRIBUTES: dict[str, Attribute] = {
    "thickness": Attribute(measures.thickness, "pixels", ("ink",)),
    "slant": Attribute(measures.slant, "degrees", ("roundness",)),
    "width": Attribute(measures.width, "pixels", ("ink", "aspect", "roundness")),
    "height": Attribute(measures.height, "pixels", ("ink", "aspect", "roundness")),
    "ink": Attribute(measures.ink_mass, "pixels", ("thickness",)),
    "aspect": Attribute(measures.aspect, "", ("width", "ink", "roundness")),
    "roundness": Attribute(measures.roundness, "", ("width", "aspect")),
    "holes": Attribute(measures.holes, differentiable=False),
    "x": Attribute(measures.position_x, "pixels"),
    "y": Attribute(measures.position_y, "pixels"),
}


def measure(
    images: UInt8[Tensor, "batch 1 height width"], names: Sequence[str] = tuple(ATTRIBUTES)
) -> Float32[Tensor, "batch attributes"]:
    """Return the attributes `names` of grey images of light ink on black; NaN where an image has nothing to measure."""
    rows = [
        torch.stack([ATTRIBUTES[name].measure(chunk[:, 0].float() / 255) for name in names], dim=1)
        for chunk in images.split(CHUNK)
    ]
    return torch.cat(rows) if rows else torch.empty(0, len(names))
