"""Slow measures on request: likelihood bound (--bits); C2ST and TSTR, which train networks (--thorough)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from inkwash.core.rng import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation.scores import Score
from inkwash.evaluation.setting import Setting
from inkwash.metrics import classifier_tests, extractor_training, likelihood
from inkwash.metrics.extractors import plain_cnn
from inkwash.metrics.log_snr_grid import LogSNRGrid
from inkwash.sampling.request import SampleRequest
from inkwash.text.progress import StageProgressCallback

GRID_SEARCH_IMAGES = 300
"""Train images that the lowest noise level of the likelihood bound is chosen on."""


@dataclass(frozen=True, eq=False)
class MetricInput:
    """Samples, their requested classes, and the setting that they were sampled with, None for a file."""

    values: Tensor
    labels: Tensor | None
    setting: Setting | None


def bits(metric_input: MetricInput, data: Dataset, progress: StageProgressCallback) -> Iterator[Score]:
    """Bound the likelihood of all test images under the model; sampler and guidance do not affect it."""
    title = "bits/dim, test"
    if metric_input.setting is None or data.is_points or data.test_values is None:
        yield Score("bits", title, None, note="needs a model of images, and data with a test part")
        return
    model = metric_input.setting.model
    sampling = _without_guidance(metric_input.setting)
    denoiser = model.denoiser(sampling.guidance, sampling.interval, clip=True, precision=sampling.precision)
    train, train_labels = _subset(data.values, data.labels if model.conditional else None, GRID_SEARCH_IMAGES)
    frequencies = likelihood.frequencies(data.values)
    grid = LogSNRGrid.of(model.recipe.schedule)
    progress("bits: choosing the lowest noise level", 0.0)
    grid = likelihood.with_best_end(grid, denoiser, train, train_labels, frequencies, device=model.device)
    test = data.test_values
    found = likelihood.bits_per_dim(
        denoiser,
        test,
        data.test_labels if model.conditional else None,
        grid,
        pixel_frequencies=frequencies,
        device=model.device,
        progress=lambda done: progress("bits", done / len(test)),
    )
    note = (
        f"prior {found.prior:.3f}, diffusion {found.diffusion:.3f}, decoder {found.decoder:.3f}; "
        f"standard error {found.standard_error:.4f}" + ("; conditioned on the label" if model.conditional else "")
    )
    low, high = _interval(found.bits, found.standard_error)
    yield Score("bits", title, found.bits, low=low, high=high, note=note)


C2ST, TSTR = "C2ST accuracy", "TSTR error ratio"


def thorough(metric_input: MetricInput, data: Dataset, progress: StageProgressCallback) -> Iterator[Score]:
    """Train a network to distinguish samples from real images (C2ST), and classifiers on both (TSTR)."""
    if data.is_points:
        yield Score("c2st", C2ST, None, note="needs images")
        return
    n = min(len(metric_input.values), len(data))
    if n < classifier_tests.MIN_COUNT:
        note = f"needs {classifier_tests.MIN_COUNT} samples and as many train images"
        yield from (Score(key, title, None, note=note) for key, title in (("c2st", C2ST), ("tstr", TSTR)))
        return
    yield _c2st(metric_input, data, n, progress)
    yield _tstr(metric_input, data, progress)


def _c2st(metric_input: MetricInput, data: Dataset, n: int, progress: StageProgressCallback) -> Score:
    real, _ = _subset(data.values, None, n)
    found = classifier_tests.c2st(
        real, metric_input.values[:n], progress=lambda done: progress("C2ST of samples", done)
    )
    low, high = _interval(found.accuracy, found.standard_error)
    real_accuracy = None
    if data.test_values is not None and len(data.test_values) >= n:
        # The accuracy is not exactly 0.5 where train and test images have different sources.
        test, _ = _subset(data.test_values, None, n)
        of_test = classifier_tests.c2st(real, test, progress=lambda done: progress("C2ST of real images", done))
        real_accuracy = of_test.accuracy
    return Score("c2st", C2ST, found.accuracy, real_accuracy, low=low, high=high)


def _tstr(metric_input: MetricInput, data: Dataset, progress: StageProgressCallback) -> Score:
    if metric_input.labels is None or data.labels is None or data.test_values is None:
        return Score("tstr", TSTR, None, note="needs samples with labels, and data with a labelled test part")
    try:
        found = classifier_tests.tstr(
            metric_input.values, metric_input.labels, data, progress=lambda done: progress("TSTR", done)
        )
    except UsageError as error:
        return Score("tstr", TSTR, None, note=str(error))
    note = f"test error {found.test_error_of_samples:.2%} trained on samples, {found.test_error_of_real:.2%} on real images"
    if math.isinf(found.ratio):
        return Score("tstr", TSTR, None, note=f"{note}: the ratio is undefined")
    return Score("tstr", TSTR, found.ratio, 1.0, note=note)


def _interval(value: float, error: float) -> tuple[float, float]:
    return value - 1.96 * error, value + 1.96 * error


def _without_guidance(setting: Setting) -> SampleRequest:
    """Return the settings without guidance; guidance built into the network by training is undone by its inverse."""
    training = setting.model.recipe.training
    if training.guidance == 1:
        return replace(setting.request, guidance=1.0 if setting.model.conditional else None, interval=(0.0, 1.0))
    return replace(setting.request, guidance=1 / training.guidance, interval=training.guidance_interval)


def _bits_seconds(count: int, setting: Setting | None, labelled: bool, data: Dataset) -> float:
    if setting is None or data.is_points or data.test_values is None:
        return 0.0
    # A batch mixes noise levels, so nearly every batch needs the evaluations of the guidance interval.
    full = replace(setting, request=replace(_without_guidance(setting), interval=(0.0, 1.0)))
    seconds = full.seconds_per_sample() / full.sampler.evaluations
    return likelihood.num_evaluations(len(data.test_values), min(GRID_SEARCH_IMAGES, len(data))) * seconds


def _thorough_seconds(count: int, setting: Setting | None, labelled: bool, data: Dataset) -> float:
    count = min(count, len(data))
    if data.is_points or count < classifier_tests.MIN_COUNT:
        return 0.0
    # C2ST of the samples and of the test images, and the two classifiers of TSTR
    has_test = data.test_values is not None and len(data.test_values) >= count
    has_tstr = labelled and data.labels is not None and data.test_labels is not None
    networks = 1 + has_test + 2 * has_tstr
    pair = Dataset(data.name, data.values, torch.zeros(len(data), dtype=torch.int64), ("real", "fake"))
    net = plain_cnn(data.shape[0], max(2, len(data.classes)))
    return networks * classifier_tests.num_steps(count) * extractor_training.seconds_per_step(net, pair)


class OptionalMetric(NamedTuple):
    """A measure, and its estimated seconds from count, setting (None for a file), whether labelled, and data."""

    measure: Callable[[MetricInput, Dataset, StageProgressCallback], Iterator[Score]]
    seconds: Callable[[int, Setting | None, bool, Dataset], float]


OPTIONAL_METRICS = {
    "bits": OptionalMetric(bits, _bits_seconds),
    "thorough": OptionalMetric(thorough, _thorough_seconds),
}
"""Command-line flag -> measure."""


def _subset(values: Tensor, labels: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    chosen = permutation(0, 0, Stream.EXTRA_MEASURE_ROWS, len(values))[:count]
    return values[chosen], None if labels is None else labels[chosen]
