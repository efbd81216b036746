"""`inkwash evaluate`: measure a model or a file of images; measure several side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash.cli.parameters import (
    Count,
    DataRange,
    Device,
    Eta,
    Flag,
    Integer,
    Json,
    Plugin,
    Quiet,
    ScheduleName,
    Temperature,
    Threads,
    parse_schedule,
)
from inkwash.config import plugins
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.evaluation.plan import EvaluationRequest


def evaluate(
    what: str,
    /,
    *others: str,
    n: Count = None,
    sampler: str | None = None,
    guidance: Annotated[str | None, Parameter(name=["--guidance", "-w"])] = None,
    eta: Eta = None,
    temperature: Temperature = 1.0,
    schedule: ScheduleName = None,
    precision: str = "float32",
    data: str | None = None,
    range_: DataRange = None,
    crop: Integer | None = None,
    invert: Flag = False,
    judge: str | None = None,
    judges: str | None = None,
    bits: Flag = False,
    thorough: Flag = False,
    report: Path | None = None,
    device: Device = "auto",
    threads: Threads = None,
    with_: Plugin = None,
    processes: Integer | None = None,
    quiet: Annotated[Quiet, Parameter(help="Print the table only, no progress.")] = False,
    json_: Json = False,
) -> int:
    """Measure a model, or a file or folder of images, each figure beside that of real images; several are compared.

    Parameters
    ----------
    what
        A bundled model (listed by 'inkwash show'), a run folder, a checkpoint file, or samples of any program: a folder of
        single images (as sample -o FOLDER writes), a file of arrays, a table or an archive.
    others
        Further models or files to compare.
    n
        Images to sample and score per setting, 200 or more for FD. Default: 10,000, or 1,000 where a sampler needs more
        than 100 network evaluations; all images of a file.
    sampler
        One or several to compare, as in ddim:50,dpm++2m:10. Default: the recipe's.
    guidance
        One or several weights of classifier-free guidance, as in 1,1.5; 1 means no guidance. Default: the recipe's.
    precision
        float32, bfloat16, or auto (bfloat16 where it is faster).
    data
        The model's training data, by name or path: adds the measures that need it. Default: the data set
        named in the model, if it is on this machine.
    crop
        Crop or pad the images of files to the central N by N pixels, as MNIST padded to 32 to --crop 28.
    invert
        Invert the images of files, for dark ink on light paper.
    judge
        Other data to compare with, by name or path; feature extractors (judges) are trained on it once, in minutes.
    judges
        Some of the feature extractors (judges), as in a,c. Default: all.
    bits
        Also compute an upper bound of the negative log-likelihood of the test images, in bits per dimension; needs the data.
    thorough
        Also compute C2ST (classifier two-sample test) and TSTR (train on synthetic, test on real); needs the data.
    report
        A folder for a page with images (index.html), CSV and plots.
    processes
        Number of processes on this machine that share the sampling. Default: 1.
    """
    plugins.load(with_)
    from inkwash.distributed import torchrun
    from inkwash.evaluation.plan import EvaluationRequest, parse_guidance, split_list
    from inkwash.hardware import devices
    from inkwash.sampling.request import SampleRequest

    devices.configure(threads)
    request = EvaluationRequest(
        (what, *others),
        n,
        split_list(sampler),
        parse_guidance(guidance),
        SampleRequest(eta=eta, temperature=temperature, schedule=parse_schedule(schedule), precision=precision),
        data,
        judge,
        judges,
        tuple(name for name, given in (("bits", bits), ("thorough", thorough)) if given),
        device,
        range_,
        crop,
        invert,
    )
    with torchrun.join(devices.device(device)) as group:
        if group.is_main:
            return _run(request, report, group, quiet or json_, json_)
        return _sample_shards(request, group)


def _sample_shards(request: EvaluationRequest, process_group: ProcessGroup) -> int:
    """Sample as one of several processes; the main one measures."""
    from inkwash.evaluation.sample_cache import sample_shard

    with process_group.main_first():
        plan = request.plan()
    plan.require_shares(process_group)
    for task in plan.tasks:
        sample_shard(task.caches(plan.reference), process_group)
    return 0


def _run(
    request: EvaluationRequest, folder: Path | None, process_group: ProcessGroup, silent: bool, as_json: bool
) -> int:
    from inkwash.cli.tables import scores
    from inkwash.evaluation.report import require_report_folder
    from inkwash.evaluation.sample_cache import sample_shard
    from inkwash.text.bars import counter, stages

    with process_group.main_first():
        if folder is not None:
            require_report_folder(folder)
        with stages(silent, every=True) as stage:
            plan = request.plan(stage)
    plan.require_shares(process_group)
    if not silent:
        scores.announce(plan)
    entries = []
    try:
        for task in plan.tasks:
            if not process_group.is_single:
                caches = task.caches(plan.reference)
                with counter(sum(n for _, n in caches), f"{task.name}, this process's share", silent) as done:
                    sample_shard(caches, process_group, done)
            with counter(task.count, task.name, silent) as done, stages(silent) as stage:
                entries.append(task.run(plan.reference, plan.optional_metrics, done, stage))
    except KeyboardInterrupt:
        print("stopped; finished samples are cached, and the same command resumes", file=sys.stderr)
        return 130
    (scores.show_one if len(entries) == 1 else scores.show_several)(plan, entries, folder, as_json)
    if folder is not None and not silent:
        print(f"report: {folder / 'index.html'}", file=sys.stderr)
    return 0
