"""Classifier-free guidance: accuracy against diversity."""

from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

WEIGHTS = (1.0, 1.5, 2.0, 3.0, 5.0)


def verdict(results: Results) -> Verdict:
    """The strongest guidance has significantly higher accuracy and lower recall than none."""
    none, strongest = results.variants[0], results.variants[-1]
    best = min(results.variants, key=lambda each: each.value("fd.a"))
    weight, accuracy = strongest.value("guidance"), [each.value("accuracy.a") for each in (none, strongest)]
    return Verdict.of(
        (
            none.significantly_below(strongest, "accuracy.a"),
            f"Accuracy is {accuracy[0]:.1%} without guidance and {accuracy[1]:.1%} with w = {weight:g}.",
        ),
        (
            strongest.significantly_below(none, "recall"),
            f"Recall is {none.text('recall')} without and {strongest.text('recall')} with it, that of real images "
            f"{none.real('recall'):.3f}; FD is lowest, {best.text('fd.a')}, at w = {best.value('guidance'):g}.",
        ),
    )


EXPERIMENT = Experiment(
    name="guidance",
    claimed_by="cfg-cosine",
    objective="Sample the same seeds with guidance weights from 1 to 5, and compare accuracy and diversity.",
    hypothesis="Guidance increases the accuracy of the requested digit and decreases diversity.",
    variants=tuple(Variant(f"w {weight:g}", "cfg-cosine", "dpm++2m:20", guidance=weight) for weight in WEIGHTS),
    verdict=verdict,
    plots=(
        Plot("trade", "Accuracy against recall", ("accuracy.a",), x="recall"),
        Plot("guidance", "Effects of guidance", ("fd.a", "recall", "unsure.a"), x="guidance"),
    ),
    next="Guidance at middle noise levels only, where it costs less diversity: inkwash.sample(interval=(0.2, 0.8)).",
)
