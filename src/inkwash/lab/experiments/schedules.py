"""One network on three noise schedules, trained for as many steps."""

from inkwash.lab.experiment import Arm, Experiment, Trained, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results


def verdict(found: Results) -> Verdict:
    """Quadratic betas and the cosine schedule are each clearly closer to real images than linear betas."""
    linear, *others = found.arms
    told = f"FD is {linear.told('fd.a')} on {linear.name} betas, after {linear.value('images'):,.0f} images of training each."
    judged = weigh(*((arm.below(linear, "fd.a"), f"On {arm.name} it is {arm.told('fd.a')}.") for arm in others))
    chance = max(arm.uncertainty("fd.a") for arm in found.arms)
    return Verdict(judged.outcome, f"{told} {judged.words} Chance alone moves each by {chance:.3f}.")


EXPERIMENT = Experiment(
    name="schedules",
    claimed_by="ddim-300",
    objective="Train the smallest network on linear and quadratic betas and on the cosine schedule, with all else the same.",
    hypothesis="Cosine and quadratic schedules, listed there as future work, give better digits than linear betas at "
    "equal compute.",
    arms=tuple(
        Arm(kind, Trained("simple-unet", (f"schedule.kind={kind}",), run=kind), "ddim:50")
        for kind in ("linear", "quadratic", "cosine")
    ),
    verdict=verdict,
    plots=(Plot("schedules", "Three schedules at equal compute", ("fd.a", "fd.c", "unsure.a")),),
    next="The same levels for drawing, whatever was trained on: inkwash evaluate lab/schedules/runs/linear --schedule cosine.",
    length="120000 images",
)
