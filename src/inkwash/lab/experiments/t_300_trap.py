"""Betas made for 1000 steps, used in 300: training never sees pure noise, and drawing starts from it."""

import math
from collections.abc import Iterator

from inkwash.evaluation.score import Score
from inkwash.lab.experiment import Arm, Experiment, Trained, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Finding, Lab, Ready, table
from inkwash.lab.results import Results

RESCALED = ("schedule.start=3.3333e-4", "schedule.end=0.066667")
"""The same betas times 1000 / 300, which reach nearly pure noise in 300 steps."""


def brightness(arm: Ready, lab: Lab) -> Iterator[Finding]:
    """Measure the mean grey value: what an image keeps of a start that training never showed the network."""
    each = lab.samples(arm).values.double().flatten(1).mean(1)
    mean, chance = float(each.mean()), 1.96 * float(each.std()) / len(each) ** 0.5
    real = lab.bench.panel.figures.get("mean")
    yield Score("mean", "mean grey value, of 255", mean, real, "near", low=mean - chance, high=mean + chance)


def verdict(found: Results) -> Verdict:
    """Rescaled betas draw images that are closer to real ones, and closer to their brightness."""
    kept, rescaled = found.arms
    off = [abs(arm.value("mean") - arm.real("mean")) for arm in (kept, rescaled)]
    chance = math.hypot(kept.uncertainty("mean"), rescaled.uncertainty("mean"))
    return weigh(
        (
            rescaled.below(kept, "fd.a"),
            f"FD is {kept.told('fd.a')} with the betas as they are and {rescaled.told('fd.a')} with rescaled ones, after "
            f"{kept.value('images'):,.0f} images each.",
        ),
        (
            off[1] < off[0] - chance,
            f"The mean grey value is {kept.value('mean'):.1f} and {rescaled.value('mean'):.1f}, "
            f"where real images have {kept.real('mean'):.1f}.",
        ),
    )


EXPERIMENT = Experiment(
    name="t-300-trap",
    claimed_by="ddim-300",
    objective="Train the network of ddim-300 twice for as long, on its betas, which end at alpha = 0.219, and on betas "
    "rescaled to 300 steps, and start both from pure noise.",
    hypothesis="Starting from pure noise where training always saw some image spoils the pictures; rescaled betas mend it.",
    arms=(
        Arm("as it is", Trained("ddim-300", run="as-it-is"), "ddim:50"),
        Arm("rescaled", Trained("ddim-300", RESCALED, run="rescaled"), "ddim:50"),
    ),
    measures=(table, brightness),
    verdict=verdict,
    plots=(Plot("trap", "Betas for 1000 steps in 300", ("fd.a", "mean", "zero")),),
    next="The same with the longer training of its document: --length '20 epochs'.",
    length="30000 images",
)
