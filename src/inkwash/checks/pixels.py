"""Checks of pixels: narrow range, blank images, duplicates, dark strokes on a light background."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset, ink

MOST_IMAGES, MOST_VALUES = 2000, 2**24

MIN_RANGE = 64
"""Smallest difference between the darkest and the brightest grey level that is not reported."""

MAX_BLANK_FRACTION, MAX_COPY_FRACTION = 0.01, 0.05


@dataclass(frozen=True, eq=False)
class ImageSubset:
    """A random subset of a data set: `pixels` uint8 [n, C, H, W], `labels` int64 [n] or None.

    `classes` are the names of the labels, `count` is the number of images in the data set.
    """

    pixels: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, data: Dataset) -> ImageSubset:
        """Return at most `MOST_IMAGES` of the training images, fewer of large ones, by a fixed seed."""
        most = max(100, min(MOST_IMAGES, MOST_VALUES // data.values[0].numel()))
        chosen = permutation(0, 0, Stream.CHECKED_IMAGES, len(data))[:most]
        labels = None if data.labels is None else data.labels[chosen]
        return cls(data.values[chosen], labels, data.classes, len(data))

    @property
    def not_blank(self) -> Tensor:
        """Whether each image has more than one colour, bool [n]."""
        flat = self.pixels.flatten(1)
        return flat.amax(1) > flat.amin(1)


def check_range(subset: ImageSubset) -> str | None:
    """Warn about low contrast, as of images in [0, 1] that were converted to uint8."""
    low, high = (int(edge) for edge in subset.pixels.aminmax())
    if low == high or high - low >= MIN_RANGE:
        return None
    if high == 1:
        return (
            "pixels are only 0 and 1 of 0 to 255, as if images in [0, 1] were converted to uint8: all images are black; "
            "use (255 * images).round().astype(numpy.uint8)"
        )
    return (
        f"pixels go from {low} to {high} of 0 to 255: the contrast is low, and so will that of the samples be; "
        "rescale them to 0 to 255"
    )


def check_blank(subset: ImageSubset) -> str | None:
    """Warn about images of a single colour, as of failed conversions, which the model will sample too."""
    fraction = 1 - float(subset.not_blank.double().mean())
    if fraction <= MAX_BLANK_FRACTION:
        return None
    return f"{fraction:.0%} of the images are one flat colour, and samples will be as well: give data without them"


def check_duplicates(subset: ImageSubset) -> str | None:
    """Warn about duplicates, which are in both the training and the validation set, so that its loss hides memorization."""
    contents = [image.numpy().tobytes() for image in subset.pixels[subset.not_blank]]
    copies = len(contents) - len(set(contents))
    # A pair of copies among N images is in a random subset of n with probability (n/N)^2.
    fraction = min(1.0, copies * subset.count / len(subset.pixels) ** 2)
    if copies < 3 or fraction < MAX_COPY_FRACTION:
        return None
    return (
        f"about {fraction:.0%} of the images are copies of others: the validation loss will be measured on training images, "
        "and copies are memorized; keep one of each"
    )


def check_background(subset: ImageSubset) -> str | None:
    """Warn about dark strokes on a light background, as in scans."""
    if not is_dark_on_light(subset):
        return None
    return (
        "the images are dark on a light background, MNIST is light on dark: samples will be too, and models and "
        "feature extractors of MNIST do not apply; train with --invert (in Python data__invert=True) to invert them"
    )


def is_dark_on_light(subset: ImageSubset) -> bool:
    """Return whether most of the images are grey, with darker ink on a light background."""
    images = subset.pixels[subset.not_blank]
    return subset.pixels.shape[1] == 1 and len(images) > 0 and ink.background(images) == "light"
