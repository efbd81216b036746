"""How clear digits are after five epochs, by judges who know how clear real ones are."""

from collections.abc import Iterator

from inkwash.lab.experiment import Arm, Experiment, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Result, Results

EPOCHS = 5.05
"""Five, and what a last batch that is filled up may add."""
SHORT, UNSURE = 0.02, 2.0
"""Clear digits miss real ones' accuracy by no more than this, and are unsure no more than so many times as often."""


def verdict(found: Results) -> Verdict:
    """After five epochs the asked digit is seen nearly as often as in real images, and as surely: plainly, and guided."""
    parts: list[tuple[bool, str]] = []
    for guided in (False, True):
        arms = [arm for arm in found.arms if (arm.value("guidance") != 1) == guided]
        within = [arm for arm in arms if arm.value("epochs") <= EPOCHS] or arms[:1]
        if within:
            parts += _clear(max(within, key=lambda each: each.value("epochs")))
    return weigh(*parts)


def _clear(arm: Result) -> Iterator[tuple[bool, str]]:
    accuracy, unsure = arm.value("accuracy.a"), arm.value("unsure.a")
    weight = arm.value("guidance")
    told = "without guidance" if weight == 1 else f"with guidance {weight:g}"
    yield (
        accuracy >= arm.real("accuracy.a") - SHORT,
        f"After {arm.value('epochs'):.1f} epochs, {told}, {accuracy:.1%} of images show the digit that was asked for, "
        f"where {arm.real('accuracy.a'):.1%} of real ones are read right.",
    )
    yield (
        unsure <= UNSURE * arm.real("unsure.a") + SHORT,
        f"{unsure:.1%} are not clearly any digit, of real ones {arm.real('unsure.a'):.1%}; FD is {arm.told('fd.a')}, "
        f"real {arm.real('fd.a'):.3f}.",
    )


EXPERIMENT = Experiment(
    name="five-epochs",
    claimed_by="cfg-cosine",
    objective="Ask for digits after five epochs, without guidance and with, and have judges read them as they read real ones.",
    hypothesis="Five epochs are enough for digits that are clear, and are the ones that were asked for.",
    arms=(
        Arm("five epochs", "cfg-cosine", "ddim:50", guidance=1.0, each_milestone=True),
        Arm("guided", "cfg-cosine", "ddim:50", guidance=2.0),
    ),
    verdict=verdict,
    plots=(Plot("epochs", "Clear digits over training", ("accuracy.a", "unsure.a", "fd.a"), x="epochs"),),
    next="Every epoch of a run of your own: inkwash lab five-epochs --run runs/cfg-cosine-1 --out lab/my-epochs.",
    length="5 epochs",
)
