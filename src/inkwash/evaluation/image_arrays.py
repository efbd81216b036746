"""Images of any program, from an .npz or .npy file: what they are is checked, never guessed."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from inkwash.data import array_file
from inkwash.errors import UsageError
from inkwash.metrics.extractor_set import ExtractorSet


def holds(path: str | Path) -> bool:
    """Return whether `path` is a file of arrays, by its name."""
    return Path(path).suffix.lower() in array_file.SUFFIXES


def read(path: str | Path) -> tuple[Tensor, Tensor | None]:
    """Return the values, uint8 [N, C, H, W] or points [N, D], and the labels int64 [N] or None, of a file of arrays.

    Raises `InkwashError` for what is not uint8 pixels, `UsageError` for pixels that are in [0, 1].
    """
    found = array_file.read(Path(path))
    if not found.is_points:
        _within_range(found.values, str(path))
    return found.values, found.labels


def _within_range(pixels: Tensor, name: str) -> None:
    if pixels.max() <= 1:
        raise UsageError(
            f"{name}: the brightest pixel is {int(pixels.max())}, so that the images are black or were scaled to "
            "[0, 1] before they became uint8: save (255 * images).round().astype(numpy.uint8)"
        )


def require_like(name: str, values: Tensor, panel: ExtractorSet) -> None:
    """Raise `UsageError` when images are the negatives of what the judges know, by their mean grey value."""
    real = panel.figures.get("mean")
    if real is None or values.dtype != torch.uint8:
        return
    mean = float(values.double().mean())
    if abs(mean - (255 - real)) < abs(mean - real) / 3:
        raise UsageError(
            f"{name}: the mean pixel is {mean:.0f}, that of {panel.about.data} is {real:.0f}: the images look inverted; "
            "save 255 - images"
        )
