"""`inkwash bench`: how fast training, drawing and starting are on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash import USUAL
from inkwash.cli.parameters import Whole
from inkwash.config import plugins
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.speed.plan import Plan


def bench(
    what: str,
    /,
    *things: str,
    sampler: str | None = None,
    precision: str | None = None,
    trials: Whole = 5,
    against: Annotated[bool, Parameter(negative=())] = False,
    threads: Whole | None = None,
    device: str = "auto",
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Time training, drawing and starting on this machine, all in turn, beside its own convolution peak.

    Examples: inkwash bench all. Or: inkwash bench sample cfg-cosine --sampler ddim:50,dpm++2m:20. Or: inkwash
    bench train simple-unet --against.

    Parameters
    ----------
    what
        train (images a second), sample (64 images, one image, the start of the command), or all.
    things
        Models or recipes, run folders or checkpoints; random pixels stand for data not here. Default: fast.
    sampler
        One or several, as in ddim:50,dpm++2m:20. Default: the one that each recipe draws its own pictures with.
    precision
        One or several of float32, bfloat16 and auto. Default: to train the recipe's, to draw float32 and what auto is.
    trials
        Turns that count, at least 1; one more before them warms up.
    against
        Also time diffusers in the same turns: its U-Net of the same size, its schedulers (the interop extra).
    threads
        Threads to compute with, at least 1. Default: torch's.
    device
        auto, cpu, cuda or mps.
    with_
        Your own Python file, run first; it can register networks, schedules and samplers.
    quiet
        Print the tables only, no progress.
    json_
        Print JSON, for programs.
    """
    plugins.load(with_)
    from inkwash.cli.progress import counter, stages
    from inkwash.cli.tables import speed
    from inkwash.hardware import devices
    from inkwash.speed.plan import Asked

    devices.keep_memory()
    own = None if with_ is None else str(with_)
    asked = Asked(what, trials, things or (USUAL,), _listed(sampler), _listed(precision), device, threads, against, own)
    silent = quiet or json_
    with stages(silent) as stage:
        plan = asked.resolve(stage)
    if not silent:
        _announce(plan)
    with counter(plan.count, "timing", silent) as done:
        report = plan.run(done)
    if json_:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        speed.show(report)
    return 0


def _listed(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _announce(plan: Plan) -> None:
    from inkwash.evaluation.formatting import span

    print(
        f"{len(plan.pieces)} pieces of work in turn, {plan.asked.trials} times and once to warm up: about "
        f"{span(plan.seconds)}; Ctrl-C ends it",
        file=sys.stderr,
    )
