"""Controls: real images with one known defect each, which the scores must detect."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.core.rng import Stream, normals, permutation
from inkwash.data import Dataset, decode, encode
from inkwash.errors import UsageError
from inkwash.evaluation.compute_scores import measure
from inkwash.evaluation.reference import Reference
from inkwash.evaluation.scores import Evaluation, Score
from inkwash.metrics import frechet
from inkwash.metrics.frechet import Moments

LabelledPixels = tuple[Tensor, Tensor]
"""Pixels uint8 [N, C, H, W] and labels int64 [N]."""

Corruption = Callable[[LabelledPixels], LabelledPixels]


@dataclass(frozen=True)
class Control:
    """A corruption of real test images, or of train images; `check_copies` adds the distances to train images."""

    corrupt: Corruption
    from_train: bool = False
    check_copies: bool = True


def unchanged(images: LabelledPixels) -> LabelledPixels:
    """Return the images as they are."""
    return images


def noisy(std: float) -> Corruption:
    """Add normal noise of `std` (pixels in [0, 1]), then clamp and round, as is done to every sample."""
    return lambda images: (decode(_with_noise(images[0], std)), images[1])


def _with_noise(pixels: Tensor, std: float) -> Tensor:
    noise = normals(0, torch.arange(len(pixels)), 0, Stream.CONTROL_NOISE, pixels.shape[1:])
    return encode(pixels) + 2 * std * noise


def shifted(images: LabelledPixels) -> LabelledPixels:
    """Shift every image by one pixel to the right, circularly; the border is background."""
    return images[0].roll(1, dims=-1), images[1]


def blurred(images: LabelledPixels) -> LabelledPixels:
    """Replace every pixel by the mean of its 3 by 3 neighbourhood."""
    smooth = functional.avg_pool2d(images[0].float(), 3, 1, 1, count_include_pad=True)
    return smooth.round().to(torch.uint8), images[1]


def binarised(images: LabelledPixels) -> LabelledPixels:
    """Threshold the pixels to black and white."""
    return (images[0] > 127).to(torch.uint8) * 255, images[1]


def blended(fraction: float) -> Corruption:
    """Average this `fraction` of images with an image of another class."""

    def corrupt(images: LabelledPixels) -> LabelledPixels:
        pixels, labels = images
        order = permutation(0, 0, Stream.CONTROL_BLENDS, len(pixels))
        some = order[: int(fraction * len(pixels))]
        others = order.roll(len(order) // 2)[: len(some)]
        differing = labels[some] != labels[others]
        some, others = some[differing], others[differing]
        mixed = pixels.clone()
        mixed[some] = ((pixels[some].int() + pixels[others].int()) // 2).to(torch.uint8)
        return mixed, labels

    return corrupt


def grey_background(images: LabelledPixels) -> LabelledPixels:
    """Raise black to a dark grey of 12 of 255, as samplers do that stop before the end of the range."""
    return images[0].clamp(min=12), images[1]


def without_class(images: LabelledPixels) -> LabelledPixels:
    """Leave out class 1."""
    others = images[1] != 1
    return images[0][others], images[1][others]


def shuffled_labels(images: LabelledPixels) -> LabelledPixels:
    """Permute the labels, as if the condition were ignored."""
    order = permutation(0, 0, Stream.CONTROL_LABELS, len(images[1]))
    return images[0], images[1][order]


def one_per_class(images: LabelledPixels) -> LabelledPixels:
    """Repeat the first image of each class."""
    first = torch.stack([(images[1] == k).nonzero()[0, 0] for k in images[1].unique()])
    index = torch.searchsorted(images[1].unique(), images[1])
    return images[0][first[index]], images[1]


CONTROLS: dict[str, Control] = {
    "real test set": Control(unchanged),
    "train split": Control(unchanged, from_train=True, check_copies=False),
    "noise 0.05": Control(noisy(0.05)),
    "noise 0.1": Control(noisy(0.1)),
    "one pixel shifted": Control(shifted),
    "blurred 3x3": Control(blurred),
    "binarised": Control(binarised),
    "blended 5 %": Control(blended(0.05)),
    "blended 1 %": Control(blended(0.01)),
    "grey background": Control(grey_background),
    "class 1 missing": Control(without_class),
    "labels shuffled": Control(shuffled_labels),
    "one image per class": Control(one_per_class),
    "train images (all copies)": Control(unchanged, from_train=True),
}
"""Name -> control. The scores must detect every corruption, and none in the first two."""

UNCORRUPTED = ("real test set", "train split")


def measure_control(name: str, reference: Reference, count: int = 10_000) -> Evaluation:
    """Return the scores of the control `name` at up to `count` images. Raises `UsageError` without the data set."""
    data = _required_data(reference)
    control = CONTROLS[name]
    values, labels = (data.values, data.labels) if control.from_train else (data.test_values, data.test_labels)
    assert values is not None and labels is not None
    # The extractor set's rows are the first of this permutation: a train split must be disjoint from them.
    order = permutation(0, 0, Stream.REFERENCE_ROWS, len(values))
    train_rows = len(reference.extractor_set.train_features)
    chosen = order[train_rows:][:count] if control.from_train else order[:count]
    pixels, requested = control.corrupt((values[chosen], labels[chosen]))
    # With labels, a missing class would count as never requested.
    given = None if name == "class 1 missing" else requested
    return measure(name, pixels, given, reference.extractor_set, data if control.check_copies else None)


def detected(found: Evaluation) -> list[str]:
    """Return the keys of the scores that differ from those of real images by more than chance."""
    return [score.key for score in found.scores if _is_off(score, found.count)]


def fd_of_unclipped_noise(reference: Reference, std: float, count: int = 10_000) -> dict[str, float]:
    """Return FD to train, by extractor, of noisy test images that were neither clamped nor rounded.

    Classifiers are nearly insensitive to symmetric noise around black, which is why every sample is clamped and
    rounded before its features are extracted.
    """
    data = _required_data(reference)
    assert data.test_values is not None
    pixels = data.test_values[permutation(0, 0, Stream.REFERENCE_ROWS, len(data.test_values))[:count]]
    noise = _with_noise(pixels, std)
    return {
        name: frechet.frechet_distance(Moments.of(each.extract(noise).features), each.statistics.train.overall)
        for name, each in reference.extractor_set.extractors.items()
    }


def fd_between_test_halves(reference: Reference) -> dict[str, float]:
    """Return FD between the halves of the test part in file order, and between two seeded halves, by extractor.

    MNIST's test file consists of two populations of writers in turn, so that its first half is not a valid reference.
    """
    data = _required_data(reference)
    assert data.test_values is not None
    half = len(data.test_values) // 2
    order = permutation(0, 0, Stream.REFERENCE_ROWS, len(data.test_values))
    found = {}
    for name, each in reference.extractor_set.extractors.items():
        features = each.extract(data.test_values).features
        for split, rows in (("in order", features), ("seeded", features[order])):
            found[f"{name} {split}"] = frechet.frechet_distance(Moments.of(rows[:half]), Moments.of(rows[half:]))
    return found


def _is_off(score: Score, count: int) -> bool:
    if score.comparable is None or score.real is None or score.kind not in _LIMITS or score.key.endswith(".test"):
        return False
    return _LIMITS[score.kind](score.comparable, score.real, count)


def _chance(real: float, count: int) -> float:
    """Return four standard errors of a fraction, and at least 0.3 %."""
    return max(0.003, 4 * math.sqrt(real * (1 - real) / count))


# FD varies by half its value with the class counts of a few thousand images
_LIMITS: dict[str, Callable[[float, float, int], bool]] = {
    "fd": lambda value, real, count: value > 2 * real,
    "spread": lambda value, real, count: abs(value - real) > 0.1,
    "precision": lambda value, real, count: value < real - 0.03,
    "recall": lambda value, real, count: value < real - 0.03,
    "coverage": lambda value, real, count: value < real - 0.03,
    "two_sample": lambda value, real, count: value > real + 0.05,
    "accuracy": lambda value, real, count: value < real - _chance(real, count),
    "unsure": lambda value, real, count: value > real + _chance(real, count),
    "zero": lambda value, real, count: abs(value - real) > 0.02,
    "copies": lambda value, real, count: value > 0.05,
    "entropy": lambda value, real, count: value < real - 0.02,
}


def _required_data(reference: Reference) -> Dataset:
    data = reference.data
    if data is None or data.test_values is None or data.labels is None or data.is_points:
        raise UsageError(
            "controls are made from labelled images: give --data with a test part", code="missing-field", field="data"
        )
    return data
