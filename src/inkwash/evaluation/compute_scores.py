"""All scores of a set of samples, each with the value of real test images beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.evaluation.attribute_report import AttributeReport
from inkwash.evaluation.neighbour_scores import nearest_neighbour_measures, neighbour_scores
from inkwash.evaluation.scores import MIN_FD_COUNT, EvaluatedSamples, Evaluation, Score
from inkwash.metrics import class_accuracy, frechet, memorization, pixel_statistics
from inkwash.metrics.extractor_set import ExtractorSet
from inkwash.metrics.extractors import Extraction
from inkwash.metrics.frechet import Moments
from inkwash.metrics.reference_statistics import PartMoments
from inkwash.text.progress import StageProgressCallback


def measure(
    name: str,
    values: Tensor,
    labels: Tensor | None,
    extractor_set: ExtractorSet,
    data: Dataset | None = None,
    progress: StageProgressCallback | None = None,
) -> Evaluation:
    """Return every score of uint8 images [N, C, H, W] or points [N, D] with the requested classes `labels`, int64 [N].

    `data` is the extractor set's own data set, where available: distances to train images need it. A measure that
    needs more samples, or `data`, is left out with a note. Raises `UsageError` for samples of another shape, no
    samples, labels out of range, and other data.
    """
    extractor_set.require_shape(tuple(values.shape[1:]), name)
    if not len(values):
        raise UsageError(f"{name} holds no examples: there is nothing to evaluate", code="invalid-data")
    if labels is not None:
        extractor_set.require_labels(labels, len(values), name)
    spec = extractor_set.spec
    if data is not None and data.sha256 != spec.sha256:
        raise UsageError(
            f"{data.name} ({data.sha256[:12]}) is not the {spec.data} of the feature extractors ({spec.sha256[:12]}): "
            "give the data that the extractors were trained on, or --judge DATA",
            code="mismatch",
            field="data",
        )
    report = progress or (lambda stage, fraction: None)
    notes = []
    if labels is not None and not spec.classes:
        labels = None
        notes.append(f"labels are ignored: the feature extractors of {spec.data} were fitted without classes")
    proportions = _differing_proportions(labels, extractor_set)
    if proportions is not None:
        weighted = all(p.per_class for each in extractor_set.extractors.values() for p in each.statistics.parts)
        effect = (
            "FD uses real images reweighted to these proportions"
            if weighted
            else "FD is affected, because there are too few images per class to reweight"
        )
        notes.append(f"the requested classes have other proportions than the train set: {effect}")
        proportions = proportions if weighted else None
    scores: list[Score] = []
    extractions: dict[str, Extraction] = {}
    for member, extractor in extractor_set.extractors.items():
        report(f"extracting features {member}", 0.0)
        extractions[member] = extractor.extract(values)
        scores += _fd(member, extractions[member].features, extractor_set, proportions)
    primary = extractions[extractor_set.primary]
    report("comparing nearest neighbours", 0.0)
    scores += nearest_neighbour_measures(primary.features, extractor_set)
    for member, extraction in extractions.items():
        scores += _classification(member, extraction, labels, extractor_set)
    if values.dtype == torch.uint8:
        zero = pixel_statistics.zero_fraction(values)
        scores.append(Score("zero", "exactly black pixels", zero, extractor_set.real_scores.get("zero"), "near"))
    nearest = None
    if data is not None:
        report("searching nearest train examples", 0.0)
        nearest = memorization.nearest_train_examples(values, data)
    scores += _memorization(None if nearest is None else nearest[0], extractor_set)
    fd_per_class, accuracies = _per_class(primary, labels, extractor_set)
    samples = EvaluatedSamples(
        values, labels, primary, spec.classes, spec.proportions, nearest, fd_per_class, accuracies
    )
    return Evaluation(name, len(values), spec.data, tuple(scores), samples, tuple(notes))


def _differing_proportions(labels: Tensor | None, extractor_set: ExtractorSet) -> list[float] | None:
    """Return the class proportions of `labels` where they differ from the training set's, else None.

    They differ where chi-squared exceeds its mean by 6 standard deviations, and where the counts are equal but the
    training set's are not: equal counts of 10,000 digits pass the test, but increase FD by about the FD of real test images.
    """
    if labels is None:
        return None
    expected = torch.tensor(extractor_set.spec.proportions, dtype=torch.float64) * len(labels)
    counts = torch.bincount(labels, minlength=len(expected)).double()
    freedom = len(expected) - 1
    chi_squared = float(((counts - expected) ** 2 / expected.clamp(min=1e-9)).sum())
    balanced = counts.max() - counts.min() <= 1 and expected.max() - expected.min() > 1
    if chi_squared <= freedom + 6 * math.sqrt(2 * freedom) and not balanced:
        return None
    return (counts / counts.sum()).tolist()


def _moments(part: PartMoments, proportions: list[float] | None) -> Moments:
    return part.overall if proportions is None else part.weighted(proportions)


def _fd(member: str, features: Tensor, extractor_set: ExtractorSet, proportions: list[float] | None) -> Iterator[Score]:
    statistics, count = extractor_set.extractors[member].statistics, len(features)
    title = member.upper() if len(member) == 1 else member
    if count < MIN_FD_COUNT:
        reason = f"needs at least {MIN_FD_COUNT} examples, there are {count}"
        yield Score(f"fd.{member}", f"FD to train, {title}", None, note=reason)
        return
    train, test = (_moments(part, proportions) for part in statistics.parts)
    test_count = statistics.test.overall.count
    real = statistics.fd_test_to_train.at(min(count, test_count)) if test_count >= MIN_FD_COUNT else None
    note = ""
    if count > test_count:
        note = (
            f"the real test set is measured at its {test_count:,} images"
            if real is not None
            else f"the real test set has only {test_count} images"
        )
    own = Moments.of(features)
    low, high = frechet.bootstrap_interval(features, train)
    extrapolates = count >= frechet.min_rows_for_extrapolation(features.shape[1])
    yield Score(
        f"fd.{member}",
        f"FD to train, {title}",
        frechet.frechet_distance(own, train),
        real,
        floor=statistics.fd_train_to_train.at(count) if statistics.fd_train_to_train.covers(count) else None,
        low=low,
        high=high,
        infinite=frechet.fd_infinity(features, train) if extrapolates else None,
        matched=frechet.mean_fd_of_subsets(features, train, test_count)
        if real is not None and count > test_count
        else None,
        note=note,
    )
    back = statistics.fd_train_to_test.at(count) if statistics.fd_train_to_test.covers(count) else None
    yield Score(f"fd.{member}.test", f"FD to test, {title}", frechet.frechet_distance(own, test), back)
    yield Score(
        f"spread.{member}",
        f"feature variance ratio, {title}",
        float(own.covariance.trace() / train.covariance.trace()),
        float(statistics.test.overall.covariance.trace() / statistics.train.overall.covariance.trace()),
        "near",
    )


def _classification(
    member: str, extraction: Extraction, labels: Tensor | None, extractor_set: ExtractorSet
) -> Iterator[Score]:
    if extraction.probabilities is None:
        return
    title, real, classes = member.upper(), extractor_set.real_scores, extractor_set.spec.classes
    if labels is not None:
        found = class_accuracy.accuracy(extraction.probabilities, labels)
        key = f"accuracy.{member}"
        yield Score(key, f"accuracy, {title}", found.overall, real.get(key), "high")
        # The lowest accuracy depends on the number of samples of that class.
        note = f"class {classes[found.worst_class]}, of {int((labels == found.worst_class).sum()):,}"
        key = f"worst.{member}"
        yield Score(key, f"worst class, {title}", found.worst, real.get(key), "high", note=note)
    key = f"unsure.{member}"
    rate = class_accuracy.low_confidence_rate(extraction.probabilities)
    yield Score(key, f"low confidence, {title}", rate, real.get(key))
    if labels is None and len(classes) > 1:
        key = f"entropy.{member}"
        entropy = class_accuracy.normalized_entropy(extraction.probabilities)
        yield Score(key, f"label entropy, {title}", entropy, real.get(key), "near")


def measure_requested(attributes: AttributeReport, extractor_set: ExtractorSet) -> Iterator[Score]:
    """Yield FD and accuracy of samples that attributes were requested of, and R² beside that of shifted test images."""
    labels = attributes.labels if extractor_set.spec.classes else None
    for member, extractor in extractor_set.extractors.items():
        extraction = extractor.extract(attributes.samples)
        found = _classification(member, extraction, labels, extractor_set)
        fd = next(_fd(member, extraction.features, extractor_set, None))
        for score in (fd, *(score for score in found if score.kind == "accuracy")):
            yield replace(score, key=f"{score.key}.requested", words=f"{score.words}, as requested")
    for row in attributes.rows:
        note = "" if row.together.r2 is not None else "undefined: all requests are equal"
        yield Score(f"r2.{row.name}", f"R² of {row.name}", row.together.r2, row.ceilings[-1].r2, "high", note=note)


def _memorization(distances: Tensor | None, extractor_set: ExtractorSet) -> Iterator[Score]:
    real = extractor_set.real_scores
    limit, real_copies = real.get("nearest.low"), real.get("copies", memorization.NEAR_COPY_QUANTILE)
    note = "" if distances is not None else f"needs the {extractor_set.spec.data} images: give --data FOLDER"
    median = None if distances is None else float(distances.median())
    yield Score("nearest", "distance to nearest train image", median, real.get("nearest"), "near", note=note)
    if distances is None:
        yield Score("copies", "near-copies", None, real_copies, "near", note=note)
    elif limit is not None:
        yield Score("copies", "near-copies", memorization.near_copy_rate(distances, limit), real_copies, "near")


def _per_class(
    extraction: Extraction, labels: Tensor | None, extractor_set: ExtractorSet
) -> tuple[dict[int, float], tuple[float, ...]]:
    """Return the FD of each class with enough samples to its own real images, and the accuracy of each class."""
    references = extractor_set.extractors[extractor_set.primary].statistics.train.per_class
    if labels is None or not references:
        return {}, ()
    probabilities = extraction.probabilities
    accuracies = () if probabilities is None else tuple(class_accuracy.accuracy(probabilities, labels).per_class)
    if torch.bincount(labels).max() <= extraction.features.shape[1]:
        return {}, accuracies
    return class_accuracy.per_class_frechet_distance(
        extraction.features, labels, dict(enumerate(references))
    ), accuracies


def measure_real_examples(
    extractor_set: ExtractorSet, data: Dataset, test_values: Tensor, test_labels: Tensor | None
) -> dict[str, float]:
    """Return the scores of the real test part that do not depend on the number of samples, to store in the set.

    `data` is the train part only, without images that were held out as a test part.
    """
    found: dict[str, float] = {}
    for member, extractor in extractor_set.extractors.items():
        extraction = extractor.extract(test_values)
        for labels in (test_labels, None):
            scores = _classification(member, extraction, labels, extractor_set)
            found |= {score.key: score.value for score in scores if score.value is not None}
    if not data.is_points:
        found["zero"] = pixel_statistics.zero_fraction(test_values)
        found["mean"] = float(test_values.double().mean())
        found["zero.train"] = pixel_statistics.zero_fraction(data.values)
    found |= memorization.scores_of_real_examples(test_values, data)
    most = min(len(extractor_set.train_features), len(extractor_set.test_features))
    for n in sorted({n for n in (1000, 10_000) if n <= most} | {most}):
        rows = extractor_set.train_features[:n], extractor_set.test_features[:n]
        found |= {f"{key}.{n}": value for key, value in neighbour_scores(*rows).items()}
    return found
