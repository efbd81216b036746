"""The lab: experiments as small files, each a claim, the arms that test it, and a verdict read off the measurements.

Your own is a file that defines EXPERIMENT, or adds a row to EXPERIMENTS; `inkwash lab NAME --with FILE.py` runs it:

    from inkwash.lab import Arm, Experiment, Results, Verdict, weigh

    def verdict(found: Results) -> Verdict:
        few, many = found["10"], found["40"]
        enough = few.value("fd.a") <= 1.05 * many.value("fd.a")
        return weigh((enough, f"FD is {few.told('fd.a')} in 10 steps and {many.told('fd.a')} in 40."))

    EXPERIMENT = Experiment(
        name="ten-steps",
        objective="See whether a solver of second order needs more than ten steps.",
        hypothesis="Ten steps are as good as forty, within 5 % of FD.",
        arms=(Arm("10", "cfg-cosine", "dpm++2m:10"), Arm("40", "cfg-cosine", "dpm++2m:40")),
        verdict=verdict,
    )

An arm draws from a model that is there, or from one that is `Trained` for it. What `inkwash evaluate` measures is measured;
another measure is a function of an arm and the bench that yields scores (see experiments/same_noise.py).
"""

from inkwash.lab.experiment import Arm, Experiment, Trained, Verdict, weigh
from inkwash.lab.experiments import (
    attention,
    early_refinement,
    five_epochs,
    guidance,
    milestones,
    no_noise,
    same_noise,
    schedules,
    steps_vs_quality,
    t_300_trap,
)
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Finding, Lab, Picture, Ready, table
from inkwash.lab.results import Result, Results, Series

__all__ = [
    "EXPERIMENTS",
    "Arm",
    "Experiment",
    "Finding",
    "Lab",
    "Picture",
    "Plot",
    "Ready",
    "Result",
    "Results",
    "Series",
    "Trained",
    "Verdict",
    "table",
    "weigh",
]

EXPERIMENTS: dict[str, Experiment] = {
    each.EXPERIMENT.name: each.EXPERIMENT
    for each in (
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
    )
}
"""Name -> experiment, in the order in which they are listed."""
