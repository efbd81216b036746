"""Finished samples as one value: arrays, labels and seeds, a sheet of all, and the picture that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.sampling.run import SampleBatch, SamplingRun, to_arrays
from inkwash.viz.samples import RenderOptions, grid_or_scatter
from inkwash.viz.writers import metadata, require_effect, save_npz

SHOWN_IMAGES = 100
"""The number of images that a notebook shows of samples."""
SHOWN_HEIGHT = 56
"""Their approximate height in pixels."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Finished examples: `values` uint8 [N, C, H, W] or points float32 [N, D], and the run that gave them."""

    values: Tensor
    run: SamplingRun

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.values.shape[1:]))
        return f"Samples({len(self.values)} of {shape} from {self.model.name}, {self.sampler})"

    def _repr_png_(self) -> bytes:
        """Return a grid of the first 100 images, enlarged to about 56 pixels, or a scatter of all points: for notebooks."""
        points = self.model.spec.is_points
        shown = slice(len(self.values) if points else SHOWN_IMAGES)
        batch = SampleBatch(self.values[shown], self.labels[shown], self.seeds[shown])
        scale = 1 if points else max(1, round(SHOWN_HEIGHT / self.values.shape[-2]))
        image = grid_or_scatter(self.model, [batch], RenderOptions().columns_for(self.run), scale)
        return png_metadata.png_bytes(image)

    @property
    def model(self) -> Model:
        """The model that was sampled from."""
        return self.run.model

    @property
    def sampler(self) -> str:
        """The sampler and its steps, as in "ddim:50"."""
        return f"{self.run.sampler.kind}:{self.run.sampler.steps}"

    @property
    def labels(self) -> Tensor:
        """The labels int64 [N], -1 for none; of an interpolation those of the near end."""
        return self.run.labels

    @property
    def seeds(self) -> Tensor:
        """The seeds int64 [N]; of an interpolation those of the near end."""
        return self.run.seeds

    @property
    def images(self) -> NDArray[np.uint8]:
        """The images as uint8 [N, H, W] for grey ones, [N, H, W, C] for colour; points float32 [N, D]."""
        return self.values.numpy() if self.model.spec.is_points else to_arrays(self.values)

    def sheet(self, columns: int | None = None, scale: int = 1) -> Image.Image:
        """Return one image of all: a grid of images, or a scatter of points."""
        return grid_or_scatter(self.model, [SampleBatch(self.values, self.labels, self.seeds)], columns, scale)

    def save(self, path: str | Path, columns: int | None = None, scale: int = 1) -> None:
        """Write `sheet` as a PNG whose metadata names the model and the request, or all arrays as NAME.npz."""
        require_effect(self.run, RenderOptions(scale=None if scale == 1 else scale, columns=columns), Path(path))
        if Path(path).suffix.lower() == ".npz":
            save_npz(self.run, Path(path), [self.values.numpy()])
            return
        options = RenderOptions(scale=scale, columns=columns)
        png_metadata.save_png(self.sheet(columns, scale), path, metadata(self.run, options))
