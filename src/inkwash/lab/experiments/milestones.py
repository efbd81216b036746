"""Quality over training, and when it reaches a plateau."""

from inkwash.lab.experiment import Experiment, Trained, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

PLATEAU = 1.1
"""Ratio to the best FD up to which a checkpoint is on the plateau."""
FRACTIONS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)


def verdict(results: Results) -> Verdict:
    """Training improves FD significantly, and reaches the plateau within the first half."""
    first, last = results.variants[0], results.variants[-1]
    best = min(results.variants, key=lambda each: each.value("fd.a"))
    reached = next(each for each in results.variants if each.value("fd.a") <= PLATEAU * best.value("fd.a"))
    fraction = reached.value("images") / last.value("images")
    return Verdict.of(
        (
            best.significantly_below(first, "fd.a"),
            f"FD decreases from {first.text('fd.a')} after {first.text('images')} images to {best.text('fd.a')} after "
            f"{best.text('images')}; that of as many real images is {last.real('fd.a'):.3f}.",
        ),
        (fraction <= 0.5, f"It is within {PLATEAU - 1:.0%} of its best after {fraction:.0%} of the training."),
    )


EXPERIMENT = Experiment(
    name="milestones",
    claimed_by="ddpm-bn",
    objective="Sample from the checkpoints of one training run, and determine when further training stops to pay.",
    hypothesis="Quality increases with training up to a plateau that is reached well before the end.",
    variants=(Variant("end", Trained("ddpm-bn", checkpoint_fractions=FRACTIONS), "ddim:50", each_milestone=True),),
    verdict=verdict,
    plots=(Plot("milestones", "Quality over training", ("fd.a", "unsure.a"), x="images", log="xy"),),
    next="A longer run: inkwash lab milestones --run runs/ddpm-bn-1 --out lab/long-milestones.",
    length="120000 images",
)
