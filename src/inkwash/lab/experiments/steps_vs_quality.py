"""What fewer steps cost: one network, drawn from by DDPM in 300 steps and by DDIM in 50 and 20."""

from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

ABOUT = 0.25
"""How far off a speed-up may be and still be "about" what was claimed."""
ALIKE = 1.25
"""How many times the FD of all steps is still nearly the same."""


def verdict(found: Results) -> Verdict:
    """Both speed-ups are about as claimed, 50 steps draw nearly as well as all, 20 clearly worse."""
    full, fifty, twenty = found.arms
    claimed = {fifty.name: 6, twenty.name: 15}
    speed = {arm.name: full.value("seconds") / arm.value("seconds") for arm in (fifty, twenty)}
    times = fifty.value("fd.a") / full.value("fd.a")
    return weigh(
        *(
            (abs(speed[name] / much - 1) <= ABOUT, f"{name} is {speed[name]:.1f} times as fast, of {much} claimed.")
            for name, much in claimed.items()
        ),
        (
            times <= ALIKE,
            f"FD is {fifty.told('fd.a')} in 50 steps and {full.told('fd.a')} in 300, {times:.2f} times as much.",
        ),
        (
            fifty.below(twenty, "fd.a"),
            f"20 steps have {twenty.told('fd.a')}; as many real images have {full.real('fd.a'):.3f}.",
        ),
    )


EXPERIMENT = Experiment(
    name="steps-vs-quality",
    claimed_by="ddim-300",
    objective="Draw from one network in 300, 50 and 20 steps from the same noise, and see what time and quality become.",
    hypothesis="50 steps are about six times as fast and look all but the same; 20 are about fifteen times as fast and worse.",
    arms=(
        Arm("ddpm:300", "ddim-300", "ddpm:300"),
        Arm("ddim:50", "ddim-300", "ddim:50"),
        Arm("ddim:20", "ddim-300", "ddim:20"),
    ),
    verdict=verdict,
    plots=(Plot("speed-and-quality", "Quality against time", ("fd.a", "fd.c"), x="seconds", log="x"),),
    next="Solvers of higher order at as many evaluations: inkwash evaluate ddim-300 --sampler ddim:20,dpm++2m:20,heun:10.",
)
