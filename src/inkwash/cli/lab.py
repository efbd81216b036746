"""`inkwash lab`: what there is to be tested, and one experiment from training to verdict."""

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
    from inkwash.lab.runner import Work
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
        Your run folder or model, in place of the one model that all variants of an experiment share.
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

    known = EXPERIMENTS | _own(with_)
    if name is None:
        given = {"--out": out, "-n": n, "--data": data, "--length": length, "--run": run}
        useless = [flag for flag, value in given.items() if value is not None]
        if useless:
            raise UsageError(f"{useless[0]} has no effect without the name of an experiment: one of {', '.join(known)}")
        if is_main_process():
            _list(known, json_)
        return 0
    from inkwash import model
    from inkwash.distributed import process_group
    from inkwash.errors import unknown_name
    from inkwash.hardware import devices
    from inkwash.lab.folder import Request
    from inkwash.lab.runner import prepare

    if name not in known:
        if name in model.bundled() or (Path(name) / "recipe.toml").is_file():
            raise UsageError(f"{name} is a model, not an experiment: inkwash lab EXPERIMENT --run {name}")
        raise unknown_name("experiment", name, known)
    devices.configure(threads)
    place = out or Path("lab") / name
    with process_group.join(devices.device(device)) as group:
        silent = quiet or json_ or not group.is_main
        watch = _watch(silent)
        try:
            with _ended_like_interrupted():
                work = prepare(known[name], Request(name, n, data, length, run), place, device, watch, group)
                if not silent:
                    _announce(work)
                if not group.is_main:
                    work.share(watch)
                    return 0
                results, verdict = work.run(watch)
        except KeyboardInterrupt:
            if group.is_main:
                print("stopped; finished parts are kept, and the same command resumes", file=sys.stderr)
            return 130
    if json_:
        print(work.folder.results.read_text(encoding="utf-8"), end="")
    else:
        _tell(work, results, verdict, quiet)
    return 0


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """SIGTERM does what Ctrl-C does: a run in training saves before it ends."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _own(file: Path | None) -> dict[str, Experiment]:
    """The experiment that the user's file defines as EXPERIMENT, if it does."""
    from inkwash.config import plugins
    from inkwash.lab import Experiment

    module = None if file is None else sys.modules.get(f"{plugins.PREFIX}{file.stem}")
    found = getattr(module, "EXPERIMENT", None)
    if found is None:
        return {}
    if not isinstance(found, Experiment):
        raise UsageError(f"--with {file}: EXPERIMENT is a {type(found).__name__}: make it an inkwash.lab.Experiment")
    return {found.name: found}


def _list(known: dict[str, Experiment], as_json: bool) -> None:
    from inkwash.lab.card import claim

    if as_json:
        told = [
            {
                "name": each.name,
                "claimed_by": each.claimed_by,
                "hypothesis": each.hypothesis,
                "objective": each.objective,
            }
            for each in known.values()
        ]
        print(json.dumps(told, indent=2))
        return
    from rich.table import Table

    from inkwash.cli.console import Console

    table = Table(box=None, show_header=False, pad_edge=False)
    for each in known.values():
        table.add_row(each.name, claim(each))
    console = Console(highlight=False, emoji=False)
    console.print(table)
    console.print("\ninkwash lab NAME runs one", markup=False)


def _announce(work: Work) -> None:
    from inkwash.evaluation.formatting import span

    training, drawing = work.seconds()
    tasks = {"training": training, f"sampling {work.count:,} images per variant": drawing}
    parts = [f"{task} takes about {span(seconds)}" for task, seconds in tasks.items() if seconds]
    told = f"{', '.join(parts)}; Ctrl-C loses little" if parts else "all samples exist"
    print(f"{work.experiment.name} into {work.folder.path}: {told}", file=sys.stderr)


def _tell(work: Work, results: Results, verdict: Verdict, quiet: bool) -> None:
    from inkwash.cli.console import Console
    from inkwash.cli.tables import experiments
    from inkwash.lab.card import claim

    console = Console(highlight=False, emoji=False)
    if not quiet:
        experiments.show(results)
    tested = claim(work.experiment, work.request.run)
    console.print(f"{tested}\n{verdict.outcome}: {verdict.words}", markup=False, soft_wrap=True)
    if not quiet:
        print(f"card: {work.folder.card}", file=sys.stderr)


def _watch(silent: bool) -> Any:
    from inkwash.cli.progress import bar, counter, plain_lines, stages
    from inkwash.lab.measurement import Watch

    class Heard(Watch):
        """Says nothing; a run that is asked to stop saves before it ends."""

        @contextmanager
        def training(self, run: Run) -> Iterator[Callable[[Any], object]]:
            with stop_on_signal(run.trainer), self.steps(run.trainer) as show:
                yield show

        def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
            return nullcontext(lambda event: None)

    class Shown(Heard):
        """Bars on a terminal, lines in a log."""

        def say(self, text: str) -> None:
            print(text, file=sys.stderr)

        def steps(self, trainer: Trainer) -> AbstractContextManager[Callable[[Any], object]]:
            return bar(trainer) if sys.stderr.isatty() else nullcontext(plain_lines(trainer))

        def drawing(self, name: str, count: int) -> AbstractContextManager[Callable[[float], object]]:
            return counter(count, name)

        def judging(self) -> AbstractContextManager[Callable[[str, float], object]]:
            return stages()

    return Heard() if silent else Shown()
