"""Taking hold of a path: a picture to start from, a part of it to keep, the way between two seeds or two labels."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkwash.core import Denoiser, Inpainted, Labelled, Schedule, Stretch, Warped, WeightedPair
from inkwash.core.noise import spherical
from inkwash.data import encode, image_file
from inkwash.data.pixels import resize
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError

LARGEST = 1024
"""Pixels to a side of a picture that is sent as text; checked before it is unpacked."""

USUAL_NOISE = 0.6
"""How far a picture is noised when nothing is said: what it is may change, where its ink lies hardly does."""


@dataclass(frozen=True, eq=False)
class Edit:
    """A picture that every path starts from, noised to `noise` in u in (0, 1], and what of it the model paints anew.

    `picture` is uint8 [C, H, W]; `paint` bool [H, W] is True where the model paints, None for everywhere.
    Raises `UsageError` for a noise out of range, and where nothing of the picture would be left to see.
    """

    picture: Tensor
    paint: Tensor | None = None
    noise: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.noise <= 1:
            raise UsageError(f"noise is {self.noise:g}: it must be above 0, and 1 is a start from noise alone")
        if self.paint is None and self.noise == 1:
            raise UsageError("a picture noised to 1 is noise alone: give less noise, or a mask of what to paint anew")
        if self.paint is not None and not self.paint.any():
            raise UsageError(
                "the mask leaves nothing to paint: it is white where the model paints, black where it keeps"
            )

    @classmethod
    def read(cls, spec: DatasetSpec, picture: Path, mask: Path | None = None, noise: float | None = None) -> Edit:
        """Return the edit of a picture file for a model of `spec`, cut and scaled to its images.

        `mask` is a picture, white where the model paints. `noise` is 1 with a mask and 0.6 without one when None.
        Raises `InkwashError` for a file that is no picture, `UsageError` for a model of points, a mask of another shape
        than its picture, or as the class does.
        """
        if spec.is_points:
            raise UsageError(f"a picture has no effect on {spec.data}, which are points: leave it out")
        channels, height, width = spec.shape
        if height != width:
            raise UsageError(f"pictures are cut to a square, and {spec.data} has {height}×{width} pixels: leave it out")
        drawing = image_file.read(picture)
        paint = None
        if mask is not None:
            stencil = image_file.read(mask)
            if stencil.shape[1:] != drawing.shape[1:]:
                sizes = [f"{s[2]}×{s[1]}" for s in (stencil.shape, drawing.shape)]
                raise UsageError(
                    f"{mask} is {sizes[0]} and {picture} is {sizes[1]}: a mask has the size of its picture"
                )
            paint = resize(stencil[None], height)[0].float().mean(0) >= 128
        small = resize(drawing[None], height)[0].float()
        grey = small.mean(0, keepdim=True) if channels == 1 else small.expand(channels, height, width)
        usual = USUAL_NOISE if mask is None else 1.0
        return cls(grey.round().to(torch.uint8), paint, usual if noise is None else noise)

    def to_dict(self) -> dict[str, Any]:
        """Return the edit as plain values, its picture and mask as PNG in base64."""
        mask = None if self.paint is None else _packed(self.paint[None].to(torch.uint8) * 255)
        return {"picture": _packed(self.picture), "mask": mask, "noise": self.noise}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Edit:
        """Return the edit that `to_dict` wrote. Raises `UsageError` when its pictures are damaged."""
        mask = values["mask"]
        return cls(_unpacked(values["picture"]), None if mask is None else _unpacked(mask)[0] > 127, values["noise"])

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` when picture or mask are not of a model's `shape` (C, H, W)."""
        masked = shape if self.paint is None else (*shape[:1], *self.paint.shape)
        for what, size in (("picture", tuple(self.picture.shape)), ("mask", masked)):
            if size != shape:
                have, need = ("×".join(map(str, each)) for each in (size, shape))
                raise UsageError(f"the {what} has {have} (channels, height, width), the model draws {need}")

    def levels(self, schedule: Schedule) -> Schedule:
        """Return the part of `schedule` that is walked: from the picture's noise to clean."""
        return schedule if self.noise == 1 else Warped(schedule, Stretch(self.noise))

    def start(self, device: torch.device) -> Tensor:
        """Return the picture as networks see it, float32 [C, H, W] in [-1, 1]."""
        return encode(self.picture).to(device)

    def around(self, denoiser: Denoiser, device: torch.device) -> Denoiser:
        """Return `denoiser` with what is kept of the picture put back into every guess."""
        return denoiser if self.paint is None else Inpainted(denoiser, self.start(device), ~self.paint.to(device))


def _packed(picture: Tensor) -> str:
    """Return uint8 [C, H, W] as a PNG in base64."""
    array = picture.permute(1, 2, 0).numpy()
    held = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(held, format="PNG", optimize=True)
    return base64.b64encode(held.getvalue()).decode("ascii")


def _unpacked(text: str) -> Tensor:
    """Return the uint8 [C, H, W] that `_packed` wrote. Raises `UsageError` for anything else."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            if max(image.size) > LARGEST:
                raise ValueError("too large")
            array = np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except (binascii.Error, *image_file.UNREADABLE):
        raise UsageError("the picture to start from is no PNG in base64: save it again") from None
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()


class Interpolation(NamedTuple):
    """The far ends of a way, and how far along it each example is.

    `seeds` and `labels` are int64 [N], `turn` float64 [N] in [0, 1]: 0 is the near end, 1 the far one. The noise goes
    along a quarter of a circle, so that it is normal everywhere; the guess along a line between the two labels'.
    """

    seeds: Tensor
    labels: Tensor
    turn: Tensor

    def split(self, batch: int) -> list[Interpolation]:
        """Return the morphs of batches of at most `batch`."""
        parts = zip(self.seeds.split(batch), self.labels.split(batch), self.turn.split(batch), strict=True)
        return [Interpolation(*part) for part in parts]

    def noise(self, near: Tensor, far: Tensor) -> Tensor:
        """Return the noise [N, ...] between that of the near seeds and that of the far ones."""
        return spherical(near, far, self.turn)

    def between(self, near: Labelled, far: Tensor | None) -> Denoiser:
        """Return the guess between that for the near labels and that for `far` (int64 [N] on the model's device)."""
        if far is None or near.label is None or torch.equal(far, near.label):
            return near
        return WeightedPair(near, Labelled(near.denoiser, far), self.turn)
