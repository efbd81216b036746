"""`inkwash train`: start a run from a recipe, or resume a run folder."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from inkwash.cli.parameters import Device, Integer, Json, Out, Plugin, Quiet, Threads
from inkwash.cli.signals import stop_on_signal
from inkwash.config import plugins
from inkwash.errors import UsageError
from inkwash.text.printing import print

if TYPE_CHECKING:
    import torch

    from inkwash.config.lengths import Length
    from inkwash.config.recipe import Recipe
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.runs.run import Run


def train(
    what: str,
    /,
    *,
    data: str | None = None,
    out: Out = None,
    set_: Annotated[tuple[str, ...], Parameter(name=["--set", "-s"], negative=())] = (),
    steps: Integer | None = None,
    epochs: float | None = None,
    images: float | None = None,
    minutes: float | None = None,
    seed: Integer | None = None,
    size: Integer | None = None,
    checkpoint_every: str | None = None,
    keep: Integer | None = None,
    processes: Integer | None = None,
    device: Device = "auto",
    threads: Threads = None,
    with_: Plugin = None,
    quiet: Quiet = False,
    json_: Annotated[Json, Parameter(help="Print one JSON line per event instead of a progress bar.")] = False,
) -> int:
    """Train a recipe into a new run folder, or resume a run folder from its latest checkpoint.

    Parameters
    ----------
    what
        A bundled recipe (listed by 'inkwash show'), a recipe file NAME.toml, or a run folder.
    data
        A data set's name or a path: IDX folder, folder of images, .npy, .npz. Default: the recipe's.
    out
        The run folder to make. Default: runs/NAME-1, or the next free number.
    set_
        Change a field of the recipe, as in --set optimizer.lr=1e-3; may be given again.
    steps
        Length in steps of one batch, at least 1; for a resumed run the total length, as with the other units.
    epochs
        Length in passes over the train set, above 0.
    images
        Length in images seen, above 0.
    minutes
        Wall time in minutes from start to end of this command. The number of steps is estimated from timed steps and
        updated during the run.
    seed
        Random seed of the run, 0 or more.
    size
        Resize images to this height and width in pixels.
    checkpoint_every
        Interval of validation and checkpoints, as "500 steps" or "1 epoch".
    keep
        Keep the newest N milestone checkpoints, besides latest and best. Default: all.
    processes
        Number of processes on this machine that share every batch, started by torchrun's launcher. Default: 1.
    """
    begun = time.perf_counter()
    given = {"--data": data, "--out": out, "--set": set_, "--steps": steps, "--epochs": epochs, "--images": images}
    given |= {"--minutes": minutes, "--seed": seed, "--size": size, "--checkpoint-every": checkpoint_every}
    given |= {"--keep": keep}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Before torch is imported: its warnings about processes are for authors of such programs.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    plugins.load(with_)
    from inkwash.distributed import torchrun
    from inkwash.hardware import devices
    from inkwash.runs.start import completed_by_this_launch

    devices.configure(threads)
    place = devices.device(device)
    with torchrun.join(place) as group:
        quiet, json_ = quiet or not group.is_main, json_ and group.is_main
        if torchrun.restarted() and out is not None and completed_by_this_launch(out, group):
            # One of the processes failed after the last checkpoint was written.
            return 0
        return _train(_prepared(what, given, place, group, begun, quiet, json_), quiet, json_)


def _prepared(
    what: str,
    given: dict[str, Any],
    device: torch.device,
    process_group: ProcessGroup,
    begun: float,
    quiet: bool,
    as_json: bool,
) -> Run:
    """Return the run to train, started or resumed as the flags in `given` specify, and print what is done."""
    from inkwash.config import recipe
    from inkwash.distributed.torchrun import may_restart, restarted
    from inkwash.runs.resume import resume
    from inkwash.runs.start import created_by_this_launch, is_run

    silent = quiet or as_json
    length = _length({unit: given[f"--{unit}"] for unit in ("steps", "epochs", "images", "minutes")})
    if may_restart() and given["--out"] is None and not is_run(what):
        raise UsageError(
            "torchrun may restart this run and needs its folder: give --out FOLDER", code="missing-field", field="out"
        )
    if restarted() and given["--out"] is not None and created_by_this_launch(given["--out"], process_group):
        run = resume(given["--out"], given["--data"], None, device, process_group=process_group, since=begun)
        _print(silent, f"restarted: resuming {given['--out']} from step {run.trainer.state.progress.step:,}")
        _print_resumed(run, quiet, silent)
        return run
    if is_run(what):
        fixed = ("--out", "--set", "--seed", "--size", "--checkpoint-every", "--keep")
        useless = [name for name in fixed if given[name] not in (None, ())]
        if useless:
            raise UsageError(
                f"{useless[0]} has no effect on the run folder {what}: a resumed run keeps its own recipe",
                code="no-effect",
                field=useless[0].lstrip("-").replace("-", "_"),
            )
        run = resume(what, given["--data"], length, device, process_group=process_group, since=begun)
        until = "" if run.trainer.total is None else f" of {run.trainer.total:,}"
        _print(silent, f"resuming {what} from step {run.trainer.state.progress.step:,}{until}")
        _print_resumed(run, quiet, silent)
        return run
    if what not in recipe.bundled() and Path(what).is_dir():
        raise UsageError(
            f"{what} is a folder without recipe.toml: name a run folder, a recipe, or --data {what}",
            code="wrong-file",
            field="recipe",
        )
    chosen = recipe.load(what).with_changes(_changes(given))
    if length is not None:
        chosen = recipe.with_length(chosen, length)
    return _started(chosen, given, device, process_group, begun, quiet, silent)


def _print_resumed(run: Run, quiet: bool, silent: bool) -> None:
    """Print in what a resumed run differs from one that was never interrupted."""
    from inkwash.runs.resume import learning_rate_change, process_count_change

    _print(quiet, run.fallback_reason and f"warning, {run.fallback_reason}")
    _print(silent, process_count_change(run))
    _print(silent, learning_rate_change(run))


def _started(
    recipe: Recipe,
    given: dict[str, Any],
    device: torch.device,
    process_group: ProcessGroup,
    begun: float,
    quiet: bool,
    silent: bool,
) -> Run:
    """Return a new run of `recipe`, and print where it is written and what is likely to go wrong."""
    from inkwash import checks
    from inkwash.cli.progress import stages
    from inkwash.runs.start import start

    with stages(silent) as reading:
        places = given["--data"], given["--out"]
        run = start(recipe, *places, device, since=begun, process_group=process_group, reading=reading)
    if quiet:
        return run
    trainer = run.trainer
    _print(silent, f"{trainer.recipe.name} on {trainer.spec.data} into {run.folder.path}")
    if recipe.network.conditional and not trainer.conditional:
        _print(quiet, f"warning, labels: {trainer.spec.data} has none: the network is not conditioned on labels")
    warnings = checks.check_recipe(trainer.recipe, trainer.spec, trainer.state.net) + checks.check_data(trainer.data)
    for about, text in warnings:
        _print(quiet, f"warning, {about}: {text}")
    return run


def _changes(given: dict[str, Any]) -> list[str]:
    """Return the changes of the recipe by the flags in `given`, written as for --set."""
    changes = [*given["--set"]]
    changes += [] if given["--seed"] is None else [f"training.seed={given['--seed']}"]
    changes += [] if given["--size"] is None else [f"data.size={given['--size']}"]
    every = given["--checkpoint-every"]
    changes += [] if every is None else [f'training.checkpoint_every="{every}"']
    changes += [] if given["--keep"] is None else [f"training.keep={given['--keep']}"]
    return changes


def _length(given: dict[str, float | None]) -> Length | None:
    from inkwash.config.lengths import Length

    named = {unit: amount for unit, amount in given.items() if amount is not None}
    if len(named) > 1:
        raise UsageError(
            f"{' and '.join(f'--{unit}' for unit in named)} exclude each other: give one length",
            code="conflict",
            field=next(iter(named)),
        )
    for unit, amount in named.items():
        if not amount > 0:
            raise UsageError(f"--{unit} is {amount:g}: it must be above 0", code="out-of-range", field=unit)
        return Length(amount, unit)
    return None


def _train(run: Run, quiet: bool, as_json: bool) -> int:
    """Train `run` to its end or until it is stopped, and return the exit code."""
    from inkwash.checks import ema_warmup
    from inkwash.cli.progress import display
    from inkwash.training.events import Planned

    trainer = run.trainer
    with stop_on_signal(trainer), display(trainer, quiet, as_json) as show:
        for event in run.train():
            show(event)
            if isinstance(event, Planned) and event.first:
                young = ema_warmup.check_final_ema(trainer.recipe, trainer.spec)
                _print(quiet, event.warning and f"warning, length: {event.warning}")
                _print(quiet, young and f"warning, EMA: {young}")
    step, silent = trainer.state.progress.step, quiet or as_json
    if trainer.stopping and not trainer.complete:
        _print(silent, f"stopped and saved at step {step:,}; resume with: inkwash train {run.folder.path}")
        return 130
    _print(silent, f"done: see {run.folder.path}/card.md and {run.folder.path}/samples")
    _print(silent, f"sample from it: inkwash sample {run.folder.path}")
    return 0


def _print(silent: bool, text: str | None) -> None:
    if text and not silent:
        print(text, file=sys.stderr)
