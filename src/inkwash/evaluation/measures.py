"""The table of scores: what the judges say of some images, each figure beside what real images of the same number get."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from inkwash.core.noise import Stream, permutation
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation import memorization
from inkwash.evaluation.score import FEWEST, Better, Evaluation, Score, Seen
from inkwash.metrics import class_accuracy, frechet, kid, pixel_statistics, prdc
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import Reading
from inkwash.metrics.frechet import Moments
from inkwash.metrics.reference_statistics import Part

Progress = Callable[[str], object]

MOST = 10**7
"""Images beyond which a number is a slip of the hand: the largest test sets have some ten thousand."""
FEWEST_NEIGHBOURS = 50


def measure(
    name: str,
    values: Tensor,
    asked: Tensor | None,
    panel: ExtractorSet,
    data: Dataset | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return every score of uint8 images [N, C, H, W] or points [N, D]; `asked` int64 [N] are the labels asked for.

    `data` is the panel's own data set where it is at hand: the distances to train images need it. Raises `UsageError`
    for examples of another shape, none at all, or labels out of range; a measure that needs more examples is left
    out and says so.
    """
    panel.require(tuple(values.shape[1:]), name)
    if not len(values):
        raise UsageError(f"{name} holds no examples: there is nothing to evaluate")
    if asked is not None:
        panel.require_labels(asked, len(values), name)
    if data is not None and data.sha256 != panel.about.sha256:
        raise UsageError(
            f"{data.name} ({data.sha256[:12]}) is not the {panel.about.data} that the judges know "
            f"({panel.about.sha256[:12]}): give its own folder, or --judge for judges of other data"
        )
    say = progress or (lambda what: None)
    notes = []
    if asked is not None and not panel.about.classes:
        asked = None
        notes.append(f"the judges of {panel.about.data} know no classes: the labels asked for are not looked at")
    shares = _other_shares(asked, panel)
    if shares is not None:
        weighted = all(part.classes for judge in panel.judges.values() for part in judge.reference.parts)
        then = "for FD real images are weighted alike" if weighted else "FD counts that too, for want of real images"
        notes.append(f"labels were asked in other proportions than the train set's: {then}")
        shares = shares if weighted else None
    scores: list[Score] = []
    readings = {}
    for judge in panel.judges:
        say(f"judge {judge} looks")
        readings[judge] = panel.judges[judge].read(values)
        scores += _distances(judge, readings[judge].features, panel, shares)
    first = readings[panel.first]
    say("neighbours")
    scores += _neighbours(first.features, panel)
    for judge, reading in readings.items():
        scores += _of_classes(judge, reading, asked, panel)
    nearest = None
    if not data_is_points(values):
        zero = pixel_statistics.zero_share(values)
        scores.append(Score("zero", "exactly black pixels", zero, panel.figures.get("zero"), "near"))
    if data is not None:
        say("nearest train examples")
        nearest = memorization.nearest(values, data)
        scores += memorization.scores(nearest[0], panel)
    else:
        scores += memorization.left_out(panel)
    per_class, each = _each_class(first, asked, panel)
    seen = Seen(values, asked, first, panel.about.classes, panel.about.proportions, nearest, per_class, each)
    return Evaluation(name, len(values), panel.about.data, tuple(scores), seen, tuple(notes))


KID = "KID x 1000"
MANIFOLD = {key: key for key in ("precision", "recall", "density", "coverage")}
TWO_SAMPLE = "1-NN two-sample"


def data_is_points(values: Tensor) -> bool:
    """Whether examples are points in the plane."""
    return values.dtype != torch.uint8


def _other_shares(asked: Tensor | None, panel: ExtractorSet) -> list[float] | None:
    """The proportions of the asked labels where they are not a draw from the train set's (chi-squared, 6 deviations).

    Equal counts are none either: of 10,000 digits they pass for a draw, and cost as much FD as real ones have.
    """
    if asked is None:
        return None
    expected = torch.tensor(panel.about.proportions, dtype=torch.float64) * len(asked)
    counts = torch.bincount(asked, minlength=len(expected)).double()
    freedom = len(expected) - 1
    surprise = float(((counts - expected) ** 2 / expected.clamp(min=1e-9)).sum())
    balanced = counts.max() - counts.min() <= 1 and expected.max() - expected.min() > 1
    if surprise <= freedom + 6 * math.sqrt(2 * freedom) and not balanced:
        return None
    return (counts / counts.sum()).tolist()


def _weighted(part: Part, shares: list[float] | None) -> Moments:
    return part.whole if shares is None else part.weighted(shares)


def _distances(judge: str, features: Tensor, panel: ExtractorSet, shares: list[float] | None) -> Iterator[Score]:
    reference, count = panel.judges[judge].reference, len(features)
    named = judge.upper() if len(judge) == 1 else judge
    if count < FEWEST:
        why = f"needs at least {FEWEST} examples, there are {count}"
        yield Score(f"fd.{judge}", f"FD to train, {named}", None, note=why)
        return
    train, test = (_weighted(part, shares) for part in reference.parts)
    there = reference.test.whole.count
    beside = reference.real.at(min(count, there)) if there >= FEWEST else None
    note = (
        ""
        if count <= there
        else f"real test set at its {there:,}"
        if beside
        else f"there are but {there} real test images"
    )
    own = Moments.of(features)
    low, high = frechet.interval(features, train)
    far = frechet.at_infinity(features, train) if count >= frechet.fewest_for_infinity(features.shape[1]) else None
    yield Score(
        f"fd.{judge}",
        f"FD to train, {named}",
        frechet.distance(own, train),
        beside,
        floor=reference.floor.at(count) if reference.floor.reaches(count) else None,
        low=low,
        high=high,
        infinite=far,
        matched=frechet.in_parts(features, train, there) if beside is not None and count > there else None,
        note=note,
    )
    back = reference.back.at(count) if reference.back.reaches(count) else None
    yield Score(f"fd.{judge}.test", f"FD to test, {named}", frechet.distance(own, test), back)
    yield Score(
        f"spread.{judge}",
        f"spread, {named}",
        float(own.covariance.trace() / train.covariance.trace()),
        float(reference.test.whole.covariance.trace() / reference.train.whole.covariance.trace()),
        "near",
    )


def _neighbours(features: Tensor, panel: ExtractorSet) -> Iterator[Score]:
    n = min(len(features), len(panel.train_rows), len(panel.test_rows))
    if n < FEWEST_NEIGHBOURS:
        why = f"needs at least {FEWEST_NEIGHBOURS} examples, there are {n}"
        for key, text in {"kid": KID, **MANIFOLD, "two_sample": TWO_SAMPLE}.items():
            yield Score(key, text, None, note=why)
        return
    # a file may be sorted by class: its first rows would stand for the first classes alone
    some = permutation(0, 0, Stream.NEIGHBOUR_ROWS, len(features))[:n].sort().values
    own, train, test = features[some], panel.train_rows[:n], panel.test_rows[:n]
    block = min(1000, n)
    found, real = (kid.distance(features, train, block) for features in (own, test))
    low, high = (None, None) if found.interval is None else (1000 * end for end in found.interval)
    note = f"of {n:,}" if n < len(features) else ""
    yield Score("kid", KID, 1000 * found.value, 1000 * real.value, low=low, high=high, note=note)
    shape, shape_real = prdc.manifold(train, own), _known(panel, n)
    for key, text in MANIFOLD.items():
        better: Better = "near" if key == "density" else "high"
        yield Score(key, text, getattr(shape, key), shape_real[key], better, note=note)
    yield Score("two_sample", TWO_SAMPLE, prdc.two_sample(train, own), shape_real["two_sample"], note=note)


def _known(panel: ExtractorSet, n: int) -> dict[str, float]:
    """What the real test set scores with its neighbours at `n`: from the panel, or measured now."""
    keys = ("precision", "recall", "density", "coverage", "two_sample")
    if all(f"{key}.{n}" in panel.figures for key in keys):
        return {key: panel.figures[f"{key}.{n}"] for key in keys}
    return real_neighbours(panel, n)


def real_neighbours(panel: ExtractorSet, n: int) -> dict[str, float]:
    """Return precision, recall, density, coverage and the 1-NN accuracy of `n` test images against `n` train images."""
    train, test = panel.train_rows[:n], panel.test_rows[:n]
    return vars(prdc.manifold(train, test)) | {"two_sample": prdc.two_sample(train, test)}


def _of_classes(judge: str, reading: Reading, asked: Tensor | None, panel: ExtractorSet) -> Iterator[Score]:
    if reading.probabilities is None:
        return
    named, real = judge.upper(), panel.figures
    if asked is not None:
        found = class_accuracy.accuracy(reading.probabilities, asked)
        text = f"accuracy, {named}"
        yield Score(f"accuracy.{judge}", text, found.overall, real.get(f"accuracy.{judge}"), "high")
        # the worst of ten few is worse than the worst of ten thousand: how many there were belongs to it
        which = f"class {panel.about.classes[found.worst_class]}, of {int((asked == found.worst_class).sum()):,}"
        yield Score(
            f"worst.{judge}", f"worst class, {named}", found.worst, real.get(f"worst.{judge}"), "high", note=which
        )
    unsure = class_accuracy.unsure(reading.probabilities)
    yield Score(f"unsure.{judge}", f"low confidence, {named}", unsure, real.get(f"unsure.{judge}"))
    if asked is None and len(panel.about.classes) > 1:
        spread = class_accuracy.entropy(reading.probabilities)
        yield Score(
            f"entropy.{judge}",
            f"label entropy, {named}",
            spread,
            real.get(f"entropy.{judge}"),
            "near",
        )


def _each_class(
    reading: Reading, asked: Tensor | None, panel: ExtractorSet
) -> tuple[dict[int, float], tuple[float, ...]]:
    """The distance of each asked class to its own real images, where it has enough of them; and its accuracy."""
    parts = panel.judges[panel.first].reference.train.classes
    if asked is None or not parts:
        return {}, ()
    each = () if reading.probabilities is None else tuple(class_accuracy.accuracy(reading.probabilities, asked).each)
    if torch.bincount(asked).max() <= reading.features.shape[1]:
        return {}, each
    return class_accuracy.per_class_distance(reading.features, asked, dict(enumerate(parts))), each


def real_figures(
    panel: ExtractorSet, data: Dataset, test_values: Tensor, test_labels: Tensor | None
) -> dict[str, float]:
    """Return what the real test part scores, for a panel to keep: figures that do not depend on how many are compared.

    `data` is the train part alone: an image held back from it would be its own nearest.
    """
    found: dict[str, float] = {}
    for name, judge in panel.judges.items():
        reading = judge.read(test_values)
        found |= {
            score.key: score.value
            for score in _of_classes(name, reading, test_labels, panel)
            if score.value is not None
        }
        found |= {
            score.key: score.value for score in _of_classes(name, reading, None, panel) if score.value is not None
        }
    if not data.is_points:
        found["zero"] = pixel_statistics.zero_share(test_values)
        found["mean"] = float(test_values.double().mean())
        found["zero.train"] = pixel_statistics.zero_share(data.values)
    found |= memorization.real_figures(test_values, data)
    most = min(len(panel.train_rows), len(panel.test_rows))
    for n in sorted({n for n in (1000, 10_000) if n <= most} | {most}):
        found |= {f"{key}.{n}": value for key, value in real_neighbours(panel, n).items()}
    return found
