"""One evaluation of a distilled network against fifteen of its teacher."""

from itertools import pairwise

from inkwash.core import Cosine, Stretch, Warped
from inkwash.lab.experiment import Experiment, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results

START = Warped(Cosine(), Stretch(0.8))
"""The sampling schedule of the student, whose single step starts at u = 0.8."""
MAX_FD_RATIO = 1.25
"""Largest ratio of FD that counts as nearly the same quality, for each feature extractor."""
MIN_UNTRAINED_RATIO = 10
"""Smallest ratio of FD by which one evaluation of the teacher must be worse than one of the student."""
TOLERANCE = 0.02
"""Largest amount by which recall may be lower, and the accuracy of 1-NN higher, than the teacher's."""
NAMES = {"fd.a": "A", "fd.b": "B", "fd.c": "C"}


def verdict(results: Results) -> Verdict:
    """FD by each extractor, accuracy, recall and 1-NN in one evaluation are nearly those of the teacher in fifteen."""
    untrained, one, *several, teacher = results.variants
    keys = [key for key in NAMES if key in one and key in teacher]
    ratios = {key: one.value(key) / teacher.value(key) for key in keys}
    distances = ", ".join(f"{NAMES[key]} {one.text(key)} ({ratio:.2f} times)" for key, ratio in ratios.items())
    recall, nearest = ([each.value(key) for each in (one, teacher)] for key in ("recall", "two_sample"))
    gain = untrained.value("fd.a") / one.value("fd.a")
    steps = [one, *several]
    rises = any(fewer.significantly_below(more, "fd.a") for fewer, more in pairwise(steps))
    return Verdict.of(
        (
            all(ratio <= MAX_FD_RATIO for ratio in ratios.values()),
            f"FD in one evaluation, and as a multiple of the teacher's in fifteen: {distances}.",
        ),
        (
            not one.significantly_below(teacher, "accuracy.a"),
            f"Accuracy is {one.text('accuracy.a')}, the teacher's {teacher.text('accuracy.a')}.",
        ),
        (
            recall[0] >= recall[1] - TOLERANCE and nearest[0] <= nearest[1] + TOLERANCE,
            f"Recall is {recall[0]:.3f} against {recall[1]:.3f}, the accuracy of 1-NN {nearest[0]:.3f} against "
            f"{nearest[1]:.3f}.",
        ),
        (
            gain >= MIN_UNTRAINED_RATIO,
            f"One evaluation of the teacher has {gain:.0f} times the FD of one of the student.",
        ),
        (
            not rises,
            f"FD in {', '.join(each.text('evaluations') for each in steps)} evaluations of the student is "
            f"{', '.join(each.text('fd.a') for each in steps)}.",
        ),
    )


EXPERIMENT = Experiment(
    name="one-step",
    claimed_by="one-step",
    objective="Sample the same seeds from the distilled network in 1, 2 and 4 evaluations, from its teacher in 15, and from "
    "the teacher in the student's single step, and compare quality.",
    hypothesis="One evaluation draws as good digits as fifteen.",
    variants=(
        Variant("untrained, 1", "fast", "ddim:1", schedule=START),
        Variant("one-step, 1", "one-step", "ddim:1"),
        Variant("one-step, 2", "one-step", "consistency:2"),
        Variant("one-step, 4", "one-step", "consistency:4"),
        Variant("teacher, 15", "fast", "dpm++2m:15"),
    ),
    verdict=verdict,
    plots=(
        Plot("evaluations", "Quality against evaluations", ("fd.a", "fd.c"), log="y"),
        Plot(
            "diversity",
            "Recall, and how well a nearest neighbour tells samples from real images",
            ("recall", "two_sample"),
        ),
    ),
    next="Several evaluations of the student: an input at the start that has the mean of the data, as noised images have.",
    count=10000,
)
