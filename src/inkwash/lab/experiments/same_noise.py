"""One noise, several numbers of steps: whether a deterministic path comes out at the same picture."""

from collections.abc import Iterator

import torch

from inkwash.evaluation.score import Score
from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.measurement import Finding, Lab, Ready
from inkwash.lab.results import Results

ALIKE, SAME = 0.5, 0.9
"""The distance, in that of strangers, up to which pictures are alike; the share that must show the same class."""


def likeness(arm: Ready, lab: Lab) -> Iterator[Finding]:
    """Hold each image against that of the same seed in the first arm, and against that of the next seed."""
    own, first = (lab.samples(each).values for each in (arm, lab.arms[0]))
    apart, strangers = (_distance(own, other) for other in (first, first.roll(1, 0)))
    yield Score("same_seed", "distance to the first arm's image of the same seed (RMS, white = 1)", apart)
    yield Score("other_seed", "distance to that of another seed", strangers)
    unlike = apart / strangers if strangers else None
    yield Score("unlike", "distance, in that of another seed", unlike, note="pictures of different seeds are the same")
    same = float((lab.seen(own) == lab.seen(first)).double().mean())
    yield Score("same_class", "same class as the first arm's", same, better="high")


def _distance(a: torch.Tensor, b: torch.Tensor) -> float:
    squares = ((a.double() - b.double()) / 255) ** 2
    return float(squares.flatten(1).mean(1).sqrt().mean())


def verdict(found: Results) -> Verdict:
    """With fewer steps the same seed still gives a picture alike, of the same class."""
    full, *fewer = found.arms
    return weigh(
        *(
            (
                arm.value("unlike") <= ALIKE and arm.value("same_class") >= SAME,
                f"From the same noise {arm.name} draws pictures {arm.value('unlike'):.0%} as far from those of {full.name} "
                f"as pictures of other seeds are, {arm.value('same_class'):.0%} of them of the same class.",
            )
            for arm in fewer
        )
    )


EXPERIMENT = Experiment(
    name="same-noise",
    claimed_by="ddim-300",
    objective="Follow one noise to its picture in 300, 50 and 20 steps that draw none anew, and hold the pictures together.",
    hypothesis="Without fresh noise the start decides the picture: fewer steps draw the same digits, only coarser.",
    arms=(
        Arm("ddim:300", "ddim-300", "ddim:300"),
        Arm("ddim:50", "ddim-300", "ddim:50"),
        Arm("ddim:20", "ddim-300", "ddim:20"),
    ),
    measures=(likeness,),
    verdict=verdict,
    plots=(Plot("likeness", "Against the picture of 300 steps", ("unlike", "same_class"), x="steps", log="x"),),
    next="The same with fresh noise, where it should fail: ddim with eta 1.",
    count=200,
)
