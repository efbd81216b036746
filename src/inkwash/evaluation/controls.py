"""Controls: real images spoilt on purpose, each in one way, so that a measure that sees nothing is found out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inkwash.core.noise import Stream, normals, permutation
from inkwash.data import Dataset, decode, encode
from inkwash.errors import UsageError
from inkwash.evaluation.extractors import Bench
from inkwash.evaluation.measures import measure
from inkwash.evaluation.score import Evaluation, Score
from inkwash.metrics import frechet
from inkwash.metrics.frechet import Moments

Images = tuple[Tensor, Tensor]
"""Pixels uint8 [N, C, H, W] and labels int64 [N]."""

Spoil = Callable[[Images], Images]


@dataclass(frozen=True)
class Control:
    """One way to spoil real test images; `copied` takes train images instead, `known` whether they count as copies."""

    spoil: Spoil
    copied: bool = False
    known: bool = True


def _same(images: Images) -> Images:
    return images


def noisy(std: float) -> Spoil:
    """Return what adds normal noise of `std` (pixels from 0 to 1), clamped and rounded as every sample is."""
    return lambda images: (decode(_with_noise(images[0], std)), images[1])


def _with_noise(pixels: Tensor, std: float) -> Tensor:
    noise = normals(0, torch.arange(len(pixels)), 0, Stream.CONTROL_NOISE, pixels.shape[1:])
    return encode(pixels) + 2 * std * noise


def shifted(images: Images) -> Images:
    """Move every image by one pixel to the right; what leaves comes back on the left, where there is nothing to see."""
    return images[0].roll(1, dims=-1), images[1]


def blurred(images: Images) -> Images:
    """Replace every pixel by the mean of the 3 by 3 around it."""
    smooth = functional.avg_pool2d(images[0].float(), 3, 1, 1, count_include_pad=True)
    return smooth.round().to(torch.uint8), images[1]


def binarised(images: Images) -> Images:
    """Leave only black and white."""
    return (images[0] > 127).to(torch.uint8) * 255, images[1]


def ghosts(share: float) -> Spoil:
    """Return what lays a second image, of another class, half and half over this `share` of images."""

    def spoil(images: Images) -> Images:
        pixels, labels = images
        order = permutation(0, 0, Stream.CONTROL_BLENDS, len(pixels))
        some = order[: int(share * len(pixels))]
        others = order.roll(len(order) // 2)[: len(some)]
        differing = labels[some] != labels[others]
        some, others = some[differing], others[differing]
        mixed = pixels.clone()
        mixed[some] = ((pixels[some].int() + pixels[others].int()) // 2).to(torch.uint8)
        return mixed, labels

    return spoil


def grey(images: Images) -> Images:
    """Lift black to a dark grey of 12 in 255, as samplers do that never quite reach the edge of the range."""
    return images[0].clamp(min=12), images[1]


def without_a_class(images: Images) -> Images:
    """Leave out class 1."""
    kept = images[1] != 1
    return images[0][kept], images[1][kept]


def mislabelled(images: Images) -> Images:
    """Give every image the label of another: the condition is ignored."""
    order = permutation(0, 0, Stream.CONTROL_LABELS, len(images[1]))
    return images[0], images[1][order]


def one_each(images: Images) -> Images:
    """Show the first image of each class again and again."""
    first = torch.stack([(images[1] == k).nonzero()[0, 0] for k in images[1].unique()])
    place = torch.searchsorted(images[1].unique(), images[1])
    return images[0][first[place]], images[1]


CONTROLS: dict[str, Control] = {
    "real test set": Control(_same),
    "train split": Control(_same, copied=True, known=False),
    "noise 0.05": Control(noisy(0.05)),
    "noise 0.1": Control(noisy(0.1)),
    "one pixel shifted": Control(shifted),
    "blurred 3x3": Control(blurred),
    "binarised": Control(binarised),
    "ghosts 5 %": Control(ghosts(0.05)),
    "ghosts 1 %": Control(ghosts(0.01)),
    "grey ground": Control(grey),
    "class 1 missing": Control(without_a_class),
    "labels shuffled": Control(mislabelled),
    "one image a class": Control(one_each),
    "copier": Control(_same, copied=True),
}
"""Name -> how it is made; the first two must pass unnoticed, every other must not."""

UNSPOILT = ("real test set", "train split")


def measured(name: str, bench: Bench, count: int = 10_000) -> Evaluation:
    """Return the scores of the control `name` at up to `count` images. Raises `UsageError` without the data set."""
    data = _require(bench)
    control = CONTROLS[name]
    values, labels = (data.values, data.labels) if control.copied else (data.test_values, data.test_labels)
    assert values is not None and labels is not None
    # the first of this permutation are the rows that neighbours are compared with: a split is of the others
    order = permutation(0, 0, Stream.REFERENCE_ROWS, len(values))
    chosen = order[len(bench.panel.train_rows) :][:count] if control.copied else order[:count]
    pixels, asked = control.spoil((values[chosen], labels[chosen]))
    # judges without labels would not see that a class is missing: they are asked for, as of a conditional model
    heard = None if name == "class 1 missing" else asked
    return measure(name, pixels, heard, bench.panel, data if control.known else None)


def caught(found: Evaluation) -> list[str]:
    """Return the keys of the scores that are off: further from real images than such scores scatter."""
    return [score.key for score in found.scores if _off(score, found.count)]


def unclipped(bench: Bench, std: float, count: int = 10_000) -> dict[str, float]:
    """Return FD to train by judge of noisy test images that were neither clamped nor rounded.

    Judges of classes, B above all, are nearly blind to noise on both sides of black: it is why every image is clamped
    and rounded before it is judged.
    """
    data = _require(bench)
    assert data.test_values is not None
    pixels = data.test_values[permutation(0, 0, Stream.REFERENCE_ROWS, len(data.test_values))[:count]]
    return {
        name: frechet.distance(Moments.of(judge.read(_with_noise(pixels, std)).features), judge.reference.train.whole)
        for name, judge in bench.panel.judges.items()
    }


def halves(bench: Bench) -> dict[str, float]:
    """Return FD between the two halves of the test part as the file has them, and of two seeded halves, by judge.

    MNIST's test file is two populations of writers, one after the other: half of it is no reference.
    """
    data = _require(bench)
    assert data.test_values is not None
    half = len(data.test_values) // 2
    order = permutation(0, 0, Stream.REFERENCE_ROWS, len(data.test_values))
    found = {}
    for name, judge in bench.panel.judges.items():
        features = judge.read(data.test_values).features
        for told, rows in (("in order", features), ("seeded", features[order])):
            found[f"{name} {told}"] = frechet.distance(Moments.of(rows[:half]), Moments.of(rows[half:]))
    return found


def _off(score: Score, count: int) -> bool:
    kind = score.key.split(".")[0]
    if score.comparable is None or score.real is None or kind not in _LIMITS or score.key.endswith(".test"):
        return False
    return _LIMITS[kind](score.comparable, score.real, count)


def _chance(real: float, count: int) -> float:
    """Four standard errors of a share, and no less than 0.3 %."""
    return max(0.003, 4 * math.sqrt(real * (1 - real) / count))


# FD scatters by half its value, with the classes that a few thousand images happen to hold
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


def _require(bench: Bench) -> Dataset:
    if bench.data is None or bench.data.test_values is None or bench.data.labels is None or bench.data.is_points:
        raise UsageError("controls are made of real images: give --data, images with labels and a test part")
    return bench.data
