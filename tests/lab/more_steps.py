"""A user's experiment, which the tests of the command run."""

from inkwash.lab import Experiment, Results, Trained, Variant, Verdict


def verdict(results: Results) -> Verdict:
    one, four = results["one step"], results["four"]
    holds = four.value("fd.c") < one.value("fd.c")
    return Verdict.of((holds, f"FD is {one.text('fd.c')} in one step and {four.text('fd.c')} in four."))


MODEL = Trained(
    "simple-unet", ("network.base=4", "training.batch=16", "sampling.preview=ddim:2", "training.precision=float32")
)
EXPERIMENT = Experiment(
    name="more-steps",
    objective="Test whether four steps are better than one.",
    hypothesis="Four steps are better than one.",
    variants=(Variant("one step", MODEL, "ddim:1"), Variant("four", MODEL, "ddim:4")),
    verdict=verdict,
    length="64 images",
)
