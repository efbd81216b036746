"""Rivals: a network that tries to tell drawn images from real ones, and one taught by drawn images against its twin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.metrics import extractor_training
from inkwash.metrics.extractor_set import read
from inkwash.metrics.extractors import Classifier, stacked

FEWEST = 200
"""Images a side below which a network learns too little for its verdict to mean anything."""
EPOCHS = 8
FEWEST_STEPS = 150
"""A network learns for so many epochs, of few images for more, until it made so many updates."""

Progress = Callable[[float], object]


@dataclass(frozen=True)
class Share:
    """Of `count` held-out images, half of them real, the share in [0, 1] that was told apart; 0.5 is best.

    Well below 0.5 images of one set stand in the other: the network learnt a copy under the other name.
    """

    accuracy: float
    count: int

    @property
    def error(self) -> float:
        """The binomial standard error of `accuracy`."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)

    @property
    def deviations(self) -> float:
        """How many standard errors of a mere guess the accuracy lies above 0.5."""
        return (2 * self.accuracy - 1) * math.sqrt(self.count)

    @property
    def p_value(self) -> float:
        """The chance that a guess does at least as well, in the normal approximation (Lopez-Paz & Oquab 2017)."""
        return math.erfc(self.deviations / math.sqrt(2)) / 2


@dataclass(frozen=True)
class Taught:
    """Shares in [0, 1] of the real test images that each pupil gets wrong, after `count` images of its own kind.

    `ratio` is the first over the second, 1 as good as real ones: infinite where only the real twin makes no error, 1
    where neither does. `error` is its standard error over test images, NaN in those two cases; another seed moves
    both pupils as well, and it does not know that.
    """

    error_of_samples: float
    error_of_real: float
    ratio: float
    error: float
    count: int

    @classmethod
    def of(cls, own: Tensor, twin: Tensor, count: int) -> Taught:
        """Return the figures of 1 for each test image that a pupil gets wrong and 0 for the others, both [M].

        The ratio of two means over the same images, with its standard error (Cochran 1977, section 2.11).
        """
        own, twin = own.double(), twin.double()
        wrong, wrong_twin = own.mean().item(), twin.mean().item()
        if not wrong_twin:
            return cls(wrong, 0.0, math.inf if wrong else 1.0, math.nan, count)
        ratio = wrong / wrong_twin
        error = (own - ratio * twin).std().item() / math.sqrt(len(own)) / wrong_twin
        return cls(wrong, wrong_twin, ratio, error, count)


def told_apart(
    real: Tensor, fake: Tensor, seed: int = 0, progress: Progress | None = None, *, steps: int = FEWEST_STEPS
) -> Share:
    """Return how well a small network tells `real` from `fake`, uint8 [N, C, H, W] (Lopez-Paz & Oquab 2017).

    It learns from a seeded half of each for 8 epochs, or more until it made `steps` updates, and is asked about the
    other halves. Real test images score somewhat above 0.5 against train ones where their makers differ: compare with
    that. `progress(share)` hears how far it is, in [0, 1]. Raises `UsageError` for other than pixels, two shapes,
    unequal N, or N below 200.
    """
    for images, what in ((real, "real"), (fake, "fake")):
        _require_pixels(images, f"{what} images")
    if real.shape[1:] != fake.shape[1:]:
        size, other = ("×".join(map(str, images.shape[1:])) for images in (real, fake))
        raise UsageError(
            f"real images are {size} and fake ones {other}: the size alone tells them apart; give one size"
        )
    if len(real) != len(fake) or len(real) < FEWEST:
        raise UsageError(
            f"{len(real):,} real and {len(fake):,} fake images: a network that tells them apart needs as many of each,"
            f" at least {FEWEST}"
        )
    learn, asked = [], []
    for draw, images in enumerate((real, fake)):
        order = permutation(seed, draw, Stream.C2ST_HALVES, len(images))
        learn.append(images[order[: len(images) // 2]])
        asked.append(images[order[len(images) // 2 :]])
    answers = torch.arange(2)
    lesson = Dataset("real or fake", torch.cat(learn), answers.repeat_interleave(len(learn[0])), ("real", "fake"))
    # unmoved: where an image sits can be what tells it apart
    net = _pupil(lesson, seed, progress, steps, shift=0)
    wrong = _wrong(net, torch.cat(asked), answers.repeat_interleave(len(asked[0])))
    return Share(1 - wrong.mean().item(), len(wrong))


def taught(
    samples: Tensor,
    asked: Tensor | None,
    data: Dataset,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    steps: int = FEWEST_STEPS,
) -> Taught:
    """Return how well a classifier of real test images learns from `samples`, beside its twin that learns from real ones.

    The classification accuracy score of Ravuri & Vinyals 2019, as a ratio of errors. `samples` are uint8 [N, C, H, W],
    `asked` int64 [N] the labels they were drawn for. The twin starts alike and sees a train image of the same class
    wherever the pupil sees a sample; what was asked of a class beyond its train images is left out for both, and a
    class never asked for is learnt by neither. Both learn for 8 epochs, or more until they made `steps` updates.
    `progress(share)` hears how far it is, in [0, 1]. Raises `UsageError` for samples that are not pixels or of another
    shape than `data`, labels that are missing or out of range, `data` without two classes and a test part, or fewer
    than 200 samples to compare.
    """
    _require_pixels(samples, "samples")
    if tuple(samples.shape[1:]) != data.shape:
        size, wanted = ("×".join(map(str, shape)) for shape in (samples.shape[1:], data.shape))
        raise UsageError(f"samples are {size}, {data.name} is {wanted}: give data of the samples' own size")
    if data.labels is None or len(data.classes) < 2 or data.test_values is None or data.test_labels is None:
        raise UsageError(
            f"{data.name} needs labels of two classes and a test part, to teach from samples: give other data"
        )
    asked = _required_labels(asked, len(samples), len(data.classes))
    places, partners = _paired(asked, data.labels, seed)
    if len(places) < FEWEST:
        raise UsageError(
            f"only {len(places)} samples have a train image to compare with, {FEWEST} are needed: give more"
        )
    wrong = []
    for turn, values in enumerate((samples[places], data.values[partners])):
        heard = partial(_in_turn, progress, turn) if progress is not None else None
        net = _pupil(
            Dataset(data.name, values, asked[places], data.classes), seed, heard, steps, extractor_training.SHIFT
        )
        wrong.append(_wrong(net, data.test_values, data.test_labels))
    own, twin = wrong
    return Taught.of(own, twin, len(places))


def updates(count: int) -> int:
    """Return how often each network of `told_apart` and `taught` is updated when there are `count` samples."""
    return extractor_training.updates(count, EPOCHS, FEWEST_STEPS)


def _pupil(data: Dataset, seed: int, progress: Progress | None, steps: int, shift: int) -> Classifier:
    net = extractor_training.initialised(lambda: stacked(data.shape[0], len(data.classes)), seed)
    assert isinstance(net, Classifier)
    return extractor_training.learnt(net, data, seed, progress, epochs=EPOCHS, steps=steps, shift=shift)


def _in_turn(progress: Progress, turn: int, share: float) -> None:
    progress((turn + share) / 2)


def _wrong(net: Classifier, values: Tensor, labels: Tensor) -> Tensor:
    """Return 1 for each image whose label `net` gets wrong and 0 for the others, float64 [N]."""
    return (read(net, 1.0, values).certain.argmax(1) != labels).double()


def _paired(asked: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return places of samples, ascending, and for each a train image of the same class, none of them twice."""
    order = permutation(seed, 0, Stream.TSTR_PARTNERS, len(labels))
    places, partners = [], []
    for label in asked.unique():
        own = (asked == label).nonzero()[:, 0]
        # in the train set's own order, so that the train set itself is its own partner
        found = order[labels[order] == label][: len(own)].sort().values
        places.append(own[: len(found)])
        partners.append(found)
    ascending = torch.cat(places).argsort()
    return torch.cat(places)[ascending], torch.cat(partners)[ascending]


def _require_pixels(images: Tensor, what: str) -> None:
    if images.ndim != 4 or images.dtype != torch.uint8:
        form = f"{images.dtype} {list(images.shape)}".removeprefix("torch.")
        raise UsageError(f"{what} must be pixels, uint8 [N, C, H, W], but are {form}: only those can be learnt from")


def _required_labels(asked: Tensor | None, images: int, classes: int) -> Tensor:
    if asked is None:
        raise UsageError("samples without labels cannot teach classes: give the labels that they were drawn for")
    if asked.dtype != torch.int64 or asked.shape != (images,):
        form = f"{asked.dtype} {list(asked.shape)}".removeprefix("torch.")
        raise UsageError(f"labels must be int64, one for each of {images:,} samples, but are {form}")
    if images and (asked.min() < 0 or asked.max() >= classes):
        raise UsageError(
            f"labels reach from {int(asked.min())} to {int(asked.max())}, the classes are 0 to {classes - 1}: "
            "are they counted from 0?"
        )
    return asked
