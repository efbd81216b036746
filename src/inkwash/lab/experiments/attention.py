"""One network with self-attention in its middle and without, trained for as many steps."""

from inkwash.lab.experiment import Arm, Experiment, Trained, Verdict, weigh
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results


def verdict(found: Results) -> Verdict:
    """With attention images are clearly closer to real ones, and fewer of them are no digit for sure."""
    with_it, without = found.arms
    return weigh(
        (
            with_it.below(without, "fd.a"),
            f"FD is {with_it.told('fd.a')} with attention and {without.told('fd.a')} without, give or take "
            f"{max(with_it.uncertainty('fd.a'), without.uncertainty('fd.a')):.3f}.",
        ),
        (
            with_it.below(without, "unsure.a"),
            f"{with_it.value('unsure.a'):.1%} of images are no digit for sure with it, {without.value('unsure.a'):.1%} "
            f"without, {with_it.real('unsure.a'):.1%} of real ones; {with_it.value('images'):,.0f} images of training each.",
        ),
    )


EXPERIMENT = Experiment(
    name="attention",
    claimed_by="attention-unet",
    objective="Train one network with its attention and without, on the same batches for as many steps.",
    hypothesis="Self-attention in the middle of the network makes digits more coherent than convolutions alone.",
    arms=(
        Arm("with attention", Trained("attention-unet", run="with-attention"), "ddim:50"),
        Arm("without", Trained("attention-unet", ("network.attention=false",), run="without-attention"), "ddim:50"),
    ),
    verdict=verdict,
    plots=(Plot("attention", "With attention and without", ("fd.a", "unsure.a")),),
    next="Longer training, where attention may take its time: --length '10 epochs'; bigger images: --data cifar-10.",
)
