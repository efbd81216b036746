"""A network with and without self-attention, trained for the same number of steps."""

from inkwash.lab.experiment import Experiment, Trained, Variant, Verdict
from inkwash.lab.figures import Plot
from inkwash.lab.results import Results


def verdict(results: Results) -> Verdict:
    """FD and low-confidence rate are significantly lower with attention."""
    attention, without = results.variants
    margin = max(attention.margin("fd.a"), without.margin("fd.a"))
    return Verdict.of(
        (
            attention.significantly_below(without, "fd.a"),
            f"FD is {attention.text('fd.a')} with attention and {without.text('fd.a')} without, ± {margin:.3f}.",
        ),
        (
            attention.significantly_below(without, "unsure.a"),
            f"{attention.value('unsure.a'):.1%} of images are classified with low confidence with it, "
            f"{without.value('unsure.a'):.1%} without, {attention.real('unsure.a'):.1%} of real ones; each was trained "
            f"on {attention.value('images'):,.0f} images.",
        ),
    )


EXPERIMENT = Experiment(
    name="attention",
    claimed_by="attention-unet",
    objective="Train a network with and without attention, on the same batches for the same number of steps.",
    hypothesis="Self-attention in the middle of the network gives more coherent digits than convolutions alone.",
    variants=(
        Variant("with attention", Trained("attention-unet", run="with-attention"), "ddim:50"),
        Variant("without", Trained("attention-unet", ("network.attention=false",), run="without-attention"), "ddim:50"),
    ),
    verdict=verdict,
    plots=(Plot("attention", "With and without attention", ("fd.a", "unsure.a")),),
    next="Longer training, which attention may need: --length '10 epochs'; larger images: --data cifar-10.",
)
