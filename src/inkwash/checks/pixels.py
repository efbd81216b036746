"""What pixels tell: their range, blank images, copies, and the colour of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.data import Dataset

MOST_IMAGES, MOST_VALUES = 2000, 2**24

NARROW = 64
"""Grey levels between darkest and brightest below which there is hardly a picture."""

RARE_BLANKS, RARE_COPIES = 0.01, 0.05

LIGHT, DARK = 230, 25


@dataclass(frozen=True, eq=False)
class Seen:
    """A seeded part of a set of images, all of a small one: `pixels` uint8 [n, C, H, W], `labels` int64 [n] or None.

    `classes` are the names of the labels, `count` is the number of images that there are.
    """

    pixels: Tensor
    labels: Tensor | None
    classes: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, data: Dataset) -> Seen:
        """Return at most `MOST_IMAGES` of the train images, fewer large ones."""
        most = max(100, min(MOST_IMAGES, MOST_VALUES // data.values[0].numel()))
        chosen = permutation(0, 0, Stream.CHECKED_IMAGES, len(data))[:most]
        labels = None if data.labels is None else data.labels[chosen]
        return cls(data.values[chosen], labels, data.classes, len(data))

    @property
    def drawn_on(self) -> Tensor:
        """Which images are not one flat colour, bool [n]."""
        flat = self.pixels.flatten(1)
        return flat.amax(1) > flat.amin(1)


def narrow_range(seen: Seen) -> str | None:
    """Images that were in [0, 1] when they became bytes, or have no contrast for another reason."""
    low, high = (int(edge) for edge in seen.pixels.aminmax())
    if low == high or high - low >= NARROW:
        return None
    if high == 1:
        return (
            "pixels are only 0 and 1 of 0 to 255, as if images in [0, 1] became uint8: the network sees plain black; "
            "use (255 * images).round().astype(numpy.uint8)"
        )
    return (
        f"pixels go from {low} to {high} of 0 to 255: what the network sees is nearly one grey, and samples will be; "
        "stretch them to 0 to 255"
    )


def blank(seen: Seen) -> str | None:
    """Images of one flat colour: failed conversions, which a model learns to draw as well."""
    share = 1 - float(seen.drawn_on.double().mean())
    if share <= RARE_BLANKS:
        return None
    return f"{share:.0%} of the images are one flat colour, and samples will be as well; remove them"


def duplicates(seen: Seen) -> str | None:
    """Copies get into both parts of the train set, so that the held-out loss no longer tells learning from copying."""
    pictures = [image.numpy().tobytes() for image in seen.pixels[seen.drawn_on]]
    copies = len(pictures) - len(set(pictures))
    # among n of N images a pair is seen with the chance (n/N)^2
    share = min(1.0, copies * seen.count / len(seen.pixels) ** 2)
    if copies < 3 or share < RARE_COPIES:
        return None
    return (
        f"about {share:.0%} of the images are copies of others: the held-out loss will be measured on images that "
        "training sees, and they will be learnt by heart; keep one of each"
    )


def dark_on_light(seen: Seen) -> str | None:
    """Ink on paper: grey images with a border and a majority of nearly white pixels."""
    if not on_paper(seen):
        return None
    return (
        "the images are dark on a light background, MNIST is light on dark: samples come out so too, and models and "
        "judges of MNIST do not fit them; to turn them over, 255 - images"
    )


def on_paper(seen: Seen) -> bool:
    """Return whether grey images have a light background, as scans have and photographs have not."""
    images = seen.pixels[seen.drawn_on]
    if seen.pixels.shape[1] != 1 or not len(images):
        return False
    border = torch.cat([images[..., [0, -1], :].flatten(), images[..., :, [0, -1]].flatten()])
    light, edge, dark = (float(part.double().mean()) for part in (images >= LIGHT, border >= LIGHT, images <= DARK))
    return light > 0.5 and edge > 0.7 and dark < light / 2
