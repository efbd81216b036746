"""`inkwash evaluate`: measure a model or a file of images; measure several side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash.cli.parameters import Whole
from inkwash.config import plugins
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.evaluation.comparison import Entry
    from inkwash.evaluation.plan import EvaluationPlan, EvaluationRequest

MIN_ANNOUNCED_SECONDS = 5.0
"""A shorter time of sampling is not announced."""


def evaluate(
    what: str,
    /,
    *others: str,
    n: Annotated[Whole | None, Parameter(name=["-n", "--count"])] = None,
    sampler: str | None = None,
    guidance: Annotated[str | None, Parameter(name=["--guidance", "-w"])] = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: str | None = None,
    precision: str = "float32",
    data: str | None = None,
    judge: str | None = None,
    judges: str | None = None,
    bits: Annotated[bool, Parameter(negative=())] = False,
    thorough: Annotated[bool, Parameter(negative=())] = False,
    report: Path | None = None,
    device: str = "auto",
    threads: Whole | None = None,
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    processes: Whole | None = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Measure a model or a file of images, each figure beside that of real images; several are compared.

    Examples: inkwash evaluate fast -n 1000 --report out/quality. Or: inkwash evaluate
    cfg-cosine ddim-300 --sampler ddim:20,dpm++2m:10 --guidance 1,1.5 -n 1000. Or: inkwash evaluate mine.npz.

    Parameters
    ----------
    what
        A bundled model (see: inkwash show), a run folder, a checkpoint file, or an .npz of uint8 images of any program.
    others
        More of them, to compare.
    n
        Images to sample and score per setting, 200 or more for FD. Default: 10,000, or 1,000 where a sampler needs more
        than 100 network evaluations; all of a file.
    sampler
        One or several to compare, as in ddim:50,dpm++2m:10. Default: the recipe's.
    guidance
        One or several weights of classifier-free guidance, as in 1,1.5; 1 is none. Default: the recipe's.
    eta
        Fresh noise of ddim in [0, 1], 0 none, 1 as ddpm; of dpm++2m-sde 0 or more.
    temperature
        Scale of the fresh noise, 0 or more: 1 is the sampler, 0 its mean only.
    schedule
        Noise schedule to sample on, such as karras, log-linear or cosine. Default: that of training.
    precision
        float32, bfloat16, or auto (bfloat16 where it is faster).
    data
        The model's training data, by name or path: adds the measures that need it. Default: used where it is found.
    judge
        Other data to score against, by name or path; its feature extractors (judges) are trained once, in minutes, and cached.
    judges
        Some of the feature extractors (judges), as in a,c. Default: all.
    bits
        Also bound the likelihood of the real test images, in bits a value; needs the data.
    thorough
        Also train networks for C2ST (real or sample?) and TSTR (train on samples, test on real); needs the data.
    report
        A folder for a page with pictures (index.html), CSV and plots.
    device
        auto, cpu, cuda or mps.
    threads
        CPU threads to compute with, at least 1. Default: one a core; fewer are faster where other programs use the cores.
    with_
        Your own Python file, run first; it can register networks, schedules and samplers.
    processes
        Number of processes on this machine that share the sampling. Default: 1.
    quiet
        Print the table only, no progress.
    json_
        Print JSON, for programs.
    """
    plugins.load(with_)
    from inkwash.config.schema import decode_schedule
    from inkwash.core import SCHEDULES
    from inkwash.distributed import torchrun
    from inkwash.errors import unknown_name
    from inkwash.evaluation.plan import EvaluationRequest, parse_weights, split_list
    from inkwash.hardware import devices
    from inkwash.sampling.request import SampleRequest

    devices.configure(threads)
    if schedule is not None and schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, SCHEDULES)
    levels = None if schedule is None else decode_schedule(schedule, "--schedule")
    request = EvaluationRequest(
        (what, *others),
        n,
        split_list(sampler),
        parse_weights(guidance),
        SampleRequest(eta=eta, temperature=temperature, schedule=levels, precision=precision),
        data,
        judge,
        judges,
        tuple(name for name, wanted in (("bits", bits), ("thorough", thorough)) if wanted),
        device,
    )
    with torchrun.join(devices.device(device)) as group:
        if group.is_main:
            return _run(request, report, group, quiet or json_, json_)
        return _sample_shards(request, group)


def _sample_shards(request: EvaluationRequest, process_group: ProcessGroup) -> int:
    """Sample as one of several processes; the main one measures."""
    with process_group.main_first():
        plan = request.plan()
    for task in plan.tasks:
        task.sample_shard(process_group, lambda done: None)
    return 0


def _run(
    request: EvaluationRequest, folder: Path | None, process_group: ProcessGroup, silent: bool, as_json: bool
) -> int:
    from inkwash.cli.progress import counter, stages
    from inkwash.evaluation.report import check_free

    with process_group.main_first():
        if folder is not None:
            check_free(folder)
        with stages(silent, every=True) as stage:
            plan = request.plan(stage)
    if not silent:
        _announce(plan)
    entries = []
    try:
        for task in plan.tasks:
            if not process_group.is_single:
                with counter(task.count, f"{task.name}, this process's share", silent) as done:
                    task.sample_shard(process_group, done)
            with counter(task.count, task.name, silent) as done, stages(silent) as stage:
                entries.append(task.run(plan.reference, plan.extras, done, stage))
    except KeyboardInterrupt:
        print("stopped; finished samples are cached, and the same command resumes", file=sys.stderr)
        return 130
    (_print_one if len(entries) == 1 else _print_several)(plan, entries, folder, as_json)
    if folder is not None and not silent:
        print(f"report: {folder / 'index.html'}", file=sys.stderr)
    return 0


def _announce(plan: EvaluationPlan) -> None:
    from inkwash.metrics.extractor_set import DESCRIPTIONS
    from inkwash.text.durations import format_duration

    extractors = plan.reference.extractor_set
    members = ", ".join(f"{name.upper()} {DESCRIPTIONS.get(name, '')}".strip() for name in extractors.members)
    missing = "" if plan.reference.data is not None else "; measures that need the images are left out (--data FOLDER)"
    print(f"feature extractors (judges) for {extractors.spec.data}: {members}{missing}", file=sys.stderr)
    if plan.extras:
        names = " and ".join(f"--{name}" for name in plan.extras)
        print(f"{names}: about {format_duration(plan.extra_seconds())}, after sampling", file=sys.stderr)
    seconds = plan.seconds()
    if seconds > MIN_ANNOUNCED_SECONDS:
        count = sum(task.count for task in plan.tasks)
        print(
            f"sampling {count:,} images takes about {format_duration(seconds)}; they are cached, so that Ctrl-C loses little",
            file=sys.stderr,
        )


def _print_one(plan: EvaluationPlan, entries: Sequence[Entry], folder: Path | None, as_json: bool) -> None:
    from inkwash.cli.tables import scores
    from inkwash.evaluation.grading import verdicts

    (entry,) = entries
    found = entry.evaluation
    sentences, metadata = verdicts(found), plan.metadata()
    if folder is not None:
        from inkwash.evaluation.report import evaluation_page

        train = None if plan.reference.data is None else plan.reference.data.values
        evaluation_page.write(found, sentences, folder, metadata, train)
    if as_json:
        cost = {"evaluations": entry.evaluations, "seconds_64": entry.seconds}
        print(json.dumps(found.to_dict() | cost | {"verdicts": sentences, "facts": metadata}, indent=2))
    else:
        scores.show(found, sentences)


def _print_several(plan: EvaluationPlan, entries: Sequence[Entry], folder: Path | None, as_json: bool) -> None:
    from inkwash.cli.tables import scores
    from inkwash.evaluation.comparison import Comparison

    comparison = Comparison(tuple(entries), plan.key)
    if folder is not None:
        from inkwash.evaluation.report import comparison_page

        comparison_page.write(comparison, folder, plan.metadata())
    if as_json:
        found = [entry.evaluation.to_dict() for entry in entries]
        print(json.dumps({"entries": found, "rows": comparison.rows(), "sentence": comparison.sentence}, indent=2))
    else:
        scores.compare(comparison)
