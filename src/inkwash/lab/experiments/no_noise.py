"""The effect of fresh noise in each step: DDPM with and without it, and DDIM, which has none."""

from collections.abc import Iterator

import torch

from inkwash.evaluation.scores import Score
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext, evaluation
from inkwash.lab.results import Result, Results

MIN_VARIANCE = 0.7
"""Feature variance, relative to real images, below which samples count as collapsed."""


def most_frequent_class(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Measure the fraction of the most frequent class."""
    about = context.reference.extractor_set.spec
    classes = context.classify(context.samples(variant).values)
    fractions = torch.bincount(classes, minlength=len(about.classes)).double() / len(classes)
    label = int(fractions.argmax())
    yield Score(
        "commonest", "share of the most frequent class", float(fractions[label]), max(about.proportions), better="near"
    )
    yield f"The most frequent class is {about.classes[label]}, {float(fractions[label]):.0%} of images."


def verdict(results: Results) -> Verdict:
    """Each variant without noise has far less feature variance than real images, and DDPM with its noise has not."""
    ddpm, *without = results.variants
    reference = f"With its noise {ddpm.name} has {_variance(ddpm):.0%} of the feature variance of real images"
    tested = Verdict.of(
        *(
            (
                _variance(each) < MIN_VARIANCE,
                f"{each.name} has {_variance(each):.0%}, recall {each.text('recall')} and {each.value('commonest'):.0%} "
                "of images in one class.",
            )
            for each in without
        )
    )
    if _variance(ddpm) < MIN_VARIANCE:
        return Verdict("inconclusive", f"{reference}: this model collapses either way. {tested.words}")
    return Verdict(tested.outcome, f"{reference}. {tested.words}")


def _variance(each: Result) -> float:
    return each.value("spread.a") / each.real("spread.a")


EXPERIMENT = Experiment(
    name="no-noise",
    claimed_by="ddpm-bn",
    objective="Sample with DDPM without fresh noise, and with DDIM, which has none; 100 of 1000 steps, to take minutes.",
    hypothesis="Without fresh noise in its steps the model samples the same averaged digit again and again.",
    variants=(
        Variant("ddpm", "ddpm-bn", "ddpm:100"),
        Variant("ddpm without noise", "ddpm-bn", "ddpm:100", temperature=0.0),
        Variant("ddim", "ddpm-bn", "ddim:100"),
    ),
    measures=(evaluation, most_frequent_class),
    verdict=verdict,
    plots=(Plot("variety", "Diversity without noise", ("spread.a", "recall")),),
    next="Temperatures between 0 and 1: at which one is diversity lost?",
)
