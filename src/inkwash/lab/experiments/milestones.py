"""Quality over training: how soon it stops growing."""

from inkwash.lab.experiment import Arm, Experiment, Trained, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

PLATEAU = 1.1
"""How many times the best FD is on the plateau."""
SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)


def verdict(found: Results) -> Verdict:
    """Training makes images better at first, and the last half of it makes hardly a difference."""
    first, last = found.arms[0], found.arms[-1]
    best = min(found.arms, key=lambda arm: arm.value("fd.a"))
    reached = next(arm for arm in found.arms if arm.value("fd.a") <= PLATEAU * best.value("fd.a"))
    share = reached.value("images") / last.value("images")
    return weigh(
        (
            best.below(first, "fd.a"),
            f"FD falls from {first.told('fd.a')} after {first.value('images'):,.0f} images to {best.told('fd.a')} after "
            f"{best.value('images'):,.0f}; as many real images have {last.real('fd.a'):.3f}.",
        ),
        (share <= 0.5, f"It comes within {PLATEAU - 1:.0%} of its best after {share:.0%} of the training."),
    )


EXPERIMENT = Experiment(
    name="milestones",
    claimed_by="ddpm-bn",
    objective="Draw from the checkpoints that one training has kept, and see when more of it stops to pay.",
    hypothesis="Digits become better with training up to a plateau that is reached well before its end.",
    arms=(Arm("end", Trained("ddpm-bn", kept_at=SHARES), "ddim:50", each_milestone=True),),
    verdict=verdict,
    plots=(Plot("milestones", "Quality over training", ("fd.a", "unsure.a"), x="images", log="xy"),),
    next="A long training of its own: inkwash lab milestones --run runs/ddpm-bn-1 --out lab/long-milestones.",
    length="120000 images",
)
