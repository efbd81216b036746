"""What the noise of each step is good for: DDPM without it, and DDIM, which has none by design."""

from collections.abc import Iterator

import torch

from inkwash.evaluation.score import Score
from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Finding, Lab, Ready, table
from inkwash.lab.results import Result, Results

REPEATS = 0.7
"""Variety, in that of real images, under which a model repeats itself."""


def commonest(arm: Ready, lab: Lab) -> Iterator[Finding]:
    """Measure how far one class takes over."""
    panel = lab.bench.panel
    seen = lab.seen(lab.samples(arm).values)
    shares = torch.bincount(seen, minlength=len(panel.about.classes)).double() / len(seen)
    label = int(shares.argmax())
    real = max(panel.about.proportions)
    yield Score("commonest", "share of the commonest class", float(shares[label]), real, better="near")
    yield f"The commonest class is {panel.about.classes[label]}, {float(shares[label]):.0%} of images."


def verdict(found: Results) -> Verdict:
    """Each arm without noise varies far less than real images do; DDPM with its noise is there to show that it need not."""
    with_noise, *without = found.arms
    told = f"With its noise {with_noise.name} varies {_variety(with_noise):.0%} as much as real images"
    parts = [
        (
            _variety(arm) < REPEATS,
            f"{arm.name} varies {_variety(arm):.0%} as much, with recall {arm.told('recall')} "
            f"and {arm.value('commonest'):.0%} in one class.",
        )
        for arm in without
    ]
    judged = weigh(*parts)
    if _variety(with_noise) < REPEATS:
        return Verdict("cannot be told", f"{told}: this model repeats itself either way. {judged.words}")
    return Verdict(judged.outcome, f"{told}. {judged.words}")


def _variety(arm: Result) -> float:
    return arm.value("spread.a") / arm.real("spread.a")


EXPERIMENT = Experiment(
    name="no-noise",
    claimed_by="ddpm-bn",
    objective="Take the noise out of the steps of DDPM, and set DDIM beside it, whose steps have none by design; "
    "100 of the 1000 steps, so that it takes minutes.",
    hypothesis="Without fresh noise in its steps the model draws one and the same averaged digit again and again.",
    arms=(
        Arm("ddpm", "ddpm-bn", "ddpm:100"),
        Arm("ddpm without noise", "ddpm-bn", "ddpm:100", temperature=0.0),
        Arm("ddim", "ddpm-bn", "ddim:100"),
    ),
    measures=(table, commonest),
    verdict=verdict,
    plots=(Plot("variety", "Variety without noise", ("spread.a", "recall")),),
    next="Temperatures between 0 and 1: where does variety go?",
)
