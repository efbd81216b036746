"""What guidance gives and what it takes: the digit that was asked for, against the variety of digits."""

from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

WEIGHTS = (1.0, 1.5, 2.0, 3.0, 5.0)


def verdict(found: Results) -> Verdict:
    """The strongest guidance is more accurate than none, and reaches fewer of the real images."""
    none, strongest = found.arms[0], found.arms[-1]
    best = min(found.arms, key=lambda arm: arm.value("fd.a"))
    weight, right = f"w = {strongest.value('guidance'):g}", [arm.value("accuracy.a") for arm in (none, strongest)]
    return weigh(
        (
            none.below(strongest, "accuracy.a"),
            f"Accuracy is {right[0]:.1%} without guidance and {right[1]:.1%} with {weight}.",
        ),
        (
            strongest.below(none, "recall"),
            "Recall, the share of real images that it reaches, "
            f"is {none.told('recall')} without and {strongest.told('recall')} with it, real images have "
            f"{none.real('recall'):.3f}; FD is lowest, {best.told('fd.a')}, at w = {best.value('guidance'):g}.",
        ),
    )


EXPERIMENT = Experiment(
    name="guidance",
    claimed_by="cfg-cosine",
    objective="Draw the same seeds with guidance from none to strong, and see what becomes of accuracy and variety.",
    hypothesis="Guidance makes the asked digit surer, and pays for it in variety.",
    arms=tuple(Arm(f"w {weight:g}", "cfg-cosine", "dpm++2m:20", guidance=weight) for weight in WEIGHTS),
    verdict=verdict,
    plots=(
        Plot("trade", "Accuracy against recall", ("accuracy.a",), x="recall"),
        Plot("guidance", "What guidance changes", ("fd.a", "recall", "unsure.a"), x="guidance"),
    ),
    next="Guidance at middle noise levels only, where variety suffers less: Settings(interval=(0.2, 0.8)).",
)
