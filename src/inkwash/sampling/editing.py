"""Options of sampling: a start from an image (SDEdit, inpainting, encoding); interpolations between two seeds or labels."""

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
from jaxtyping import Bool, Float32, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from inkwash.core import Denoiser, Inpainted, Labelled, Schedule, Stretch, Warped, WeightedPair
from inkwash.core.rng import slerp
from inkwash.core.shapes import Images, Labels, PerExample, Seeds
from inkwash.data import encode, image_file, ink
from inkwash.data.pixels import resize
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError

MAX_SIDE = 1024
"""Maximum width and height of an image in base64, checked before it is decoded."""

DEFAULT_NOISE = 0.6
"""Noise without a mask: the class of a digit may change, and its strokes mostly keep their position."""


@dataclass(frozen=True, eq=False)
class Edit:
    """An image that every sample starts from, noised to u = `noise` in (0, 1], and the part of it that is sampled.

    `mask` is True where the model samples, None for everywhere. Without a mask this is SDEdit (Meng et al., 2022), with
    one inpainting. With `encode` the noises of the path are those that lead to the image (`inkwash.core.encoding`), which
    another condition edits. `inverted` records that the image was inverted when it was read.
    Raises `UsageError` for a noise out of range, and where nothing of the image or nothing to sample would be left.
    """

    image: UInt8[Tensor, "channels height width"]
    mask: Bool[Tensor, "_ _"] | None = None
    noise: float = 1.0
    inverted: bool = False
    encode: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.noise <= 1:
            message = f"noise is {self.noise:g}: it must be above 0 and at most 1"
            raise UsageError(message, code="out-of-range", field="noise")
        if self.mask is None and self.noise == 1 and not self.encode:
            message = "noise is 1, which leaves nothing of the image: give less noise, a mask, or encode the image"
            raise UsageError(message, code="no-effect", field="noise")
        if self.mask is not None and not self.mask.any():
            message = "the mask is empty: make it white where the model samples, black where the image is kept"
            raise UsageError(message, code="no-effect", field="mask")

    @classmethod
    def read(
        cls,
        spec: DatasetSpec,
        image: Path,
        mask: Path | None = None,
        noise: float | None = None,
        invert: bool = False,
        encode: bool = False,
    ) -> Edit:
        """Read an image file, crop it to a square and resize it to the images of `spec`; `invert` its pixels.

        `mask` is an image file, white where the model samples. `noise` None is 1 with a mask or `encode`, else 0.6.
        Raises `InkwashError` for a file that cannot be read as an image, `UsageError` for a model of points, a mask of
        another size than the image, or as the class does.
        """
        if spec.is_points:
            message = f"an image to start from has no effect on {spec.data}, which are points: leave it out"
            raise UsageError(message, code="unsupported", field="image")
        channels, height, width = spec.shape
        if height != width:
            message = f"images of {spec.data} have {height}×{width} pixels: only models of square images take one to start from"
            raise UsageError(message, code="unsupported", field="image")
        pixels = _read(image, "image")
        sampled = None
        if mask is not None:
            stencil = _read(mask, "mask")
            if stencil.shape[1:] != pixels.shape[1:]:
                sizes = [f"{size[2]}×{size[1]}" for size in (stencil.shape, pixels.shape)]
                message = f"mask {mask} is {sizes[0]} and {image} is {sizes[1]}: give both the same size"
                raise UsageError(message, code="mismatch", field="mask")
            sampled = resize(stencil[None], height)[0].float().mean(0) >= 128
        small = resize(pixels[None], height)[0].float()
        converted = small.mean(0, keepdim=True) if channels == 1 else small.expand(channels, height, width)
        default = DEFAULT_NOISE if mask is None and not encode else 1.0
        rounded = converted.round().to(torch.uint8)
        pixels = 255 - rounded if invert else rounded
        return cls(pixels, sampled, default if noise is None else noise, invert, encode)

    def background_warning(self, spec: DatasetSpec, name: str, option: str) -> str | None:
        """Return a warning where the image `name` is dark on light and the images of `spec` are not, or the reverse.

        `option` is how the caller inverts an image.
        """
        found = ink.opposite(self.image[None], spec.background)
        if found is None:
            return None
        expected = "light on dark" if spec.background == "dark" else "dark on light"
        remedy = f"leave {option} out" if self.inverted else f"give {option} to invert it"
        return f"{name} is {found}, the images of {spec.data} are {expected}: {remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Return the edit as plain values, image and mask as PNG in base64."""
        mask = None if self.mask is None else _to_base64(self.mask[None].to(torch.uint8) * 255)
        flags = {name: True for name in ("inverted", "encode") if getattr(self, name)}
        return {"picture": _to_base64(self.image), "mask": mask, "noise": self.noise} | flags

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Edit:
        """Return the edit that `to_dict` wrote. Raises `UsageError` when its images are damaged."""
        mask = None if values["mask"] is None else _from_base64(values["mask"])[0] > 127
        flags = {name: bool(values.get(name, False)) for name in ("inverted", "encode")}
        return cls(_from_base64(values["picture"]), mask, values["noise"], **flags)

    def require_shape(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` when image or mask do not have a model's `shape` (C, H, W)."""
        masked = shape if self.mask is None else (*shape[:1], *self.mask.shape)
        for name, size in (("image", tuple(self.image.shape)), ("mask", masked)):
            if size != shape:
                have, need = ("×".join(map(str, each)) for each in (size, shape))
                message = f"the {name} is {have} (channels, height, width): the model's images are {need}"
                raise UsageError(message, code="mismatch", field=name)

    def truncated(self, schedule: Schedule) -> Schedule:
        """Return the part of `schedule` from the noise level of the image to clean."""
        return schedule if self.noise == 1 else Warped(schedule, Stretch(self.noise))

    def start(self, device: torch.device) -> Float32[Tensor, "channels height width"]:
        """Return the image as input of a network, in [-1, 1]."""
        return encode(self.image).to(device)

    def inpainted(self, denoiser: Denoiser, device: torch.device) -> Denoiser:
        """Return `denoiser` with the kept part of the image put into every prediction."""
        return denoiser if self.mask is None else Inpainted(denoiser, self.start(device), ~self.mask.to(device))


class Interpolation(NamedTuple):
    """Seed and label of the end for each example, and the `position` of the example between start (0) and end (1).

    The noise follows a quarter of a circle, so that it is normally distributed everywhere; the prediction follows the line
    between the predictions for the two labels.
    """

    end_seeds: Seeds
    end_labels: Labels
    position: PerExample

    @classmethod
    def evenly(cls, end_seeds: Seeds, end_labels: Labels) -> Interpolation:
        """Return the interpolation in equal steps, both ends included."""
        return cls(end_seeds, end_labels, torch.linspace(0, 1, len(end_seeds), dtype=torch.float64))

    def subset(self, span: slice) -> Interpolation:
        """Return the interpolation of the examples in `span`."""
        return Interpolation(self.end_seeds[span], self.end_labels[span], self.position[span])

    def noise(self, seeds: Seeds, seed_noise: Callable[[Tensor], Tensor]) -> Images:
        """Return the noise between `seed_noise(seeds)` and `seed_noise(end_seeds)`."""
        start = seed_noise(seeds)
        same = torch.equal(self.end_seeds, seeds)
        return start if same else slerp(start, seed_noise(self.end_seeds), self.position)

    def denoiser(self, start: Labelled) -> Denoiser:
        """Return the denoiser between `start` and the same one for the end labels."""
        if start.label is None or torch.equal(self.end_labels.to(start.label.device), start.label):
            return start
        return WeightedPair(start, Labelled(start.denoiser, self.end_labels.to(start.label.device)), self.position)


class Morph(NamedTuple):
    """Seed and label of the end for each example, with one position in [0, 1] for all noises and one for all labels.

    The class embeddings are interpolated, so that between two classes there is one prediction of one evaluation; the
    mean of two predictions of a single step would be two images on top of each other. `classes` is their number.
    """

    end_seeds: Seeds
    end_labels: Labels
    noise_position: float
    label_position: float
    classes: int

    def subset(self, span: slice) -> Morph:
        """Return the morph of the examples in `span`."""
        return self._replace(end_seeds=self.end_seeds[span], end_labels=self.end_labels[span])

    def noise(self, seeds: Seeds, seed_noise: Callable[[Tensor], Tensor]) -> Images:
        """Return the noise at the position between `seed_noise(seeds)` and `seed_noise(end_seeds)`."""
        if self.noise_position in (0, 1):
            return seed_noise(seeds if self.noise_position == 0 else self.end_seeds)
        position = torch.full((len(seeds),), self.noise_position, dtype=torch.float64)
        return slerp(seed_noise(seeds), seed_noise(self.end_seeds), position)

    def denoiser(self, start: Labelled) -> Denoiser:
        """Return `start` with the class embeddings at the position between its labels and the end labels."""
        if start.label is None or self.label_position == 0:
            return start
        near, far = (
            F.one_hot(label.to(start.label.device) % (self.classes + 1), self.classes + 1).float()
            for label in (start.label, self.end_labels)
        )
        return Labelled(start.denoiser, torch.lerp(near, far, self.label_position))


def _read(path: Path, field: str) -> UInt8[Tensor, "channels height width"]:
    """Return the pixels of an image file; errors name the argument `field` that it was given as."""
    try:
        return image_file.read(path)
    except InkwashError as error:
        error.field = field
        raise


def _to_base64(image: UInt8[Tensor, "channels height width"]) -> str:
    """Return an image as a PNG in base64."""
    array = image.permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _from_base64(text: str) -> UInt8[Tensor, "channels height width"]:
    """Return the image that `_to_base64` wrote. Raises `UsageError` for anything else."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise ValueError("too large")
            array = np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except (binascii.Error, *image_file.READ_ERRORS):
        message = "the image to start from is not a PNG in base64: save it again"
        raise UsageError(message, code="invalid-data", field="image") from None
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()
