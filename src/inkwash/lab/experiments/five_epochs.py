"""Quality after five epochs: accuracy and confidence of a classifier on samples and on real images."""

from collections.abc import Iterator

from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Result, Results

EPOCHS = 5.05
"""Five, with the margin of a last batch."""
ACCURACY_MARGIN, LOW_CONFIDENCE_RATIO = 0.02, 2.0
"""Clear samples: accuracy at most this much below real images, low-confidence rate at most this ratio (plus margin)."""


def verdict(results: Results) -> Verdict:
    """After five epochs, samples are classified nearly as accurately and confidently as real images, in both variants."""
    parts: list[tuple[bool, str]] = []
    for guided in (False, True):
        variants = [each for each in results.variants if (each.value("guidance") != 1) == guided]
        within = [each for each in variants if each.value("epochs") <= EPOCHS] or variants[:1]
        if within:
            parts += _parts(max(within, key=lambda each: each.value("epochs")))
    return Verdict.of(*parts)


def _parts(each: Result) -> Iterator[tuple[bool, str]]:
    accuracy, low_confidence, weight = each.value("accuracy.a"), each.value("unsure.a"), each.value("guidance")
    guidance = "without guidance" if weight == 1 else f"with guidance {weight:g}"
    yield (
        accuracy >= each.real("accuracy.a") - ACCURACY_MARGIN,
        f"After {each.value('epochs'):.1f} epochs, {guidance}, {accuracy:.1%} of images show the requested digit; the "
        f"accuracy on real ones is {each.real('accuracy.a'):.1%}.",
    )
    yield (
        low_confidence <= LOW_CONFIDENCE_RATIO * each.real("unsure.a") + ACCURACY_MARGIN,
        f"{low_confidence:.1%} are classified with low confidence, {each.real('unsure.a'):.1%} of real ones; FD is "
        f"{each.text('fd.a')}, that of real images {each.real('fd.a'):.3f}.",
    )


EXPERIMENT = Experiment(
    name="five-epochs",
    claimed_by="cfg-cosine",
    objective="Sample digits after five epochs, with and without guidance, and classify them as real ones are classified.",
    hypothesis="Five epochs are enough for clear digits of the requested class.",
    variants=(
        Variant("five epochs", "cfg-cosine", "ddim:50", guidance=1.0, each_milestone=True),
        Variant("guided", "cfg-cosine", "ddim:50", guidance=2.0),
    ),
    verdict=verdict,
    plots=(Plot("epochs", "Clear digits over training", ("accuracy.a", "unsure.a", "fd.a"), x="epochs"),),
    next="Every epoch of your own run: inkwash lab five-epochs --run runs/cfg-cosine-1 --out lab/my-epochs.",
    length="5 epochs",
)
