"""Samples as images: a grid or scatter of all, the denoising steps as a strip, or the frames of a film."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inkwash.core import Frame
from inkwash.errors import UsageError
from inkwash.io.validation import validate
from inkwash.model import Model
from inkwash.sampling.request import PICTURE_FIELDS
from inkwash.sampling.run import DefaultCounts, SampleBatch, SamplingRun, to_arrays, to_output
from inkwash.text.progress import ProgressCallback
from inkwash.viz import grids, points

Kind = Literal["grid", "strip", "film"]
DEFAULT_COUNTS: dict[Kind, DefaultCounts] = {
    "grid": DefaultCounts(),
    "strip": DefaultCounts(images=8, per_label=1),
    "film": DefaultCounts(images=16, per_label=1, interpolation=30),
}
POINT_LIMITS = (-2.5, 2.5, -2.5, 2.5)


@dataclass(frozen=True)
class RenderOptions:
    """How samples become an image: its kind, the enlargement of a pixel and the images in a row; None for the default.

    Raises `UsageError` for a number below 1, and for columns of a strip.
    """

    kind: Kind = "grid"
    scale: int | None = None
    columns: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("scale", self.scale), ("columns", self.columns)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}: it must be at least 1", code="out-of-range", field=name)
        if self.kind == "strip" and self.columns is not None:
            raise UsageError(
                "columns has no effect on a strip, whose columns are denoising steps: leave it out",
                code="no-effect",
                field="columns",
            )

    @classmethod
    def from_metadata(cls, metadata: dict[str, Any]) -> RenderOptions:
        """Return the options in PNG metadata; 0.1.0 kept them in the request. Raises `UsageError` for other fields."""
        fields = metadata.get("picture")
        if fields is None:
            fields = {name: metadata["request"][name] for name in PICTURE_FIELDS if name in metadata["request"]}
        try:
            return validate(cls, fields, "picture")
        except TypeError as error:
            raise UsageError(
                f"the metadata is not of this version of inkwash: {error}", code="unknown-field", field="metadata"
            ) from None

    def columns_for(self, run: SamplingRun) -> int | None:
        """Return the images in a row: one per label, or at most ten of an interpolation; None for the square root."""
        if self.columns is not None:
            return self.columns
        if run.interpolation:
            return min(len(run), 10)
        return run.num_requested_labels if run.num_requested_labels > 1 else None


def render(run: SamplingRun, options: RenderOptions, batch: int, progress: ProgressCallback) -> Image.Image:
    """Sample and return one image of all examples: a grid, or a strip of denoising steps."""
    scale = options.scale or 1
    if options.kind == "strip":
        return trajectory_strip(run.model, list(frames(run, progress)), scale=scale)
    return grid_or_scatter(run.model, list(run.batches(batch, progress)), options.columns_for(run), scale)


def frames(run: SamplingRun, progress: ProgressCallback) -> Iterator[Frame]:
    """Yield the frames of all examples at once; `progress(done)` is called before each."""
    for step, frame in enumerate(run.frames()):
        progress(step * len(run) / run.sampler.steps)
        yield frame


def grid_or_scatter(
    model: Model, batches: Sequence[SampleBatch], columns: int | None = None, scale: int = 1
) -> Image.Image:
    """Return all examples as a grid of images, a single one without a border; points as a scatter coloured by label."""
    values = torch.cat([batch.values for batch in batches])
    if model.spec.is_points:
        labels = torch.cat([batch.labels for batch in batches])
        return points.scatter(values.numpy(), POINT_LIMITS, 256 * scale, (labels + 1).numpy())
    return grids.grid(to_arrays(values), columns, scale, gap=2 if len(values) > 1 else 0)


def trajectory_strip(model: Model, path: Sequence[Frame], shown: int = 10, scale: int = 1) -> Image.Image:
    """Return `shown` states of a trajectory side by side, noise on the left, evenly chosen with both ends.

    The captions are the noise levels' c_noise: 1.00 is noise, 0.00 is clean.
    """
    chosen = grids.evenly_spaced(len(path), shown)
    header = [f"{float(path[k].level.c_noise):.2f}" for k in chosen]
    return grids.strip([_arrays_of(model, path[k].x) for k in chosen], header, scale)


def film_frames(model: Model, path: Iterable[Frame]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield each frame of a trajectory as two arrays of images: the states, and the images predicted from them."""
    for frame in path:
        yield _arrays_of(model, frame.x), _arrays_of(model, frame.denoised)


def _arrays_of(model: Model, x: Tensor) -> NDArray[np.uint8]:
    """Return a state as an array of images: each image, or one scatter of all points."""
    values = to_output(model, x)
    return points.scatter_images([values.numpy()], POINT_LIMITS) if model.spec.is_points else to_arrays(values)
