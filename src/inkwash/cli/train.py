"""`inkwash train`: start a run from a recipe, or resume a run folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from inkwash.cli.parameters import Whole
from inkwash.cli.signals import stop_on_signal
from inkwash.config import plugins
from inkwash.errors import InkwashError, UsageError
from inkwash.text.printing import print

if TYPE_CHECKING:
    import torch

    from inkwash.config.lengths import Length
    from inkwash.distributed.process_group import ProcessGroup
    from inkwash.runs.training_run import Run


def train(
    what: str,
    /,
    *,
    data: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    set_: Annotated[tuple[str, ...], Parameter(name=["--set", "-s"], negative=())] = (),
    steps: Whole | None = None,
    epochs: float | None = None,
    images: float | None = None,
    minutes: float | None = None,
    seed: Whole | None = None,
    size: Whole | None = None,
    checkpoint_every: str | None = None,
    keep: Whole | None = None,
    processes: Whole | None = None,
    device: str = "auto",
    threads: Whole | None = None,
    with_: Annotated[Path | None, Parameter(name="--with")] = None,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative=())] = False,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Train a recipe into a new run folder, or resume a run folder from its latest checkpoint.

    Examples: inkwash train fast --data ../shared/mnist --minutes 3. Or: inkwash train runs/fast-1 --minutes 2.

    Parameters
    ----------
    what
        A bundled recipe (see: inkwash show), a recipe file NAME.toml, or a run folder.
    data
        A data set's name or a path: IDX folder, folder of images, .npy, .npz. Default: the recipe's.
    out
        The run folder to make. Default: runs/NAME-1, or the next free number.
    set_
        Change a field of the recipe, as in --set optimizer.lr=1e-3; may be given again.
    steps
        Length in steps of one batch, at least 1; of a resumed run the total, as for the other lengths.
    epochs
        Length in passes over the train set, above 0.
    images
        Length in images seen, above 0.
    minutes
        Minutes from this command to its end. The first steps are timed, and the length is planned anew as the run goes.
    seed
        Random seed of the run, 0 or more.
    size
        Resize images to this height and width in pixels.
    checkpoint_every
        How often to measure and save, as "500 steps" or "1 epoch".
    keep
        Keep the newest N milestone checkpoints, besides latest and best. Default: all.
    processes
        Number of processes on this machine that share every batch, started by torchrun's launcher. Default: 1.
    device
        auto, cpu, cuda or mps.
    threads
        CPU threads to compute with, at least 1. Default: one a core; fewer are faster where other programs use the cores.
    with_
        Your own Python file, run first; it can register networks, schedules and samplers.
    quiet
        Print errors only.
    json_
        Print one JSON line an event instead of a progress bar.
    """
    begun = time.perf_counter()
    given = {"--data": data, "--out": out, "--set": set_, "--steps": steps, "--epochs": epochs, "--images": images}
    given |= {"--minutes": minutes, "--seed": seed, "--size": size, "--checkpoint-every": checkpoint_every}
    given |= {"--keep": keep}
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # before torch is there: its warnings of several processes are for those who write such programs
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    plugins.load(with_)
    from inkwash.distributed import process_group
    from inkwash.hardware import devices

    devices.configure(threads)
    place = devices.device(device)
    with process_group.join(place) as group:
        quiet, json_ = quiet or not group.is_main, json_ and group.is_main
        if process_group.restarted() and out is not None and _complete(out, group):
            # one of them died after the last step was kept
            return 0
        return _follow(_course(what, given, place, group, begun, quiet, json_), quiet, json_)


def _complete(out: Path, process_group: ProcessGroup) -> bool:
    """Return whether this launch's run in the folder `out` holds its last step, as the first of `process_group` sees it."""
    from inkwash.io import checkpoints
    from inkwash.runs.folder import RunFolder
    from inkwash.runs.start import is_ours

    if not is_ours(out, process_group):
        return False
    try:
        header = checkpoints.header(RunFolder(out).latest)
        return process_group.any(process_group.is_main and bool(header["progress"]["step"] >= header["total"]))
    except (InkwashError, LookupError, TypeError):
        return process_group.any(False)


def _course(
    what: str,
    given: dict[str, Any],
    place: torch.device,
    process_group: ProcessGroup,
    begun: float,
    quiet: bool,
    as_json: bool,
) -> Run:
    """Return what is to be trained, of the flags as they were `given`, and say so."""
    from inkwash import checks
    from inkwash.cli.progress import stages
    from inkwash.config import recipe
    from inkwash.distributed.process_group import may_restart, restarted
    from inkwash.runs.start import changed_order, changed_rate, is_ours, is_run, resume, start

    silent = quiet or as_json
    length = _length({unit: given[f"--{unit}"] for unit in ("steps", "epochs", "images", "minutes")})
    if may_restart() and given["--out"] is None and not is_run(what):
        raise UsageError("torchrun may start this anew and must find the run again: give --out FOLDER")
    if restarted() and given["--out"] is not None and is_ours(given["--out"], process_group):
        course = resume(given["--out"], given["--data"], None, place, process_group=process_group, since=begun)
        _say(quiet, course.fallen_back and f"warning, {course.fallen_back}")
        _say(silent, f"restarted: resuming {given['--out']} from step {course.state.progress.step:,}")
        _say(silent, changed_order(course))
        return course
    if is_run(what):
        fixed = ("--out", "--set", "--seed", "--size", "--checkpoint-every", "--keep")
        useless = [name for name in fixed if given[name] not in (None, ())]
        if useless:
            raise UsageError(f"{useless[0]} has no effect on the run folder {what}: a resumed run keeps its own recipe")
        course = resume(what, given["--data"], length, place, process_group=process_group, since=begun)
        _say(quiet, course.fallen_back and f"warning, {course.fallen_back}")
        until = "" if course.total is None else f" of {course.total:,}"
        _say(silent, f"resuming {what} from step {course.state.progress.step:,}{until}")
        _say(silent, changed_order(course))
        _say(silent, changed_rate(course))
        return course
    if what not in recipe.bundled() and Path(what).is_dir():
        raise UsageError(f"{what} is a folder without recipe.toml: name a run folder, a recipe, or --data {what}")
    chosen = recipe.load(what).with_changes(_changes(given))
    if length is not None:
        chosen = recipe.with_length(chosen, length)
    with stages(silent) as tell:
        course = start(
            chosen,
            given["--data"],
            given["--out"],
            place,
            since=begun,
            process_group=process_group,
            reading=tell,
        )
    if quiet:
        return course
    _say(silent, f"{course.recipe.name} on {course.spec.data} into {course.folder.path}")
    if chosen.network.conditional and not course.conditional:
        _say(quiet, f"warning, labels: {course.spec.data} has none: the network is not conditioned on labels")
    warnings = checks.of_recipe(course.recipe, course.spec, course.state.net) + checks.of_data(course.data)
    for about, text in warnings:
        _say(quiet, f"warning, {about}: {text}")
    return course


def _changes(given: dict[str, Any]) -> list[str]:
    """Return what the flags as they were `given` change of a recipe, as --set takes it."""
    changes = [*given["--set"]]
    changes += [] if given["--seed"] is None else [f"training.seed={given['--seed']}"]
    changes += [] if given["--size"] is None else [f"data.size={given['--size']}"]
    often = given["--checkpoint-every"]
    changes += [] if often is None else [f'training.checkpoint_every="{often}"']
    changes += [] if given["--keep"] is None else [f"training.keep={given['--keep']}"]
    return changes


def _length(given: dict[str, float | None]) -> Length | None:
    from inkwash.config.lengths import Length

    named = {unit: amount for unit, amount in given.items() if amount is not None}
    if len(named) > 1:
        raise UsageError(f"{' and '.join(f'--{unit}' for unit in named)} both say how long: give one")
    for unit, amount in named.items():
        if not amount > 0:
            raise UsageError(f"--{unit} is {amount:g}: it must be above 0")
        return Length(amount, unit)
    return None


def _follow(course: Run, quiet: bool, as_json: bool) -> int:
    from inkwash.checks import ema_warmup
    from inkwash.runs.events import Planned

    with stop_on_signal(course), _display(course, quiet, as_json) as show:
        for event in course.events():
            show(event)
            if isinstance(event, Planned) and event.first:
                young = ema_warmup.start_left_at_the_end(course.recipe, course.spec)
                _say(quiet, event.warning and f"warning, length: {event.warning}")
                _say(quiet, young and f"warning, average: {young}")
    step = course.state.progress.step
    if course.stopping and not course.complete:
        _say(quiet or as_json, f"stopped and saved at step {step:,}; resume with: inkwash train {course.folder.path}")
        return 130
    _say(quiet or as_json, f"done: see {course.folder.path}/card.md and {course.folder.path}/samples")
    _say(quiet or as_json, f"sample from it: inkwash sample {course.folder.path}")
    return 0


@contextmanager
def _display(course: Run, quiet: bool, as_json: bool) -> Iterator[Any]:
    from inkwash.cli.progress import bar, json_lines, plain_lines

    if quiet:
        yield lambda event: None
    elif as_json:
        yield json_lines()
    elif not sys.stderr.isatty():
        yield plain_lines(course)
    else:
        with bar(course) as show:
            yield show


def _say(silent: bool, text: str | None) -> None:
    if text and not silent:
        print(text, file=sys.stderr)
