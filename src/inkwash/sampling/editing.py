"""Options of sampling: a start from an image (SDEdit, inpainting), and interpolation between two seeds or labels."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkwash.core import Denoiser, Inpainted, Labelled, Schedule, Stretch, Warped, WeightedPair
from inkwash.core.rng import spherical
from inkwash.data import encode, image_file
from inkwash.data.pixels import resize
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError

MAX_SIDE = 1024
"""Pixels of a side of an image in base64; its size is checked before it is decoded."""

DEFAULT_NOISE = 0.6
"""Noise without a mask: it changes the class of a digit, and mostly keeps the place of its strokes."""


@dataclass(frozen=True, eq=False)
class Edit:
    """An image that every sample starts from, noised to u = `noise` in (0, 1], and the part of it that is sampled.

    `image` is uint8 [C, H, W]; `mask` bool [H, W] is True where the model samples, None for everywhere. Without a mask
    this is SDEdit (Meng et al. 2022), with one inpainting.
    Raises `UsageError` for a noise out of range, and where nothing of the image or nothing to sample would be left.
    """

    image: Tensor
    mask: Tensor | None = None
    noise: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.noise <= 1:
            raise UsageError(
                f"noise is {self.noise:g}: it must be above 0 and at most 1", code="out-of-range", field="noise"
            )
        if self.mask is None and self.noise == 1:
            raise UsageError(
                "noise is 1, which leaves nothing of the image: give less noise, or a mask",
                code="no-effect",
                field="noise",
            )
        if self.mask is not None and not self.mask.any():
            raise UsageError(
                "the mask is empty: make it white where the model samples, black where the image is kept",
                code="no-effect",
                field="mask",
            )

    @classmethod
    def read(cls, spec: DatasetSpec, image: Path, mask: Path | None = None, noise: float | None = None) -> Edit:
        """Return the edit of an image file for a model of `spec`, cropped to a square and scaled to its images.

        `mask` is an image file, white where the model samples. `noise` is 1 with a mask and 0.6 without one when None.
        Raises `InkwashError` for a file that cannot be read as an image, `UsageError` for a model of points, a mask of
        another size than the image, or as the class does.
        """
        if spec.is_points:
            raise UsageError(
                f"an image to start from has no effect on {spec.data}, which are points: leave it out",
                code="unsupported",
                field="image",
            )
        channels, height, width = spec.shape
        if height != width:
            raise UsageError(
                f"images of {spec.data} have {height}×{width} pixels: only models of square images take one to start from",
                code="unsupported",
                field="image",
            )
        pixels = image_file.read(image)
        sampled = None
        if mask is not None:
            stencil = image_file.read(mask)
            if stencil.shape[1:] != pixels.shape[1:]:
                sizes = [f"{size[2]}×{size[1]}" for size in (stencil.shape, pixels.shape)]
                raise UsageError(
                    f"mask {mask} is {sizes[0]} and {image} is {sizes[1]}: give both the same size",
                    code="mismatch",
                    field="mask",
                )
            sampled = resize(stencil[None], height)[0].float().mean(0) >= 128
        small = resize(pixels[None], height)[0].float()
        converted = small.mean(0, keepdim=True) if channels == 1 else small.expand(channels, height, width)
        default = DEFAULT_NOISE if mask is None else 1.0
        return cls(converted.round().to(torch.uint8), sampled, default if noise is None else noise)

    def to_dict(self) -> dict[str, Any]:
        """Return the edit as plain values, image and mask as PNG in base64."""
        mask = None if self.mask is None else _to_base64(self.mask[None].to(torch.uint8) * 255)
        return {"picture": _to_base64(self.image), "mask": mask, "noise": self.noise}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Edit:
        """Return the edit that `to_dict` wrote. Raises `UsageError` when its images are damaged."""
        mask = None if values["mask"] is None else _from_base64(values["mask"])[0] > 127
        return cls(_from_base64(values["picture"]), mask, values["noise"])

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` when image or mask do not have a model's `shape` (C, H, W)."""
        masked = shape if self.mask is None else (*shape[:1], *self.mask.shape)
        for name, size in (("image", tuple(self.image.shape)), ("mask", masked)):
            if size != shape:
                have, need = ("×".join(map(str, each)) for each in (size, shape))
                raise UsageError(
                    f"the {name} is {have} (channels, height, width): the model's images are {need}",
                    code="mismatch",
                    field=name,
                )

    def levels(self, schedule: Schedule) -> Schedule:
        """Return the part of `schedule` from the noise of the image to clean."""
        return schedule if self.noise == 1 else Warped(schedule, Stretch(self.noise))

    def start(self, device: torch.device) -> Tensor:
        """Return the image as input of a network, float32 [C, H, W] in [-1, 1]."""
        return encode(self.image).to(device)

    def inpainted(self, denoiser: Denoiser, device: torch.device) -> Denoiser:
        """Return `denoiser` with the kept part of the image put into every prediction."""
        return denoiser if self.mask is None else Inpainted(denoiser, self.start(device), ~self.mask.to(device))


class Interpolation(NamedTuple):
    """The far end of each example, and its position between the near end (0) and the far one (1).

    `seeds` and `labels` are int64 [N], `position` float64 [N]. The noise follows a quarter of a circle, so that it is
    normally distributed everywhere; the prediction follows a line between those for the two labels.
    """

    seeds: Tensor
    labels: Tensor
    position: Tensor

    @classmethod
    def evenly(cls, seeds: Tensor, labels: Tensor) -> Interpolation:
        """Return the interpolation to `seeds` and `labels` int64 [N] in equal steps, both ends included."""
        return cls(seeds, labels, torch.linspace(0, 1, len(seeds), dtype=torch.float64))

    def part(self, span: slice) -> Interpolation:
        """Return the interpolation of some of the examples."""
        return Interpolation(self.seeds[span], self.labels[span], self.position[span])

    def noise(self, near_seeds: Tensor, noise_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the noise [N, ...] between `noise_of(near_seeds)` and `noise_of` the far seeds."""
        near = noise_of(near_seeds)
        return near if torch.equal(self.seeds, near_seeds) else spherical(near, noise_of(self.seeds), self.position)

    def denoiser(self, near: Labelled) -> Denoiser:
        """Return the denoiser between `near` and the same one for the far labels."""
        if near.label is None:
            return near
        far = self.labels.to(near.label.device)
        if torch.equal(far, near.label):
            return near
        return WeightedPair(near, Labelled(near.denoiser, far), self.position)


def _to_base64(image: Tensor) -> str:
    """Return uint8 [C, H, W] as a PNG in base64."""
    array = image.permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _from_base64(text: str) -> Tensor:
    """Return the uint8 [C, H, W] that `_to_base64` wrote. Raises `UsageError` for anything else."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise ValueError("too large")
            array = np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except (binascii.Error, *image_file.READ_ERRORS):
        raise UsageError(
            "the image to start from is not a PNG in base64: save it again", code="invalid-data", field="image"
        ) from None
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()
