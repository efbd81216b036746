"""Training from Python: `train` returns a model, `start_run` a run to iterate over."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inkwash import checks
from inkwash.checks.ema_warmup import check_final_ema
from inkwash.config import recipe
from inkwash.config.inherited import require_own_fields
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data import DataSource
from inkwash.errors import UsageError, warn
from inkwash.hardware import devices
from inkwash.io.arguments import wrong_type
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.runs.history import TrainedModel
from inkwash.runs.progress import training_bar
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.runs.start import is_run, start
from inkwash.training.events import Planned
from inkwash.training.loop import Objective


def start_run(
    what: Recipe | str | Path,
    data: DataSource | None = None,
    out: str | Path | None = None,
    length: str | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    device: str | torch.device = "auto",
    pretrained: Model | str | Path | None = None,
    **changes: Any,
) -> Run:
    """Return a run to iterate over, which trains: a new one of a recipe, or the run folder `what` resumed.

        run = inkwash.start_run("digits", length="20 seconds")
        for event in run:
            if isinstance(event, inkwash.Step) and event.step % 100 == 0:
                print(event.step, event.loss)
        run.history.plot()
        digits = inkwash.sample(run.model)

    The events are `Step` (`step`, `loss`), `Measured` (`step`, `validation_loss`: held-out examples), `Sampled` (`step`,
    `image`: a grid of samples), `Saved` and `Planned`. After `break`, another loop continues. The arguments are those of
    `train`; a length in minutes is counted from this call.
    """
    run, concerns = _begin(what, data, out, length, net, objective, device, pretrained, changes)
    for text in concerns:
        warnings.warn(text, stacklevel=2)
    return run


def _begin(
    what: Recipe | str | Path,
    data: DataSource | None,
    out: str | Path | None,
    length: str | None,
    net: nn.Module | None,
    objective: Objective | None,
    device: str | torch.device,
    pretrained: Model | str | Path | None,
    changes: dict[str, Any],
) -> tuple[Run, list[str]]:
    """Return the run of these arguments of `train`, and the warnings about it that the command prints."""
    devices.configure_malloc()
    target_device, start_time = devices.device(device), time.perf_counter()
    parsed_length = Length.parse(length) if length else None
    if not isinstance(what, Recipe) and is_run(what):
        if changes or out is not None or pretrained is not None:
            raise UsageError(
                f"{what} is a run folder, which is resumed with its own recipe: do not pass out=, pretrained= or recipe fields",
                code="no-effect",
            )
        run = resume(what, data, parsed_length, target_device, net, objective, since=start_time, allow_complete=True)
        return run, [run.fallback_reason] if run.fallback_reason else []
    chosen = what if isinstance(what, Recipe) else recipe.load(what)
    if pretrained is not None:
        require_own_fields(changes)
    chosen = chosen.with_changes(changes) if changes else chosen
    if parsed_length is not None:
        chosen = recipe.with_length(chosen, parsed_length)
    if out is not None and not isinstance(out, str | Path):
        raise wrong_type("out", out, "the path of a run folder")
    folder = None if out is None else _unused(Path(out))
    run = start(chosen, data, folder, target_device, net, objective, start_time, pretrained=pretrained)
    name = pretrained.name if isinstance(pretrained, Model) else str(pretrained)
    return run, [f"{topic}: {text}" for topic, text in checks.check_training(run.trainer, chosen, name)]


def _unused(out: Path) -> Path:
    """Return `out`, or the path with the first free number where that is a folder with files."""
    if not out.is_dir() or not any(out.iterdir()):
        return out
    free = RunFolder.next_unused(out.name, out.parent)
    warn(f"{out} is not empty and nothing is overwritten: this run is {free}")
    return free


def train(
    what: Recipe | str | Path,
    data: DataSource | None = None,
    out: str | Path | None = None,
    length: str | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    device: str | torch.device = "auto",
    pretrained: Model | str | Path | None = None,
    on_event: Callable[[Any], object] | None = None,
    progress: bool = True,
    **changes: Any,
) -> TrainedModel:
    """Train a recipe into a new run folder, or resume the run folder `what`, and return the model with EMA weights.

    The model has the `path` of its checkpoint and a `history` of losses. `start_run` gives a run to iterate over instead.
    `data` is a name, a path, a `Dataset`, arrays as (images, labels), a torch data set or one of the Hub, as listed in
    docs/data.md; floats need their range, as in `data__range=(0, 1)`. Data without labels give an unconditional network. The
    warnings about recipe and data are those of the command. `out` is the run folder,
    by default runs/NAME-1 or the next free number; one with files is never written into: a cell that is run again trains
    anew, in the next free folder, out-1. A run folder `what` that is complete is returned as it is. `length` is the total,
    as in "5 epochs" or "2000 steps", or "3 minutes" counted from this call. `net` is your own network, `objective` replaces
    the recipe's. Training starts from the weights of the model `pretrained`, as with --from. `changes` are recipe fields
    with two underscores for the dot, as in `optimizer__lr=1e-3`, or sections as objects, as in `schedule=Cosine()`.
    `on_event` is called with every step, validation, checkpoint and sample; `progress` shows a bar with the newest samples in
    a notebook, a bar on a terminal, lines in a log, and False nothing. Raises `UsageError` or `InkwashError` as the
    command does.
    """
    run, concerns = _begin(what, data, out, length, net, objective, device, pretrained, changes)
    for text in concerns:
        warnings.warn(text, stacklevel=2)
    with training_bar(run.trainer, not progress) as show:
        for event in run:
            show(event)
            if isinstance(event, Planned) and event.warning:
                warnings.warn(event.warning, stacklevel=2)
            if (
                isinstance(event, Planned)
                and event.first
                and (short := check_final_ema(run.trainer.recipe, run.trainer.spec))
            ):
                warnings.warn(f"EMA: {short}", stacklevel=2)
            if on_event is not None:
                on_event(event)
    return run.model
