"""The same noise in different numbers of steps: whether a deterministic sampler gives the same image."""

from collections.abc import Iterator

from torch import Tensor

from inkwash.evaluation.scores import Score
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext
from inkwash.lab.results import Results

MAX_DISTANCE_RATIO, MIN_SAME_CLASS = 0.5, 0.9
"""Largest distance of similar images relative to that of other seeds, and smallest fraction of equal classes."""


def similarity(variant: LoadedVariant, context: MeasureContext) -> Iterator[Finding]:
    """Compare each image with those of the same seed and of the next seed in the first variant."""
    own, first = (context.samples(each).values for each in (variant, context.variants[0]))
    same_seed, other_seed = (_distance(own, other) for other in (first, first.roll(1, 0)))
    yield Score("same_seed", "RMS distance to the first variant's image of the same seed, in [0, 1]", same_seed)
    yield Score("other_seed", "RMS distance to that of another seed", other_seed)
    ratio = same_seed / other_seed if other_seed else None
    yield Score("unlike", "ratio of these distances", ratio, note="images of different seeds are equal")
    same_class = float((context.classify(own) == context.classify(first)).double().mean())
    yield Score("same_class", "same class as the first variant's", same_class, better="high")


def _distance(a: Tensor, b: Tensor) -> float:
    return float((((a.double() - b.double()) / 255) ** 2).flatten(1).mean(1).sqrt().mean())


def verdict(results: Results) -> Verdict:
    """With fewer steps the same seed still gives a similar image of the same class."""
    full, *fewer = results.variants
    return Verdict.of(
        *(
            (
                each.value("unlike") <= MAX_DISTANCE_RATIO and each.value("same_class") >= MIN_SAME_CLASS,
                f"From the same noise, the distance of {each.name} to {full.name} is {each.value('unlike'):.0%} of that "
                f"between seeds, and {each.value('same_class'):.0%} of images have the same class.",
            )
            for each in fewer
        )
    )


EXPERIMENT = Experiment(
    name="same-noise",
    claimed_by="ddim-300",
    objective="Sample from the same noise in 300, 50 and 20 deterministic steps, and compare the images.",
    hypothesis="Without fresh noise the initial noise determines the image: fewer steps give the same, coarser digits.",
    variants=tuple(Variant(f"ddim:{steps}", "ddim-300", f"ddim:{steps}") for steps in (300, 50, 20)),
    measures=(similarity,),
    verdict=verdict,
    plots=(Plot("likeness", "Compared with 300 steps", ("unlike", "same_class"), x="steps", log="x"),),
    next="The same with fresh noise, where it should fail: ddim with eta 1.",
    count=200,
)
