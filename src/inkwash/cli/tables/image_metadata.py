"""An image: the metadata and the command that reproduces it, where inkwash wrote it, and attributes of its strokes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from inkwash import model
from inkwash.attributes import ATTRIBUTES, measure
from inkwash.data import image_file, ink
from inkwash.data.spec import QUANTILES
from inkwash.errors import UsageError
from inkwash.io import png_metadata
from inkwash.text.console import Console
from inkwash.text.printing import quoted

SUFFIXES = (".png", ".webp")
MODEL, MNIST_SIDE = "words", 28
"""The model that stores the distribution of the attributes of MNIST, and the side of its images in pixels."""

MAX_SIDE = 96
"""Pixels to a side of the largest image whose strokes are measured: larger ones show several digits, or none."""


def show(path: Path, as_json: bool) -> None:
    """Print the metadata of an image, how to reproduce it, and the attributes of its strokes.

    Raises `UsageError` for an image with neither metadata nor strokes to measure.
    """
    metadata = png_metadata.read_metadata(path)
    image = image_file.read(path)
    attributes, reason = _attributes(image)
    if not metadata and not attributes:
        raise UsageError(
            f"{path} has no inkwash metadata and no strokes to measure ({reason}): give an image as inkwash wrote it, or "
            "one digit, light on black or dark on white",
            code="wrong-file",
        )
    metadata = metadata or {}
    is_mnist_size = image.shape[1:] == (MNIST_SIDE, MNIST_SIDE)
    below = _fraction_below(attributes) if attributes and is_mnist_size else {}
    if as_json:
        parts = {"attributes": attributes, "fraction_of_mnist_below": below}
        print(json.dumps(metadata | {name: values for name, values in parts.items() if values}, indent=2))
        return
    console = Console()
    for name, value in metadata.items():
        if name != "request":
            console.print(f"{name}: {value}")
    if "request" in metadata:
        request = metadata["request"]
        if isinstance(request, dict) and "prompt" in request:
            console.print(f"prompt: {request['prompt']}")
        console.print(f"reproduce it: inkwash sample {quoted(path)}")
    for name, value in attributes.items():
        share = f", above {min(max(below[name], 0.01), 0.99):.0%} of MNIST" if name in below else ""
        console.print(f"{name}: {value:.3g} {ATTRIBUTES[name].unit}".rstrip() + share)


def _fraction_below(attributes: Mapping[str, float]) -> dict[str, float]:
    """Return the fraction of MNIST's training images that have less of each of `attributes`, where it is known."""
    specs = {spec.name: spec for spec in model.load(MODEL, device="cpu").spec.attributes}
    known = {name: value for name, value in attributes.items() if name in specs and ATTRIBUTES[name].differentiable}
    return {name: float(np.interp(value, specs[name].quantiles, QUANTILES)) for name, value in known.items()}


def _attributes(image: UInt8[Tensor, "channels height width"]) -> tuple[dict[str, float], str]:
    """Return the attributes of the only digit of an image, or none and the reason."""
    channels, *sides = image.shape
    ground = ink.background(image[None])
    if max(sides) > MAX_SIDE:
        return {}, f"it is larger than {MAX_SIDE} pixels"
    if channels != 1:
        return {}, "it is in colour"
    if image.amin() == image.amax():
        return {}, "it is empty"
    if ground is None:
        return {}, "its background is neither dark nor light"
    pixels = 255 - image if ground == "light" else image
    return dict(zip(ATTRIBUTES, measure(pixels[None])[0].tolist(), strict=True)), ""
