"""Time training, sampling and start-up: python -m benchmarks.speed all --help."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from typing import Annotated, Literal

import torch
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from inkwash import DEFAULT_MODEL
from inkwash.errors import InkwashError
from inkwash.hardware import devices
from inkwash.runs.environment import commit, describe_environment

from . import workloads
from .report import Row, table
from .subjects import Subject
from .timing import Workload, interleaved

app = App(name="python -m benchmarks.speed", result_action="return_value")
Positive = Annotated[int, Parameter(validator=Number(gte=1))]


@app.default
def main(
    what: Literal["train", "sample", "all"],
    /,
    *names: str,
    sampler: str | None = None,
    precision: str | None = None,
    trials: Positive = 5,
    against: bool = False,
    threads: Positive | None = None,
    device: str = "auto",
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Time training, sampling and start-up in turn, beside the convolution peak of this machine.

    Parameters
    ----------
    what
        train (a training step), sample (64 images, one image, start of the command), or all.
    names
        Models or recipes, run folders or checkpoints. Default: fast.
    sampler
        One or several, as in ddim:50,dpm++2m:20. Default: the preview sampler of each recipe.
    precision
        One or several of float32, bfloat16 and auto. Default: training in the recipe's, sampling in float32 and auto.
    trials
        Trials of every workload.
    against
        Also time diffusers in the same trials: its U-Net of the same size, its schedulers (the interop extra).
    threads
        Threads of the CPU. Default: torch's.
    device
        auto, cpu, cuda or mps.
    json_
        Print JSON with the seconds of every trial.
    """
    devices.configure(threads)
    place = devices.device(device)
    subjects = [Subject.load(name, place) for name in names or (DEFAULT_MODEL,)]
    wanted = _precisions(precision.split(",") if precision else ["float32", "auto"], place)
    chosen: list[Workload] = []
    notes = [
        f"{each.name}: {workloads.forward_flops(each.model) / 1e6:,.1f} MFLOP a forward, trains on {each.data.name}"
        for each in subjects
    ]
    for subject in subjects:
        samplers = sampler.split(",") if sampler else [None]
        if what != "sample":
            chosen += [workloads.training(subject, each) for each in (wanted if precision else [None])]
        if what != "train":
            for each, dtype, count in product(samplers, wanted, (workloads.BATCH, 1)):
                chosen.append(workloads.sampling(subject, each, dtype, count))
        if against:
            pairs, note = _against(subject, what, wanted)
            chosen += pairs
            notes.append(note)
    if what != "train":
        chosen += dict.fromkeys(start for subject in subjects for start in workloads.starts(subject))
    peaks = {each: workloads.peak(each, place) for each in _precisions(["float32", "auto", *wanted], place)}
    rows = _measure(list(peaks.values()), chosen, trials, peaks)
    machine = describe_environment(place, commit())
    if json_:
        print(json.dumps({"machine": machine, "models": notes, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    console = Console(highlight=False, markup=False, width=120)
    console.print(f"inkwash {machine['inkwash']} ({machine['commit'] or 'no commit'}), torch {machine['torch']}")
    console.print(f"{machine['hardware']}, {machine['cores']} cores, {place.type}, threads: {machine['threads']}")
    console.print("\n".join(notes), table(rows), sep="\n")


def _measure(
    peaks: Sequence[Workload], chosen: Sequence[Workload], trials: int, by_precision: dict[str, Workload]
) -> list[Row]:
    timed = [*peaks, *chosen]
    timed += [each.reference for each in chosen if each.reference]
    seconds: dict[Workload, list[float]] = {each: [] for each in timed}
    for count, (index, taken) in enumerate(interleaved(timed, trials), 1):
        seconds[timed[index]].append(taken)
        print(f"\r{count} of {trials * len(timed)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [Row.of(each, seconds, by_precision) for each in timed]


def _against(subject: Subject, what: str, precisions: Sequence[str]) -> tuple[list[Workload], str]:
    from .diffusers_unet import SCHEDULERS, DiffusersUNet, sampling_pair, training_pair

    theirs = DiffusersUNet(subject.model)
    pairs = [training_pair(subject, theirs, each) for each in precisions] if what != "sample" else []
    if what != "train":
        pairs += [sampling_pair(subject, theirs, *each) for each in product(SCHEDULERS, precisions)]
    return pairs, theirs.description


def _precisions(names: Sequence[str], place: torch.device) -> list[str]:
    return list(dict.fromkeys("float32" if devices.precision(name, place) is None else "bfloat16" for name in names))


if __name__ == "__main__":
    try:
        app()
    except InkwashError as error:
        sys.exit(f"benchmarks.speed: {error}")
