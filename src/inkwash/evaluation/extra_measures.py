"""Measures that are asked for by name, because they take longer: bits a value, and networks that learn from samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation.sample_cache import Setting
from inkwash.evaluation.score import Score
from inkwash.metrics import classifier_tests, extractor_training, likelihood
from inkwash.metrics.extractors import stacked
from inkwash.sampling.request import SampleRequest

Progress = Callable[[str, float], object]

TIGHTENING = 300
"""Train images on which the cleanest level of the bound is chosen."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What is measured: examples and the labels asked for, and the setting that drew them, None for a file."""

    values: Tensor
    asked: Tensor | None
    setting: Setting | None


def bits(subject: Subject, data: Dataset, progress: Progress) -> Iterator[Score]:
    """Bound the likelihood of all test images under the model; samplers and guidance play no part in it."""
    words = "bits a value, test"
    if subject.setting is None or data.is_points or data.test_values is None:
        yield Score("bits", words, None, note="needs a model of images, and data with a test part")
        return
    chosen = subject.setting.model
    unguided = _unguided(subject.setting)
    denoiser = chosen.denoiser(unguided.guidance, unguided.interval, clip=True, precision=unguided.precision)
    train, train_labels = _some(data.values, data.labels if chosen.conditional else None, TIGHTENING)
    frequencies = likelihood.frequencies(data.values)
    grid = likelihood.Grid.of(chosen.recipe.schedule)
    progress("bits: choosing the cleanest level", 0.0)
    grid = likelihood.tightened(grid, denoiser, train, train_labels, frequencies, device=chosen.device)
    test = data.test_values
    found = likelihood.bound(
        denoiser,
        test,
        data.test_labels if chosen.conditional else None,
        grid,
        values=frequencies,
        device=chosen.device,
        progress=lambda done: progress("bits", done / len(test)),
    )
    note = (
        f"prior {found.prior:.3f}, steps {found.diffusion:.3f}, decoder {found.decoder:.3f}; standard error {found.error:.4f}"
        + ("; of images given their label" if chosen.conditional else "")
    )
    ends = found.bits - 1.96 * found.error, found.bits + 1.96 * found.error
    yield Score("bits", words, found.bits, low=ends[0], high=ends[1], note=note)


def thorough(subject: Subject, data: Dataset, progress: Progress) -> Iterator[Score]:
    """Train networks: one to tell samples from real images, two to read digits, from samples and from real ones."""
    if data.is_points:
        yield Score("told_apart", TOLD, None, note="needs images")
        return
    n = min(len(subject.values), len(data))
    if n < classifier_tests.FEWEST:
        for key, words in (("told_apart", TOLD), ("taught", TAUGHT)):
            yield Score(key, words, None, note=f"needs {classifier_tests.FEWEST} samples and as many train images")
        return
    real, _ = _some(data.values, None, n)
    found = classifier_tests.told_apart(
        real, subject.values[:n], progress=lambda share: progress("telling apart", share)
    )
    ends = found.accuracy - 1.96 * found.error, found.accuracy + 1.96 * found.error
    usual = _test_told_apart(real, data, progress)
    yield Score("told_apart", TOLD, found.accuracy, usual, low=ends[0], high=ends[1])
    if subject.asked is None or data.labels is None or data.test_values is None:
        yield Score("taught", TAUGHT, None, note="needs samples with labels, and data with a labelled test part")
        return
    try:
        learnt = classifier_tests.taught(
            subject.values, subject.asked, data, progress=lambda share: progress("learning from samples", share)
        )
    except UsageError as error:
        yield Score("taught", TAUGHT, None, note=str(error))
        return
    note = f"error {learnt.error_of_samples:.2%} after learning from samples, {learnt.error_of_real:.2%} from real ones"
    if math.isinf(learnt.ratio):
        yield Score("taught", TAUGHT, None, note=f"{note}: no ratio to nothing")
        return
    yield Score("taught", TAUGHT, learnt.ratio, 1.0, note=note)


def _test_told_apart(real: Tensor, data: Dataset, progress: Progress) -> float | None:
    """How often real test images are told from train ones, None where there are not as many: their makers may differ."""
    if data.test_values is None or len(data.test_values) < len(real):
        return None
    test, _ = _some(data.test_values, None, len(real))
    return classifier_tests.told_apart(
        real, test, progress=lambda share: progress("telling real ones apart", share)
    ).accuracy


TOLD = "CNN two-sample"
TAUGHT = "error of a learner"


def _unguided(setting: Setting) -> SampleRequest:
    """Return the settings that take out again what guidance the network learnt to say by itself, if any."""
    taught = setting.model.recipe.training
    if taught.guidance == 1:
        return replace(setting.settings, guidance=1.0 if setting.model.conditional else None, interval=(0.0, 1.0))
    return replace(setting.settings, guidance=1 / taught.guidance, interval=taught.guidance_interval)


def _bits_seconds(count: int, setting: Setting | None, asked: bool, data: Dataset) -> float:
    if setting is None or data.is_points or data.test_values is None:
        return 0.0
    # a batch holds many levels, so that hardly one of them is wholly outside of an interval
    alone = replace(setting, settings=replace(_unguided(setting), interval=(0.0, 1.0)))
    each = alone.pace() / alone.sampler.evaluations
    return likelihood.evaluations(len(data.test_values), min(TIGHTENING, len(data))) * each


def _thorough_seconds(count: int, setting: Setting | None, asked: bool, data: Dataset) -> float:
    count = min(count, len(data))
    if data.is_points or count < classifier_tests.FEWEST:
        return 0.0
    # one tells samples from real images, one real ones from real ones, and two are taught
    reading = asked and data.labels is not None and data.test_labels is not None
    networks = 1 + (data.test_values is not None and len(data.test_values) >= count) + 2 * reading
    lesson = Dataset(data.name, data.values, torch.zeros(len(data), dtype=torch.int64), ("one", "other"))
    each = extractor_training.pace(stacked(data.shape[0], max(2, len(data.classes))), lesson)
    return networks * classifier_tests.updates(count) * each


class Extra(NamedTuple):
    """A measure, and a guess of the seconds that it takes on so many samples.

    They are of a setting (None for a file), with or without the labels that were asked for.
    """

    measure: Callable[[Subject, Dataset, Progress], Iterator[Score]]
    seconds: Callable[[int, Setting | None, bool, Dataset], float]


EXTRAS = {"bits": Extra(bits, _bits_seconds), "thorough": Extra(thorough, _thorough_seconds)}
"""Flag -> measure."""


def _some(values: Tensor, labels: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    chosen = permutation(0, 0, Stream.EXTRA_MEASURE_ROWS, len(values))[:count]
    return values[chosen], None if labels is None else labels[chosen]
