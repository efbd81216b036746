"""Verdicts on a set of samples, in sentences: each rule reports one fault that the scores show."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from inkwash.evaluation.scores import Evaluation, format_score
from inkwash.metrics import class_accuracy
from inkwash.metrics.memorization import NEAR_COPY_QUANTILE

Rule = Callable[[Evaluation], Iterator[str]]

MIN_FAULTY = 5
"""Samples that must show a fault: a single one of twenty is no evidence."""
MIN_EXPECTED = 20
"""Expected samples of a class before its absence counts as missing."""


def copies(found: Evaluation) -> Iterator[str]:
    """Report near-copies of train images, where far more frequent than among real test images."""
    if "copies" not in found:
        return
    value, real = _values(found, "copies")
    if value > 5 * max(NEAR_COPY_QUANTILE, real) and value * found.count >= MIN_FAULTY:
        yield (
            f"The samples are near-copies of training images: {value:.0%} are nearer to a train image than the nearest "
            f"{NEAR_COPY_QUANTILE:.0%} of real test images. FD does not penalize copies."
        )


def condition(found: Evaluation) -> Iterator[str]:
    """Report labels that are ignored, shifted by one, or missed for one class."""
    samples = found.samples
    if samples.labels is None or samples.extraction.probabilities is None:
        return
    labels, k = samples.labels, len(samples.classes)
    predicted = samples.extraction.probabilities.argmax(1)
    counts = torch.bincount(labels, minlength=k)
    chance = float(((counts.double() / len(labels)) ** 2).sum())
    accuracy = float((predicted == labels).double().mean())
    # With nearly all labels of one class, chance is as good as following the label.
    if chance < 0.9 and len(labels) >= MIN_EXPECTED:
        for shift in (1, k - 1):
            if float(((labels + shift) % k == predicted).double().mean()) > 0.7:
                yield f"Labels are shifted by one: class k is requested, class k {'+' if shift == 1 else '-'} 1 is generated."
                return
        if accuracy < min(2.5 * chance, (1 + chance) / 2):
            yield (
                f"The condition is ignored: {accuracy:.0%} of samples show the requested class, {chance:.0%} are "
                "expected by chance."
            )
            return
    for label, fraction in enumerate(samples.accuracy_per_class):
        if fraction < 0.5 and (1 - fraction) * int(counts[label]) >= MIN_FAULTY:
            name, fault = samples.classes[label], "missing" if fraction < 0.1 else "often missed"
            yield (
                f"Class {name} is {fault}: {fraction:.0%} of the samples requested as class {name} are classified as it "
                f"(judge {_primary(found).upper()})."
            )


def missing_classes(found: Evaluation) -> Iterator[str]:
    """Report classes that hardly appear or dominate, in samples without labels."""
    samples = found.samples
    if samples.labels is not None or samples.extraction.probabilities is None or found.count < 200:
        return
    absent: dict[str, str] = {}
    for label, fraction in enumerate(class_accuracy.class_proportions(samples.extraction.probabilities)):
        expected, name = samples.proportions[label], samples.classes[label]
        if fraction < expected / 4 and expected * found.count >= MIN_EXPECTED:
            absent[name] = f"{fraction:.1%} of samples show it, {expected:.1%} of real images do"
        elif fraction > 2.5 * expected and fraction * found.count >= MIN_EXPECTED:
            yield f"Class {name} dominates: {fraction:.1%} of samples, {expected:.1%} of real images."
    if len(absent) > 2:
        yield f"Classes {', '.join(absent)} are missing: almost no sample shows them."
    else:
        yield from (f"Class {name} is missing: {figures}." for name, figures in absent.items())


def background(found: Evaluation) -> Iterator[str]:
    """Report a grey background, or strokes that cover too little."""
    if "zero" not in found or not found["zero"].real:
        return
    value, real = _values(found, "zero")
    figures = f"{value:.0%} of pixels are exactly black, {real:.0%} of those in real images"
    if value < real - 0.05:
        yield f"The background is grey: {figures}."
    elif value > real + 0.05 * (1 - real) + 0.03:
        yield f"The strokes cover too few pixels: {figures}."


def diversity(found: Evaluation) -> Iterator[str]:
    """Report low variance, or missing modes."""
    key = f"spread.{_primary(found)}"
    value, real = _values(found, key)
    if key in found and value < 0.7 * (real or 1.0):
        yield f"Low diversity, or blur: the feature variance is {value / (real or 1.0):.0%} of that of real images."
    elif "recall" in found:
        value, real = _values(found, "recall")
        real = real or 1.0
        if value < real / 3:
            yield f"Low diversity: recall is {value:.0%}, that of real test images {real:.0%}."
        elif value < real - 0.1:
            yield f"Missing modes: recall is {value:.0%}, that of real test images {real:.0%}."


def low_confidence(found: Evaluation) -> Iterator[str]:
    """Report samples between classes."""
    key = f"unsure.{_primary(found)}"
    if key not in found:
        return
    value, real = _values(found, key)
    if value > 2 * real + 0.02 and value * found.count >= MIN_FAULTY:
        yield (
            f"{value:.1%} of samples are classified with low confidence, {real:.1%} of real images are: broken, or "
            "between two classes."
        )


def texture(found: Evaluation) -> Iterator[str]:
    """Report correct shapes with wrong strokes."""
    if "fd.c" not in found or "fd.a" not in found:
        return
    shape, fine = found["fd.a"].ratio, found["fd.c"].ratio
    if shape is not None and fine is not None and fine > 3 and fine > 2 * shape:
        yield (
            f"Texture is off: FD of judge C, which measures strokes and not shapes, is {fine:.1f} times that of real "
            f"test images (judge A {shape:.1f} times): blur, noise, or strokes too thick or thin."
        )


def two_sample(found: Evaluation) -> Iterator[str]:
    """Report samples whose nearest neighbours are other samples."""
    value, real = _values(found, "two_sample")
    if "two_sample" in found and value > (real or 0.5) + 0.1:
        yield f"Samples are distinguishable from real images: {value:.0%} have their nearest neighbour in their own set."


def frechet_distance(found: Evaluation) -> Iterator[str]:
    """Report FD beside that of real images."""
    key = f"fd.{_primary(found)}"
    if key not in found or found[key].ratio is None:
        return
    score = found[key]
    ratio = score.ratio or 0.0
    value, real, matched = (format_score(key, each) for each in (score.value, score.real, score.comparable))
    # With more samples than real test images, FD is compared at the smaller number.
    if score.matched is not None:
        figures = f"FD {matched} (real test set: {real}, same number of images; all {found.count:,} samples: {value})"
    else:
        peers = "real test set" if score.note else "as many real images"
        figures = f"FD {matched} ({found.count:,} samples; {peers}: {real})"
    if ratio <= 1.1:
        yield f"As close to the training set as real images: {figures}."
    elif ratio <= 2:
        yield f"Close to real: {figures}, {ratio:.1f} times that of real images."
    elif ratio <= 10:
        yield f"Different from real images: {figures}, {ratio:.1f} times that of real images."
    else:
        yield f"Far from real: {figures}, {ratio:.0f} times that of real images."


RULES: tuple[Rule, ...] = (
    copies,
    condition,
    missing_classes,
    background,
    diversity,
    low_confidence,
    texture,
    two_sample,
    frechet_distance,
)


def verdicts(found: Evaluation) -> list[str]:
    """Return the verdicts on an evaluation, most severe first; the last one is FD beside that of real images."""
    return [text for rule in RULES for text in rule(found)]


def _values(found: Evaluation, key: str) -> tuple[float, float]:
    """Return the value of a score and that of real images, 0 for a missing one."""
    score = found.find(key)
    return (0.0, 0.0) if score is None else (score.value or 0.0, score.real or 0.0)


def _primary(found: Evaluation) -> str:
    """Return the name of the primary feature extractor, as in "a"."""
    return next((s.key.removeprefix("fd.") for s in found.scores if s.key.startswith("fd.")), "a")
