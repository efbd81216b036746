"""The lab: an experiment is a claim, the variants whose evaluations test it, and a verdict computed from their scores.

To add one, write a file that defines EXPERIMENT or adds to EXPERIMENTS; `inkwash lab NAME --with FILE.py` runs it:

    from inkwash.lab import Experiment, Results, Variant, Verdict

    def verdict(results: Results) -> Verdict:
        few, many = results["10"], results["40"]
        holds = few.value("fd.a") <= 1.05 * many.value("fd.a")
        return Verdict.of((holds, f"FD is {few.text('fd.a')} in 10 steps and {many.text('fd.a')} in 40."))

    EXPERIMENT = Experiment(
        name="ten-steps",
        objective="Test whether a second-order solver needs more than ten steps.",
        hypothesis="The FD of ten steps is within 5 % of that of forty.",
        variants=(Variant("10", "cfg-cosine", "dpm++2m:10"), Variant("40", "cfg-cosine", "dpm++2m:40")),
        verdict=verdict,
    )

A variant samples from an existing model, or from one that is `Trained` for the experiment. Its scores are those of
`inkwash evaluate`; a further measure is a function of a variant and a `MeasureContext` that yields scores
(experiments/same_noise.py).
"""

from inkwash.lab.experiment import Experiment, Trained, Variant, Verdict
from inkwash.lab.experiments import (
    attention,
    early_refinement,
    five_epochs,
    guidance,
    milestones,
    no_noise,
    one_step,
    same_noise,
    schedules,
    steps_vs_quality,
    t_300_trap,
    words,
)
from inkwash.lab.figures import Plot
from inkwash.lab.measures import Finding, LoadedVariant, MeasureContext, Picture, evaluation
from inkwash.lab.results import Result, Results, Series

__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Finding",
    "LoadedVariant",
    "MeasureContext",
    "Picture",
    "Plot",
    "Result",
    "Results",
    "Series",
    "Trained",
    "Variant",
    "Verdict",
    "evaluation",
]

EXPERIMENTS: dict[str, Experiment] = {
    module.EXPERIMENT.name: module.EXPERIMENT
    for module in (
        steps_vs_quality,
        same_noise,
        no_noise,
        early_refinement,
        t_300_trap,
        five_epochs,
        guidance,
        milestones,
        attention,
        schedules,
        one_step,
        words,
    )
}
"""Name -> experiment, in the order in which they are listed."""
