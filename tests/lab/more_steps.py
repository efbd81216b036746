"""An experiment of one's own, as a user would write it: what the tests of the command run."""

from inkwash.lab import Arm, Experiment, Results, Trained, Verdict, weigh


def verdict(found: Results) -> Verdict:
    one, four = found["one step"], found["four"]
    return weigh(
        (four.value("fd.c") < one.value("fd.c"), f"FD is {one.told('fd.c')} in one, {four.told('fd.c')} in four.")
    )


MODEL = Trained(
    "simple-unet", ("network.base=4", "training.batch=16", "sampling.preview=ddim:2", "training.precision=float32")
)
EXPERIMENT = Experiment(
    name="more-steps",
    objective="See whether four steps are better than one.",
    hypothesis="Four steps are better than one.",
    arms=(Arm("one step", MODEL, "ddim:1"), Arm("four", MODEL, "ddim:4")),
    verdict=verdict,
    length="64 images",
)
