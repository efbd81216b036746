"""Tests that train networks: the classifier two-sample test (C2ST), and train-on-synthetic-test-on-real (TSTR)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.metrics import extractor_training
from inkwash.metrics.extractor_set import extract
from inkwash.metrics.extractors import Classifier, plain_cnn
from inkwash.metrics.input_checks import check_labels, check_pixels, describe, format_shape, invalid_input
from inkwash.metrics.tensor_types import PerImage, Pixels
from inkwash.text.progress import ProgressCallback

MIN_COUNT = 200
"""Fewest images of each set."""
EPOCHS = 8
MIN_STEPS = 150
"""A network trains for `EPOCHS`, or more until it has done this many steps."""


@dataclass(frozen=True)
class C2STResult:
    """Accuracy in [0, 1] on `count` held-out images, half of them real; 0.5 is indistinguishable.

    An accuracy far below 0.5 means that one set contains images of the other: the network was trained on a copy with
    the opposite label.
    """

    accuracy: float
    count: int

    @property
    def standard_error(self) -> float:
        """The binomial standard error of `accuracy`."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)

    @property
    def z_score(self) -> float:
        """The number of standard errors of chance by which the accuracy exceeds 0.5."""
        return (2 * self.accuracy - 1) * math.sqrt(self.count)

    @property
    def p_value(self) -> float:
        """The probability that chance is at least as accurate, in the normal approximation (Lopez-Paz & Oquab, 2017)."""
        return math.erfc(self.z_score / math.sqrt(2)) / 2


@dataclass(frozen=True)
class TSTRResult:
    """Test errors in [0, 1] of two classifiers, trained on `count` samples and on as many real images.

    `ratio` is the first over the second; it is infinite where only the second is 0, and 1 where both are.
    `standard_error` is that of the ratio over test images, NaN in these two cases; it does not include the training
    seed.
    """

    test_error_of_samples: float
    test_error_of_real: float
    ratio: float
    standard_error: float
    count: int

    @classmethod
    def of(cls, wrong: PerImage, wrong_baseline: PerImage, count: int) -> TSTRResult:
        """Return the result from 1 for each test image classified wrongly and 0 for the others, both [M].

        The standard error is that of a ratio of means over the same images (Cochran, 1977, section 2.11).
        """
        mean, baseline = wrong.mean().item(), wrong_baseline.mean().item()
        if not baseline:
            return cls(mean, 0.0, math.inf if mean else 1.0, math.nan, count)
        ratio = mean / baseline
        error = (wrong - ratio * wrong_baseline).std().item() / math.sqrt(len(wrong)) / baseline
        return cls(mean, baseline, ratio, error, count)


def c2st(
    real: Pixels,
    fake: UInt8[Tensor, "M C2 H2 W2"],
    seed: int = 0,
    progress: ProgressCallback | None = None,
    *,
    min_steps: int = MIN_STEPS,
) -> C2STResult:
    """Return how accurately a small network distinguishes `real` from `fake`, uint8 [N, C, H, W].

    It trains on a seeded half of each and is tested on the other halves (Lopez-Paz & Oquab, 2017). Real test images
    may score above 0.5 against train images where their sources differ: compare with that. `progress` is called with
    the fraction done. Raises `UsageError` for other than pixels, different shapes, unequal N, or N below 200.
    """
    check_pixels(real, "real", MIN_COUNT)
    check_pixels(fake, "fake", MIN_COUNT)
    if real.shape != fake.shape:
        raise UsageError(
            f"real images are {describe(real)} and fake images {describe(fake)}: give as many of each, of one size",
            code="mismatch",
            field="fake",
        )
    train, test = [], []
    for draw, images in enumerate((real, fake)):
        order = permutation(seed, draw, Stream.C2ST_HALVES, len(images))
        train.append(images[order[: len(images) // 2]])
        test.append(images[order[len(images) // 2 :]])
    labels = torch.arange(2)
    data = Dataset("real or fake", torch.cat(train), labels.repeat_interleave(len(train[0])), ("real", "fake"))
    # Train without shifts: the position of the object may be what distinguishes the sets.
    net = _trained(data, seed, progress, min_steps, max_shift=0)
    wrong = _errors(net, torch.cat(test), labels.repeat_interleave(len(test[0])))
    return C2STResult(1 - wrong.mean().item(), len(wrong))


def tstr(
    samples: Pixels,
    labels: Int64[Tensor, " M"] | None,
    data: Dataset,
    seed: int = 0,
    progress: ProgressCallback | None = None,
    *,
    min_steps: int = MIN_STEPS,
) -> TSTRResult:
    """Return the test errors of a classifier trained on `samples` and of a baseline trained on real images.

    The classification accuracy score of Ravuri & Vinyals (2019), as a ratio of errors. `samples` are uint8
    [N, C, H, W], `labels` int64 [N] their requested classes. Both start from the same weights, and at each
    position one trains on a sample and the other on a train image of the same class; samples of a class beyond its
    number of train images are left out. `progress` is called with the fraction done.

    Raises `UsageError` for samples that are not pixels or of another shape than `data`, labels that are missing or out
    of range, `data` without two classes and a test part, and fewer than 200 pairs.
    """
    check_pixels(samples, "samples")
    if tuple(samples.shape[1:]) != data.shape:
        raise UsageError(
            f"samples are {format_shape(samples.shape[1:])}, {data.name} is {format_shape(data.shape)}: give data of the "
            "size of the samples",
            code="mismatch",
            field="samples",
        )
    if data.labels is None or len(data.classes) < 2 or data.test_values is None or data.test_labels is None:
        raise UsageError(
            f"{data.name} has no labelled test part of at least two classes, which TSTR needs: give other data",
            code="unsupported",
            field="data",
        )
    if labels is None:
        raise UsageError(
            "samples without labels cannot train a classifier: give their classes", code="missing-field", field="labels"
        )
    check_labels(labels, len(samples), range(len(data.classes)))
    chosen, partners = _paired(labels, data.labels, seed)
    if len(chosen) < MIN_COUNT:
        raise invalid_input(
            f"only {len(chosen)} samples have a train image of their class, TSTR needs {MIN_COUNT}: give more",
            "samples",
        )
    wrong = []
    for index, values in enumerate((samples[chosen], data.values[partners])):
        train = Dataset(data.name, values, labels[chosen], data.classes)
        report = None if progress is None else (lambda done, index=index: progress((index + done) / 2))
        net = _trained(train, seed, report, min_steps, extractor_training.MAX_SHIFT)
        wrong.append(_errors(net, data.test_values, data.test_labels))
    return TSTRResult.of(wrong[0], wrong[1], len(chosen))


def num_steps(count: int) -> int:
    """Return the number of training steps of each network of `c2st` and `tstr` at `count` samples."""
    return extractor_training.num_steps(count, EPOCHS, MIN_STEPS)


def _trained(data: Dataset, seed: int, progress: ProgressCallback | None, min_steps: int, max_shift: int) -> Classifier:
    net = extractor_training.seeded(lambda: plain_cnn(data.shape[0], len(data.classes)), seed)
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
    chosen, partners = [], []
    for label in labels.unique():
        own = (labels == label).nonzero()[:, 0]
        # Sort in ascending order, so that the training set is paired with itself.
        found = order[train_labels[order] == label][: len(own)].sort().values
        chosen.append(own[: len(found)])
        partners.append(found)
    ascending = torch.cat(chosen).argsort()
    return torch.cat(chosen)[ascending], torch.cat(partners)[ascending]
