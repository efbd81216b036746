"""A run of `inkwash train`: started or resumed as requested, and trained to its end or until it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from inkwash import checks
from inkwash.checks import ema_warmup
from inkwash.cli.progress import display
from inkwash.cli.signals import stop_on_signal
from inkwash.config import recipe
from inkwash.config.inherited import SECTIONS, require_own_fields
from inkwash.config.lengths import Length
from inkwash.distributed.process_group import ProcessGroup
from inkwash.distributed.torchrun import may_restart, restarted
from inkwash.errors import UsageError
from inkwash.runs.resume import learning_rate_change, process_count_change, resume
from inkwash.runs.run import Run
from inkwash.runs.start import created_by_this_launch, is_run, start
from inkwash.text.bars import stages
from inkwash.text.printing import print, quoted
from inkwash.training.events import Planned


@dataclass(frozen=True)
class TrainRequest:
    """A recipe or run folder `what` and the flags that were given, None for those that were not.

    `changes` of the recipe are written as for --set; `new_run_flags` are the names of flags that only a new run has;
    `pretrained` is the model that a new run starts from.
    """

    what: str
    data: str | None
    out: Path | None
    changes: tuple[str, ...]
    length: Length | None
    new_run_flags: tuple[str, ...]
    pretrained: str | None = None


@dataclass(frozen=True)
class TrainPrinter:
    """What is printed on stderr: with `quiet` nothing, with `as_json` warnings only."""

    quiet: bool
    as_json: bool

    @property
    def silent(self) -> bool:
        """Whether only events, warnings and errors are printed."""
        return self.quiet or self.as_json

    def warn(self, text: str | None) -> None:
        """Print a warning, unless it is None or empty."""
        if text and not self.quiet:
            print(f"warning: {text}", file=sys.stderr)

    def note(self, text: str | None) -> None:
        """Print a line, unless it is None or empty."""
        if text and not self.silent:
            print(text, file=sys.stderr)


def parse_length(amounts: Mapping[str, float | None]) -> Length | None:
    """Return the length that one of the flags of `amounts` by unit gives, None without one.

    Raises `UsageError` for several, and for an amount that is not above 0.
    """
    given = {unit: amount for unit, amount in amounts.items() if amount is not None}
    if len(given) > 1:
        message = f"{' and '.join(f'--{unit}' for unit in given)} exclude each other: give one length"
        raise UsageError(message, code="conflict", field=next(iter(given)))
    for unit, amount in given.items():
        if not amount > 0:
            raise UsageError(f"--{unit} is {amount:g}: it must be above 0", code="out-of-range", field=unit)
        return Length(amount, unit)
    return None


def prepare(
    request: TrainRequest, device: torch.device, process_group: ProcessGroup, start_time: float, printer: TrainPrinter
) -> Run:
    """Return the run to train, started or resumed as requested, and print which."""
    what, out = request.what, request.out
    if may_restart() and out is None and not is_run(what):
        message = "torchrun may restart this run and needs its folder: give --out FOLDER"
        raise UsageError(message, code="missing-field", field="out")
    if restarted() and out is not None and created_by_this_launch(out, process_group):
        run = resume(out, request.data, None, device, process_group=process_group, since=start_time)
        printer.note(f"restarted: resuming {out} from step {run.trainer.state.progress.step:,}")
        _print_differences(run, printer)
        return run
    if not is_run(what):
        return _start(request, device, process_group, start_time, printer)
    if request.new_run_flags:
        name = request.new_run_flags[0]
        flag = f"--{name.replace('_', '-')}"
        message = f"{flag} has no effect on the run folder {what}: a resumed run keeps its own recipe"
        raise UsageError(message, code="no-effect", field=name)
    run = resume(what, request.data, request.length, device, process_group=process_group, since=start_time)
    total = "" if run.trainer.total is None else f" of {run.trainer.total:,}"
    printer.note(f"resuming {what} from step {run.trainer.state.progress.step:,}{total}")
    _print_differences(run, printer)
    return run


def _print_differences(run: Run, printer: TrainPrinter) -> None:
    """Print in what a resumed run differs from one that was never interrupted."""
    printer.warn(run.fallback_reason)
    printer.note(process_count_change(run))
    printer.note(learning_rate_change(run))


def _start(
    request: TrainRequest, device: torch.device, process_group: ProcessGroup, start_time: float, printer: TrainPrinter
) -> Run:
    """Return a new run, and print its folder and the warnings about its recipe and data."""
    if request.what not in recipe.bundled() and Path(request.what).is_dir():
        given = f"--data {quoted(request.what)}"
        message = f"{request.what} is a folder without recipe.toml: name a run folder, a recipe, or {given}"
        raise UsageError(message, code="wrong-file", field="recipe")
    if request.pretrained is not None:
        require_own_fields(change.partition("=")[0].strip() for change in request.changes)
    chosen = recipe.load(request.what).with_changes(request.changes)
    if request.length is not None:
        chosen = recipe.with_length(chosen, request.length)
    with stages(printer.silent) as reading:
        run = start(
            chosen,
            request.data,
            request.out,
            device,
            since=start_time,
            process_group=process_group,
            reading=reading,
            pretrained=request.pretrained,
        )
    if printer.quiet:
        return run
    trainer = run.trainer
    printer.note(f"{trainer.recipe.name} on {trainer.spec.data} into {run.folder.path}")
    printer.note(run.short_reason)
    if request.pretrained is not None:
        changed = recipe.changed_sections(chosen.to_dict(), trainer.recipe.to_dict())
        replaced = [name for name in SECTIONS if name in changed]
        kind = f": {trainer.recipe.network.kind}" if "network" in replaced else ""
        if replaced:
            printer.note(f"{', '.join(replaced)}: those of {request.pretrained}, not of the recipe {chosen.name}{kind}")
        printer.note(trainer.class_changes)
    for topic, text in checks.check_training(trainer, chosen, request.pretrained):
        printer.warn(f"{topic}: {text}")
    return run


def run_to_end(run: Run, printer: TrainPrinter) -> int:
    """Train `run` to its end or until it is stopped, and return the exit code."""
    trainer = run.trainer
    with stop_on_signal(trainer), display(trainer, printer.quiet, printer.as_json) as show:
        for event in run.train():
            show(event)
            if isinstance(event, Planned) and event.first:
                short = ema_warmup.check_final_ema(trainer.recipe, trainer.spec)
                printer.warn(event.warning and f"length: {event.warning}")
                printer.warn(short and f"EMA: {short}")
    if trainer.stopping and not trainer.complete:
        step = trainer.state.progress.step
        printer.note(f"stopped and saved at step {step:,}; resume with: inkwash train {quoted(run.folder.path)}")
        return 130
    printer.note(f"done: see {run.folder.path}/card.md and {run.folder.path}/samples")
    printer.note(f"sample from it: inkwash sample {quoted(run.folder.path)}")
    return 0
