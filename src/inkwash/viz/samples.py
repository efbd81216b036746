"""What people look at: drawn examples as one picture, a grid of images or a scatter of points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkwash.core import Frame
from inkwash.model import Model
from inkwash.sampling.run import SampleBatch, to_arrays, to_output

if TYPE_CHECKING:
    from PIL import Image

POINT_WINDOW = (-2.5, 2.5, -2.5, 2.5)


def grid_or_scatter(
    model: Model, drawn: Sequence[SampleBatch], columns: int | None = None, scale: int = 1
) -> Image.Image:
    """Return all examples of `drawn` as one picture, one alone without a border; points have the colour of their label."""
    from inkwash.viz import grids, points

    values = torch.cat([part.values for part in drawn])
    if model.spec.is_points:
        labels = torch.cat([part.labels for part in drawn])
        return points.scatter(values.numpy(), POINT_WINDOW, 256 * scale, (labels + 1).numpy())
    return grids.grid(to_arrays(values), columns, scale, gap=2 if len(values) > 1 else 0)


def strip(model: Model, path: Sequence[Frame], moments: int = 10, scale: int = 1) -> Image.Image:
    """Return the states of a path side by side, noise on the left; `moments` of them, evenly chosen, both ends kept.

    Captions are the levels' codes: 1.00 is noise, 0.00 is clean.
    """
    from inkwash.viz import grids

    chosen = sorted({round(k * (len(path) - 1) / max(moments - 1, 1)) for k in range(moments)})
    header = [f"{float(path[k].level.code):.2f}" for k in chosen]
    return grids.strip([_states(model, path[k].x) for k in chosen], header, scale)


def film_frames(model: Model, path: Iterable[Frame]) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield each frame of a path as two arrays of pictures: the state, and the example guessed from it."""
    for frame in path:
        yield _states(model, frame.x), _states(model, frame.denoised)


def _states(model: Model, x: Tensor) -> NDArray[np.uint8]:
    """Return a state as pictures: each image, or all points in one picture of its own."""
    from inkwash.viz import points

    values = to_output(model, x)
    return points.scatter_pictures([values.numpy()], POINT_WINDOW) if model.spec.is_points else to_arrays(values)
