"""The events of a run: those of its trainer, and the files that it writes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PIL import Image

from inkwash.io.png_metadata import png_bytes
from inkwash.training.events import TrainingEvent

SHOWN_WIDTH = 400
"""The approximate width in pixels of a smaller grid in a notebook."""


class Saved(NamedTuple):
    """A checkpoint written after `step`."""

    step: int
    path: Path


class Sampled(NamedTuple):
    """The preview of a milestone, sampled after `step` from the EMA model and written to `path`."""

    step: int
    path: Path

    @property
    def image(self) -> Image.Image:
        """The grid."""
        with Image.open(self.path) as image:
            return image.copy()

    def _repr_png_(self) -> bytes:
        image = self.image
        scale = max(1, round(SHOWN_WIDTH / image.width))
        return png_bytes(image.resize((scale * image.width, scale * image.height), Image.Resampling.NEAREST))


RunEvent = TrainingEvent | Saved | Sampled
