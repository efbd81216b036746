"""Tests that train networks: the classifier two-sample test (C2ST), and train-on-synthetic-test-on-real (TSTR)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.metrics import extractor_training
from inkwash.metrics.extractor_set import extract
from inkwash.metrics.extractors import Classifier, stacked

MIN_COUNT = 200
"""Fewest images of each set."""
EPOCHS = 8
MIN_STEPS = 150
"""A network trains for `EPOCHS`, or more until it has done this many steps."""

Progress = Callable[[float], object]


@dataclass(frozen=True)
class C2STResult:
    """Accuracy in [0, 1] on `count` held-out images, half of them real; 0.5 is indistinguishable.

    An accuracy far below 0.5 means that one set contains images of the other: the network has seen a copy with the
    opposite label.
    """

    accuracy: float
    count: int

    @property
    def error(self) -> float:
        """The binomial standard error of `accuracy`."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)

    @property
    def z_score(self) -> float:
        """The number of standard errors of chance by which the accuracy exceeds 0.5."""
        return (2 * self.accuracy - 1) * math.sqrt(self.count)

    @property
    def p_value(self) -> float:
        """The probability that chance is at least as accurate, in the normal approximation (Lopez-Paz & Oquab 2017)."""
        return math.erfc(self.z_score / math.sqrt(2)) / 2


@dataclass(frozen=True)
class TSTRResult:
    """Test errors in [0, 1] of two classifiers, trained on `count` samples and on as many real images.

    `ratio` is the first over the second; it is infinite where only the second is 0, and 1 where both are. `error` is
    the standard error of the ratio over test images, NaN in these two cases; it does not include the training seed.
    """

    error_of_samples: float
    error_of_real: float
    ratio: float
    error: float
    count: int

    @classmethod
    def of(cls, wrong: Tensor, wrong_twin: Tensor, count: int) -> TSTRResult:
        """Return the result from 1 for each test image classified wrongly and 0 for the others, both [M].

        The standard error is that of a ratio of means over the same images (Cochran 1977, section 2.11).
        """
        wrong, wrong_twin = wrong.double(), wrong_twin.double()
        mean, mean_twin = wrong.mean().item(), wrong_twin.mean().item()
        if not mean_twin:
            return cls(mean, 0.0, math.inf if mean else 1.0, math.nan, count)
        ratio = mean / mean_twin
        error = (wrong - ratio * wrong_twin).std().item() / math.sqrt(len(wrong)) / mean_twin
        return cls(mean, mean_twin, ratio, error, count)


def c2st(
    real: Tensor, fake: Tensor, seed: int = 0, progress: Progress | None = None, *, min_steps: int = MIN_STEPS
) -> C2STResult:
    """Return how accurately a small network distinguishes `real` from `fake`, uint8 [N, C, H, W].

    It trains on a seeded half of each and is tested on the other halves (Lopez-Paz & Oquab 2017). Real test images
    may score above 0.5 against train images where their sources differ: compare with that. `progress` is called with
    the fraction done. Raises `UsageError` for other than pixels, different shapes, unequal N, or N below 200.
    """
    for images, name in ((real, "real images"), (fake, "fake images")):
        _require_pixels(images, name)
    if real.shape[1:] != fake.shape[1:]:
        size, other = ("×".join(map(str, images.shape[1:])) for images in (real, fake))
        raise UsageError(f"real images are {size} and fake ones {other}: give both in the same size")
    if len(real) != len(fake) or len(real) < MIN_COUNT:
        raise UsageError(
            f"{len(real):,} real and {len(fake):,} fake images: C2ST needs as many of each, at least {MIN_COUNT}"
        )
    train, test = [], []
    for draw, images in enumerate((real, fake)):
        order = permutation(seed, draw, Stream.C2ST_HALVES, len(images))
        train.append(images[order[: len(images) // 2]])
        test.append(images[order[len(images) // 2 :]])
    labels = torch.arange(2)
    data = Dataset("real or fake", torch.cat(train), labels.repeat_interleave(len(train[0])), ("real", "fake"))
    # no shifts: the position of the object may be what distinguishes the sets
    net = _trained(data, seed, progress, min_steps, max_shift=0)
    wrong = _errors(net, torch.cat(test), labels.repeat_interleave(len(test[0])))
    return C2STResult(1 - wrong.mean().item(), len(wrong))


def tstr(
    samples: Tensor,
    labels: Tensor | None,
    data: Dataset,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    min_steps: int = MIN_STEPS,
) -> TSTRResult:
    """Return the test errors of a classifier trained on `samples` and of its twin trained on real images.

    The classification accuracy score of Ravuri & Vinyals (2019), as a ratio of errors. `samples` are uint8
    [N, C, H, W], `labels` int64 [N] their requested classes. Both start from the same weights, and where one sees a
    sample the other sees a train image of the same class; samples of a class beyond its number of train images are
    left out. `progress` is called with the fraction done. Raises `UsageError` for samples that are not pixels or of
    another shape than `data`, labels that are missing or out of range, `data` without two classes and a test part,
    and fewer than 200 pairs.
    """
    _require_pixels(samples, "samples")
    if tuple(samples.shape[1:]) != data.shape:
        size, expected = ("×".join(map(str, shape)) for shape in (samples.shape[1:], data.shape))
        raise UsageError(f"samples are {size}, {data.name} is {expected}: give data of the samples' size")
    if data.labels is None or len(data.classes) < 2 or data.test_values is None or data.test_labels is None:
        raise UsageError(
            f"{data.name} lacks a labelled test part of at least two classes, which TSTR needs: give other data"
        )
    labels = _required_labels(labels, len(samples), len(data.classes))
    chosen, twins = _paired(labels, data.labels, seed)
    if len(chosen) < MIN_COUNT:
        raise UsageError(
            f"only {len(chosen)} samples have a train image of their class, TSTR needs {MIN_COUNT}: give more"
        )
    wrong = []
    for place, values in enumerate((samples[chosen], data.values[twins])):
        train = Dataset(data.name, values, labels[chosen], data.classes)
        report = None if progress is None else (lambda done, place=place: progress((place + done) / 2))
        net = _trained(train, seed, report, min_steps, extractor_training.MAX_SHIFT)
        wrong.append(_errors(net, data.test_values, data.test_labels))
    own, twin = wrong
    return TSTRResult.of(own, twin, len(chosen))


def num_steps(count: int) -> int:
    """Return the number of training steps of each network of `c2st` and `tstr` at `count` samples."""
    return extractor_training.num_steps(count, EPOCHS, MIN_STEPS)


def _trained(data: Dataset, seed: int, progress: Progress | None, min_steps: int, max_shift: int) -> Classifier:
    net = extractor_training.seeded(lambda: stacked(data.shape[0], len(data.classes)), seed)
    assert isinstance(net, Classifier)
    return extractor_training.train_classifier(
        net, data, seed, progress, epochs=EPOCHS, min_steps=min_steps, max_shift=max_shift
    )


def _errors(net: Classifier, values: Tensor, labels: Tensor) -> Tensor:
    """Return 1 for each image that `net` classifies wrongly and 0 for the others, float64 [N]."""
    probabilities = extract(net, 1.0, values).probabilities
    assert probabilities is not None
    return (probabilities.argmax(1) != labels).double()


def _paired(labels: Tensor, train_labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Return indices of samples, ascending, and for each a distinct train image of the same class."""
    order = permutation(seed, 0, Stream.TSTR_PARTNERS, len(train_labels))
    chosen, twins = [], []
    for label in labels.unique():
        own = (labels == label).nonzero()[:, 0]
        # ascending, so that the train set is paired with itself
        found = order[train_labels[order] == label][: len(own)].sort().values
        chosen.append(own[: len(found)])
        twins.append(found)
    ascending = torch.cat(chosen).argsort()
    return torch.cat(chosen)[ascending], torch.cat(twins)[ascending]


def _require_pixels(images: Tensor, name: str) -> None:
    if images.ndim != 4 or images.dtype != torch.uint8:
        form = f"{images.dtype} {list(images.shape)}".removeprefix("torch.")
        raise UsageError(f"{name} must be pixels, uint8 [N, C, H, W], but are {form}: decode them first")


def _required_labels(labels: Tensor | None, count: int, classes: int) -> Tensor:
    if labels is None:
        raise UsageError("samples without labels cannot train a classifier: give their requested classes")
    if labels.dtype != torch.int64 or labels.shape != (count,):
        form = f"{labels.dtype} {list(labels.shape)}".removeprefix("torch.")
        raise UsageError(f"labels must be int64, one for each of {count:,} samples, but are {form}")
    if count and (labels.min() < 0 or labels.max() >= classes):
        raise UsageError(
            f"labels are in {int(labels.min())} to {int(labels.max())}, the classes are 0 to {classes - 1}: "
            "count classes from 0"
        )
    return labels
