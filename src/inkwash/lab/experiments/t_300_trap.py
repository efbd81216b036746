"""Betas for 1000 steps used with 300: training never sees pure noise, which sampling starts from."""

import math
from collections.abc import Iterator

from inkwash.evaluation.scores import Score
from inkwash.lab.experiment import Experiment, Trained, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext, evaluation
from inkwash.lab.results import Results

RESCALED = ("schedule.start=3.3333e-4", "schedule.end=0.066667")
"""The same betas times 1000 / 300, which end near pure noise after 300 steps."""


def brightness(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Measure the mean pixel, which an initial state of another mean than in training changes."""
    means = context.samples(variant).values.double().flatten(1).mean(1)
    mean, margin = float(means.mean()), 1.96 * float(means.std()) / len(means) ** 0.5
    real = context.reference.extractor_set.real_scores.get("mean")
    yield Score("mean", "mean pixel, of 255", mean, real, "near", low=mean - margin, high=mean + margin)


def verdict(results: Results) -> Verdict:
    """With rescaled betas FD is significantly lower, and the mean pixel significantly closer to that of real images."""
    original, rescaled = results.variants
    error, rescaled_error = (abs(each.value("mean") - each.real("mean")) for each in (original, rescaled))
    return Verdict.of(
        (
            rescaled.significantly_below(original, "fd.a"),
            f"FD is {original.text('fd.a')} with the original betas and {rescaled.text('fd.a')} with rescaled ones, after "
            f"training on {original.text('images')} images each.",
        ),
        (
            rescaled_error < error - math.hypot(original.margin("mean"), rescaled.margin("mean")),
            f"The mean pixel is {original.value('mean'):.1f} and {rescaled.value('mean'):.1f}, "
            f"that of real images {original.real('mean'):.1f}.",
        ),
    )


EXPERIMENT = Experiment(
    name="t-300-trap",
    claimed_by="ddim-300",
    objective="Train the network of ddim-300 on its betas, which end at alpha = 0.219, and on betas rescaled to 300 steps, "
    "for the same length, and sample from both, starting at pure noise.",
    hypothesis="Starting at pure noise, which training never reached, degrades the samples; rescaled betas repair them.",
    variants=(
        Variant("as it is", Trained("ddim-300", run="as-it-is"), "ddim:50"),
        Variant("rescaled", Trained("ddim-300", RESCALED, run="rescaled"), "ddim:50"),
    ),
    measures=(evaluation, brightness),
    verdict=verdict,
    plots=(Plot("trap", "Betas for 1000 steps in 300", ("fd.a", "mean", "zero")),),
    next="The longer training of its document: --length '20 epochs'.",
    length="30000 images",
)
