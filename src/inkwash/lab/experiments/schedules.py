"""A network on three noise schedules, trained for the same number of steps."""

from inkwash.lab.experiment import Experiment, Trained, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results


def verdict(results: Results) -> Verdict:
    """FD is significantly lower on quadratic betas and on the cosine schedule than on linear betas."""
    linear, *others = results.variants
    reference = f"FD is {linear.text('fd.a')} on {linear.name} betas, after training on {linear.text('images')} images."
    tested = Verdict.of(
        *((each.significantly_below(linear, "fd.a"), f"On {each.name} it is {each.text('fd.a')}.") for each in others)
    )
    margin = max(each.margin("fd.a") for each in results.variants)
    return Verdict(tested.outcome, f"{reference} {tested.words} The margin of each is at most {margin:.3f}.")


EXPERIMENT = Experiment(
    name="schedules",
    claimed_by="ddim-300",
    objective="Train the smallest network on linear betas, quadratic betas and the cosine schedule, all else being equal.",
    hypothesis="Cosine and quadratic schedules give better digits than linear betas at equal compute.",
    variants=tuple(
        Variant(kind, Trained("simple-unet", (f"schedule.kind={kind}",), run=kind), "ddim:50")
        for kind in ("linear", "quadratic", "cosine")
    ),
    verdict=verdict,
    plots=(Plot("schedules", "Three schedules at equal compute", ("fd.a", "fd.c", "unsure.a")),),
    next="The same noise levels for sampling with each: inkwash evaluate lab/schedules/runs/linear --schedule cosine.",
    length="120000 images",
)
