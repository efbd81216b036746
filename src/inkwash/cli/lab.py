"""`inkwash lab`: list the experiments, or run one from training to verdict."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from inkwash.cli.parameters import Count, DataRange, Device, Integer, Json, Out, Plugin, Quiet, Threads
from inkwash.config import plugins
from inkwash.errors import UsageError, is_main_process
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.lab import Experiment, Results, Verdict
    from inkwash.lab.run import LabRun


def lab(
    name: str | None = None,
    /,
    *,
    out: Out = None,
    n: Count = None,
    data: str | None = None,
    range_: DataRange = None,
    length: str | None = None,
    run: str | None = None,
    device: Device = "auto",
    threads: Threads = None,
    processes: Integer | None = None,
    with_: Annotated[Plugin, Parameter(help="Your own Python file that defines an experiment as EXPERIMENT.")] = None,
    quiet: Annotated[Quiet, Parameter(help="Print the verdict only, no progress.")] = False,
    json_: Json = False,
) -> int:
    """List the experiments, or test one claim: train, sample, measure, and write a card with the verdict.

    Parameters
    ----------
    name
        The experiment. Default: list them all with their claims.
    out
        The folder of card, results and figures. Default: lab/NAME.
    n
        Images per variant, at least 200. Default: the experiment's, 1,000 or fewer.
    data
        Data to train on and to score against, by name or path; a bundled model of other data is retrained on it.
    length
        How long each model is trained, the same for all, as in "60000 images", "2 epochs" or "5 minutes".
    run
        Your run folder or model, in place of the model that all variants of the experiment share.
    processes
        Number of processes on this machine that share training and sampling. Default: 1.
    """
    plugins.load(with_)
    from inkwash.lab import EXPERIMENTS

    experiments = EXPERIMENTS | _from_file(with_)
    if name is None:
        given = {"--out": out, "-n": n, "--data": data, "--length": length, "--run": run, "--range": range_}
        given |= {"--threads": threads, "--device": None if device == "auto" else device, "--quiet": quiet or None}
        unused = [flag for flag, value in given.items() if value is not None]
        if unused:
            raise UsageError(
                f"{unused[0]} needs the name of an experiment: one of {', '.join(experiments)}",
                code="missing-field",
                field="experiment",
            )
        if is_main_process():
            from inkwash.cli.tables.experiments import show_list

            show_list(experiments, json_)
        return 0
    from inkwash import model
    from inkwash.cli.lab_reporter import LabReporter, PrintingLabReporter
    from inkwash.distributed import torchrun
    from inkwash.errors import unknown_name
    from inkwash.hardware import devices
    from inkwash.lab.folder import LabRequest
    from inkwash.lab.run import prepare
    from inkwash.text.printing import quoted

    if range_ is not None and data is None:
        raise UsageError("--range has no effect without --data: give both", code="missing-field", field="data")
    if name not in experiments:
        if name in model.bundled() or (Path(name) / "recipe.toml").is_file():
            raise UsageError(
                f"{name} is a model, not an experiment: inkwash lab EXPERIMENT --run {quoted(name)}",
                code="unknown-name",
                field="experiment",
            )
        raise unknown_name("experiment", name, experiments)
    devices.configure(threads)
    request = LabRequest(name, n, data, length, run, value_range=range_)
    with torchrun.join(devices.device(device)) as group:
        silent = quiet or json_ or not group.is_main
        progress = LabReporter() if silent else PrintingLabReporter()
        try:
            with _sigterm_as_interrupt():
                lab_run = prepare(experiments[name], request, out or Path("lab") / name, device, progress, group)
                if not silent:
                    _announce(lab_run)
                if not group.is_main:
                    lab_run.train_and_sample(progress)
                    return 0
                results, verdict = lab_run.run(progress)
        except KeyboardInterrupt:
            if group.is_main:
                print("stopped; finished parts are kept, and the same command resumes", file=sys.stderr)
            return 130
    if json_:
        print(lab_run.folder.results.read_text(encoding="utf-8"), end="")
    else:
        _print(lab_run, results, verdict, quiet)
    return 0


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Handle SIGTERM as Ctrl-C, so that a run in training is saved before the process ends."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _from_file(file: Path | None) -> dict[str, Experiment]:
    """Return the experiment that the user's file defines as EXPERIMENT, if any."""
    from inkwash.config import plugins
    from inkwash.lab import Experiment

    module = None if file is None else sys.modules.get(f"{plugins.PREFIX}{file.stem}")
    found = getattr(module, "EXPERIMENT", None)
    if found is None:
        return {}
    if not isinstance(found, Experiment):
        raise UsageError(
            f"--with {file}: EXPERIMENT is a {type(found).__name__}: make it an inkwash.lab.Experiment",
            code="invalid-value",
            field="with",
        )
    return {found.name: found}


def _announce(lab_run: LabRun) -> None:
    from inkwash.text.durations import format_duration

    training, sampling = lab_run.estimated_seconds()
    tasks = {"training": training, f"sampling {lab_run.count:,} images per variant": sampling}
    parts = [f"{task} takes about {format_duration(seconds)}" for task, seconds in tasks.items() if seconds]
    text = f"{', '.join(parts)}; an interrupted command resumes" if parts else "all samples exist"
    print(f"{lab_run.experiment.name} into {lab_run.folder.path}: {text}", file=sys.stderr)


def _print(lab_run: LabRun, results: Results, verdict: Verdict, quiet: bool) -> None:
    from inkwash.cli.tables import experiments
    from inkwash.text.console import Console

    if not quiet:
        experiments.show_results(results)
    claim = lab_run.experiment.claim(lab_run.request.run)
    Console().print(f"{claim}\n{verdict.outcome}: {verdict.words}", soft_wrap=True)
    if not quiet:
        print(f"card: {lab_run.folder.card}", file=sys.stderr)
