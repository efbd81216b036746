"""`inkwash lab`: list the experiments, or run one from training to verdict."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from inkwash.cli.parameters import Whole
from inkwash.cli.signals import stop_on_signal
from inkwash.config import plugins
from inkwash.errors import UsageError, is_main_process
from inkwash.text.printing import print

if TYPE_CHECKING:
    from inkwash.lab import Experiment, Results, Verdict
    from inkwash.lab.measures import LabProgress
    from inkwash.lab.run import LabRun
    from inkwash.runs.run import Run
    from inkwash.training.trainer import Trainer


def lab(
    name: str | None = None,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    n: Annotated[Whole | None, Parameter(name=["-n", "--count"])] = None,
    data: str | None = None,
    length: str | None = None,
    run: str | None = None,
    device: str = "auto",
    threads: Whole | None = None,
    processes: Whole | None = None,
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """List the experiments, or test one claim: train, sample, measure, and write a card with the verdict.

    Examples: inkwash lab. Or: inkwash lab steps-vs-quality -n 1000. Or: inkwash lab schedules --data ../mnist --length
    "5 minutes". The same command resumes an interrupted experiment.

    Parameters
    ----------
    name
        The experiment. Default: list them all with their claims.
    out
        The folder of card, results and pictures. Default: lab/NAME.
    n
        Images per variant, at least 200. Default: the experiment's, 1,000 or fewer.
    data
        Data to train on and to score against, by name or path; a bundled model of other data is retrained on it.
    length
        How long each model is trained, the same for all, as in "60000 images", "2 epochs" or "5 minutes".
    run
        Your run folder or model, in place of the model that all variants of the experiment share.
    device
        auto, cpu, cuda or mps.
    threads
        CPU threads to compute with, at least 1. Default: one a core; fewer are faster where other programs use the cores.
    processes
        Number of processes on this machine that share training and sampling. Default: 1.
    with_
        Your own Python file with an experiment: it defines EXPERIMENT, or adds a row to inkwash.lab.EXPERIMENTS.
    quiet
        Print the verdict only, no progress.
    json_
        Print JSON, for programs.
    """
    plugins.load(with_)
    from inkwash.lab import EXPERIMENTS

    experiments = EXPERIMENTS | _from_file(with_)
    if name is None:
        given = {"--out": out, "-n": n, "--data": data, "--length": length, "--run": run}
        unused = [flag for flag, value in given.items() if value is not None]
        if unused:
            raise UsageError(
                f"{unused[0]} needs the name of an experiment: one of {', '.join(experiments)}",
                code="missing-field",
                field="name",
            )
        if is_main_process():
            _list(experiments, json_)
        return 0
    from inkwash import model
    from inkwash.distributed import torchrun
    from inkwash.errors import unknown_name
    from inkwash.hardware import devices
    from inkwash.lab.folder import LabRequest
    from inkwash.lab.run import prepare

    if name not in experiments:
        if name in model.bundled() or (Path(name) / "recipe.toml").is_file():
            raise UsageError(
                f"{name} is a model, not an experiment: inkwash lab EXPERIMENT --run {name}",
                code="unknown-name",
                field="experiment",
            )
        raise unknown_name("experiment", name, experiments)
    devices.configure(threads)
    request = LabRequest(name, n, data, length, run)
    with torchrun.join(devices.device(device)) as group:
        silent = quiet or json_ or not group.is_main
        progress = _progress(silent)
        try:
            with _terminated_like_interrupted():
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
def _terminated_like_interrupted() -> Iterator[None]:
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


def _list(experiments: dict[str, Experiment], as_json: bool) -> None:
    if as_json:
        keys = ("name", "claimed_by", "hypothesis", "objective")
        print(json.dumps([{key: getattr(each, key) for key in keys} for each in experiments.values()], indent=2))
        return
    from rich.table import Table

    from inkwash.cli.console import Console

    table = Table(box=None, show_header=False, pad_edge=False)
    for each in experiments.values():
        table.add_row(each.name, each.claim())
    console = Console()
    console.print(table)
    console.print("\ninkwash lab NAME runs one")


def _announce(lab_run: LabRun) -> None:
    from inkwash.text.durations import format_duration

    training, sampling = lab_run.estimated_seconds()
    tasks = {"training": training, f"sampling {lab_run.count:,} images per variant": sampling}
    parts = [f"{task} takes about {format_duration(seconds)}" for task, seconds in tasks.items() if seconds]
    text = f"{', '.join(parts)}; Ctrl-C loses little" if parts else "all samples exist"
    print(f"{lab_run.experiment.name} into {lab_run.folder.path}: {text}", file=sys.stderr)


def _print(lab_run: LabRun, results: Results, verdict: Verdict, quiet: bool) -> None:
    from inkwash.cli.console import Console
    from inkwash.cli.tables import experiments

    if not quiet:
        experiments.show(results)
    claim = lab_run.experiment.claim(lab_run.request.run)
    Console().print(f"{claim}\n{verdict.outcome}: {verdict.words}", soft_wrap=True)
    if not quiet:
        print(f"card: {lab_run.folder.card}", file=sys.stderr)


def _progress(silent: bool) -> LabProgress:
    from inkwash.cli.progress import bar, counter, plain_lines, stages
    from inkwash.lab.measures import LabProgress

    class Stoppable(LabProgress):
        """Reports nothing; a run in training is saved when it is interrupted."""

        @contextmanager
        def training(self, run: Run) -> Iterator[Callable[[Any], object]]:
            with stop_on_signal(run.trainer), self.steps(run.trainer) as report:
                yield report

        def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
            return nullcontext(lambda event: None)

    class Shown(Stoppable):
        """Bars on a terminal, lines in a log."""

        def message(self, text: str) -> None:
            print(text, file=sys.stderr)

        def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
            return bar(trainer) if sys.stderr.isatty() else nullcontext(plain_lines(trainer))

        def sampling(self, name: str, count: int) -> AbstractContextManager[Callable[[float], object]]:
            return counter(count, name)

        def measuring(self) -> AbstractContextManager[Callable[[str, float], object]]:
            return stages()

    return Stoppable() if silent else Shown()
