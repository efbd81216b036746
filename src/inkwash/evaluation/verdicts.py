"""Verdicts: what the scores mean, in words that need no statistics. Each is a rule of its own; the worst come first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from inkwash.evaluation.formatting import number
from inkwash.evaluation.memorization import NEAR
from inkwash.evaluation.score import Evaluation
from inkwash.metrics import class_accuracy

Rule = Callable[[Evaluation], Iterator[str]]

FEW = 5
"""Images that must show a fault before it is one: of twenty, a single one is 5 %."""
ENOUGH = 20
"""Images of a class that must be due before it counts as missing."""


def copies(found: Evaluation) -> Iterator[str]:
    """Far more samples sit on a train example than real ones do."""
    if "copies" not in found:
        return
    share = found["copies"].value or 0.0
    if share > 5 * max(NEAR, found["copies"].real or 0.0) and share * found.count >= FEW:
        yield (
            f"It copies the training set: {share:.0%} of samples are nearer to a train example than the nearest "
            f"{NEAR:.0%} of real ones are. FD rewards this; it is no quality."
        )


def condition(found: Evaluation) -> Iterator[str]:
    """The asked class is not the drawn one: ignored, shifted, or missed in one class."""
    seen = found.seen
    if seen.asked is None or seen.reading.probabilities is None:
        return
    asked, k = seen.asked, len(seen.classes)
    drawn = seen.reading.probabilities.argmax(1)
    shares = torch.bincount(asked, minlength=k).double() / len(asked)
    chance = float((shares**2).sum())
    right = float((drawn == asked).double().mean())
    counts = torch.bincount(asked, minlength=k)
    # of one class alone nobody can tell what chance would do
    if chance < 0.9 and len(asked) >= ENOUGH:
        for shift in (1, k - 1):
            if float(((asked + shift) % k == drawn).double().mean()) > 0.7:
                yield f"Labels are shifted by one: asked for class k, it draws class k {'+' if shift == 1 else '-'} 1."
                return
        if right < min(2.5 * chance, (1 + chance) / 2):
            yield f"The condition is ignored: {right:.0%} of samples show the asked class, {chance:.0%} would by chance."
            return
    for label, share in enumerate(seen.each):
        if share < 0.5 and (1 - share) * int(counts[label]) >= FEW:
            yield (
                f"Class {seen.classes[label]} is {'missing' if share < 0.1 else 'often missed'}: {share:.0%} of the "
                f"samples asked for it show it (judge {_first(found)})."
            )


def missing(found: Evaluation) -> Iterator[str]:
    """Without labels: a class that hardly appears, or one that takes over."""
    seen = found.seen
    if seen.asked is not None or seen.reading.probabilities is None or found.count < 200:
        return
    gone: dict[str, str] = {}
    for label, share in enumerate(class_accuracy.shares(seen.reading.probabilities)):
        expected = seen.proportions[label]
        if share < expected / 4 and expected * found.count >= ENOUGH:
            gone[seen.classes[label]] = f"{share:.1%} of samples, where {expected:.1%} of real ones show it"
        elif share > 2.5 * expected and share * found.count >= ENOUGH:
            yield f"Class {seen.classes[label]} takes over: {share:.1%} of samples, {expected:.1%} of real ones."
    if len(gone) > 2:
        yield f"Classes {', '.join(gone)} are missing: hardly a sample shows them."
    else:
        yield from (f"Class {name} is missing: {told}." for name, told in gone.items())


def background(found: Evaluation) -> Iterator[str]:
    """Pixels that should be exactly black are not, or strokes are thin."""
    if "zero" not in found or not found["zero"].real:
        return
    value, real = found["zero"].value or 0.0, found["zero"].real
    if value < real - 0.05:
        yield f"The background is grey: {value:.0%} of pixels are exactly black, {real:.0%} of real ones are."
    elif value > real + 0.05 * (1 - real) + 0.03:
        yield f"There is too little ink: {value:.0%} of pixels are exactly black, {real:.0%} of real ones are."


def variety(found: Evaluation) -> Iterator[str]:
    """The same few images again and again, or modes that are not visited."""
    key = f"spread.{_first(found).lower()}"
    if key in found and (found[key].value or 0.0) < 0.7 * (found[key].real or 1.0):
        share = (found[key].value or 0.0) / (found[key].real or 1.0)
        yield f"It repeats itself, or blurs: samples vary {share:.0%} as much as real ones do."
    elif "recall" in found:
        value, real = found["recall"].value or 0.0, found["recall"].real or 1.0
        if value < real / 3:
            yield f"It repeats itself: {value:.0%} of real ones lie among its samples, {real:.0%} should."
        elif value < real - 0.1:
            yield f"It misses some of what is real: {value:.0%} of it lies among its samples, {real:.0%} should."


def ghosts(found: Evaluation) -> Iterator[str]:
    """Samples between classes."""
    key = f"unsure.{_first(found).lower()}"
    if key not in found:
        return
    value, real = found[key].value or 0.0, found[key].real or 0.0
    if value > 2 * real + 0.02 and value * found.count >= FEW:
        yield f"{value:.1%} of samples look like no class for sure, {real:.1%} of real ones: broken, or half-and-half."


def texture(found: Evaluation) -> Iterator[str]:
    """Shapes are right and strokes are not."""
    if "fd.c" not in found or "fd.a" not in found:
        return
    shape, fine = found["fd.a"].ratio, found["fd.c"].ratio
    if shape is not None and fine is not None and fine > 3 and fine > 2 * shape:
        yield (
            f"Texture is off: judge C, who looks at strokes and not at shapes, is {fine:.1f} times the real set's "
            f"distance away (judge A {shape:.1f} times): blur, noise, or strokes too thick or thin."
        )


def distance(found: Evaluation) -> Iterator[str]:
    """How far it is from real images on the whole."""
    key = f"fd.{_first(found).lower()}"
    if key not in found:
        return
    score = found[key]
    if score.ratio is None:
        return
    # of more samples than there are real ones, as many are compared
    peers = "the real test set has" if score.note else "as many real images have"
    told = f"FD {_told(score.comparable)} where {peers} {_told(score.real)} ({found.count:,} samples)"
    if score.matched is not None:
        told = (
            f"FD {_told(score.matched)} where the real test set has {_told(score.real)}, cut to as many samples as that "
            f"has (all {found.count:,}: {_told(score.value)})"
        )
    if score.ratio <= 1.1:
        yield f"As near to the train set as real images are: {told}."
    elif score.ratio <= 2:
        yield f"Close to real: {told}, {score.ratio:.1f} times."
    elif score.ratio <= 10:
        yield f"Recognisably not real as a set: {told}, {score.ratio:.1f} times."
    else:
        yield f"Far from real: {told}, {score.ratio:.0f} times."


def apart(found: Evaluation) -> Iterator[str]:
    """Samples keep to themselves."""
    if "two_sample" in found and (found["two_sample"].value or 0.0) > (found["two_sample"].real or 0.5) + 0.1:
        share = found["two_sample"].value or 0.0
        yield f"Samples and real images hardly mix: {share:.0%} have their nearest neighbour on their own side."


RULES: tuple[Rule, ...] = (copies, condition, missing, background, variety, ghosts, texture, apart, distance)


def verdicts(found: Evaluation) -> list[str]:
    """Return what is to be said of an evaluation, the gravest first; the last one is how far it is from real on the whole."""
    return [text for rule in RULES for text in rule(found)]


def _told(value: float | None) -> str:
    return "unknown" if value is None else number("fd", value)


def _first(found: Evaluation) -> str:
    """The first judge's name, as people read it."""
    return next((s.key.removeprefix("fd.").upper() for s in found.scores if s.key.startswith("fd.")), "A")
