"""The cost of fewer steps: one network sampled by DDPM in 300 steps and by DDIM in 50 and 20."""

from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Result, Results

SPEED_TOLERANCE = 0.25
"""Largest relative difference of a speed-up from the claimed one."""
MAX_FD_RATIO = 1.25
"""Largest ratio of FD that counts as nearly the same quality."""


def verdict(results: Results) -> Verdict:
    """Both speed-ups are about as claimed, FD in 50 steps is nearly that of all, and in 20 significantly higher."""
    full, fifty, twenty = results.variants
    ratio = fifty.value("fd.a") / full.value("fd.a")

    def speed_up(fewer: Result, claimed: int) -> tuple[bool, str]:
        factor = full.value("seconds") / fewer.value("seconds")
        return abs(factor / claimed - 1) <= SPEED_TOLERANCE, (
            f"{fewer.name} is {factor:.1f} times as fast, {claimed} claimed."
        )

    return Verdict.of(
        speed_up(fifty, 6),
        speed_up(twenty, 15),
        (
            ratio <= MAX_FD_RATIO,
            f"FD is {fifty.text('fd.a')} in 50 steps and {full.text('fd.a')} in 300, a ratio of {ratio:.2f}.",
        ),
        (
            fifty.significantly_below(twenty, "fd.a"),
            f"In 20 steps it is {twenty.text('fd.a')}; that of as many real images is {full.real('fd.a'):.3f}.",
        ),
    )


EXPERIMENT = Experiment(
    name="steps-vs-quality",
    claimed_by="ddim-300",
    objective="Sample from one network in 300, 50 and 20 steps from the same noise, and compare time and quality.",
    hypothesis="50 steps are about six times as fast at nearly the same quality; 20 are about fifteen times as fast and worse.",
    variants=tuple(Variant(sampler, "ddim-300", sampler) for sampler in ("ddpm:300", "ddim:50", "ddim:20")),
    verdict=verdict,
    plots=(Plot("speed-and-quality", "Quality against time", ("fd.a", "fd.c"), x="seconds", log="x"),),
    next="Solvers of higher order at equal evaluations: inkwash evaluate ddim-300 --sampler ddim:20,dpm++2m:20,heun:10.",
)
