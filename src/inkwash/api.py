"""The Python interface: load, sample, evaluate and train."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inkwash import model
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import Schedule
from inkwash.data import Dataset
from inkwash.errors import UsageError, warn
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.runs.folder import RunFolder
from inkwash.runs.history import TrainedModel
from inkwash.runs.resume import resume
from inkwash.runs.run import Run
from inkwash.runs.start import is_run, start
from inkwash.sampling import class_labels
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.text.progress import ProgressCallback, StageProgressCallback
from inkwash.training.events import Planned
from inkwash.training.loop import Objective
from inkwash.viz.sample_set import Samples

if TYPE_CHECKING:
    from inkwash.evaluation.comparison import Comparison


def load(name: str | Path, net: nn.Module | None = None, device: str = "auto") -> Model:
    """Return the model called `name`: a bundled one, a run folder or a checkpoint file.

    `net` is your own network to load the weights into. Raises `UsageError` when there is no such model, `InkwashError`
    when its file is damaged or does not fit.
    """
    return model.load(name, net, device)


def sample(
    source: Model | str | Path,
    n: int = 64,
    label: str | int | Sequence[int | str] | NDArray[Any] | Tensor | None = None,
    seed: int | tuple[int, int] = 0,
    sampler: str | None = None,
    *,
    steps: int | None = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: Schedule | None = None,
    guidance: float | None = None,
    interval: tuple[float, float] = (0.0, 1.0),
    clip: bool | None = None,
    precision: str = "float32",
    image: str | Path | None = None,
    mask: str | Path | None = None,
    noise: float | None = None,
    batch: int = 64,
    progress: ProgressCallback | None = None,
    picture: None = None,
) -> Samples:
    """Return `n` samples of `source`, a model or an argument of `load`; sample i has the seed `seed` + i.

    `label` is a class, "0-9" or a list for several in turn, "none", or None for labels in the training set's proportions;
    a number is the name of a class where all names are numbers, else its index.
    `seed` (3, 8) and `label` "3..8" interpolate from one end to the other in `n` samples. `image` is an image file
    that every sample starts from, noised to `noise`; `mask` another, white where the model samples.
    `sampler` is written "ddim:50"; the other arguments are those of the command line, None for the recipe's default.
    `picture` is the name of `image` in version 0.1.0.
    Raises `UsageError` for settings out of range or without effect.
    """
    chosen = source if isinstance(source, Model) else load(source)
    if batch < 1:
        raise UsageError(f"batch is {batch}: it must be at least 1", code="out-of-range", field="batch")
    if picture is not None:
        raise UsageError("picture= was renamed: give image=", code="unknown-field", field="picture")
    if image is None and (mask is not None or noise is not None):
        raise UsageError(
            "mask and noise have no effect without an image: give image= as well", code="missing-field", field="image"
        )
    edit = None
    if image is not None:
        edit = Edit.read(chosen.spec, Path(image), None if mask is None else Path(mask), noise)
    request = SampleRequest(
        model=chosen.name if isinstance(source, Model) else str(source),
        n=n,
        label=class_labels.from_python(label, chosen.spec.classes),
        seed=seed[0] if isinstance(seed, tuple) else seed,
        seed_to=seed[1] if isinstance(seed, tuple) else None,
        sampler=sampler,
        steps=steps,
        eta=eta,
        temperature=temperature,
        schedule=schedule,
        guidance=guidance,
        interval=interval,
        clip=clip,
        precision=precision,
        edit=edit,
    )
    run = resolve(request, chosen)
    return Samples(torch.cat([each.values for each in run.batches(batch, progress)]), run)


def evaluate(
    source: Model | str | Path,
    *others: Model | str | Path,
    n: int | None = None,
    sampler: str | None = None,
    guidance: float | str | None = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: Schedule | None = None,
    precision: str = "float32",
    data: str | Path | None = None,
    judge: str | Path | None = None,
    judges: str | None = None,
    bits: bool = False,
    thorough: bool = False,
    progress: StageProgressCallback | None = None,
) -> Comparison:
    """Measure a model or an .npz of images; several of them, or of samplers as in "ddim:50,ddim:20", are compared.

    The arguments are those of the command. The result has one entry per setting: `evaluate("fast")[0]["fd.a"].value`.
    `progress(stage, fraction)` is called with the current stage and its finished fraction. Raises
    `UsageError` or `InkwashError` as the command does.
    """
    from inkwash.evaluation.comparison import Comparison
    from inkwash.evaluation.plan import EvaluationRequest, parse_guidance, split_list

    request = EvaluationRequest(
        tuple(thing if isinstance(thing, Model) else str(thing) for thing in (source, *others)),
        n,
        split_list(sampler),
        parse_guidance(None if guidance is None else str(guidance)),
        SampleRequest(eta=eta, temperature=temperature, schedule=schedule, precision=precision),
        None if data is None else str(data),
        None if judge is None else str(judge),
        judges,
        tuple(name for name, given in (("bits", bits), ("thorough", thorough)) if given),
    )
    report = progress or (lambda stage, fraction: None)
    plan = request.plan(report)
    entries = tuple(task.run(plan.reference, plan.optional_metrics, None, report) for task in plan.tasks)
    return Comparison(entries, plan.key)


def start_run(
    what: Recipe | str | Path,
    data: str | Path | Dataset | None = None,
    out: str | Path | None = None,
    length: str | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    device: str = "auto",
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
    devices.configure_malloc()
    target_device, start_time = devices.device(device), time.perf_counter()
    parsed_length = Length.parse(length) if length else None
    if not isinstance(what, Recipe) and is_run(what):
        if changes or out is not None or pretrained is not None:
            raise UsageError(
                f"{what} is a run folder, which is resumed with its own recipe: do not pass out=, pretrained= or recipe fields",
                code="no-effect",
            )
        return resume(what, data, parsed_length, target_device, net, objective, since=start_time, allow_complete=True)
    chosen = what if isinstance(what, Recipe) else recipe.load(what)
    if pretrained is not None:
        recipe.require_own_fields(changes)
    chosen = chosen.with_changes(changes) if changes else chosen
    if parsed_length is not None:
        chosen = recipe.with_length(chosen, parsed_length)
    folder = None if out is None else _unused(Path(out))
    return start(chosen, data, folder, target_device, net, objective, start_time, pretrained=pretrained)


def _unused(out: Path) -> Path:
    """Return `out`, or the path with the first free number where that is a folder with files."""
    if not out.is_dir() or not any(out.iterdir()):
        return out
    free = RunFolder.next_unused(out.name, out.parent)
    warn(f"{out} is not empty and nothing is overwritten: this run is {free}")
    return free


def train(
    what: Recipe | str | Path,
    data: str | Path | Dataset | None = None,
    out: str | Path | None = None,
    length: str | None = None,
    net: nn.Module | None = None,
    objective: Objective | None = None,
    device: str = "auto",
    pretrained: Model | str | Path | None = None,
    on_event: Callable[[Any], object] | None = None,
    **changes: Any,
) -> TrainedModel:
    """Train a recipe into a new run folder, or resume the run folder `what`, and return the model with EMA weights.

    The model has the `path` of its checkpoint and a `history` of losses. `start_run` gives a run to iterate over instead.
    `data` is a name, a path or a `Dataset`; data without labels give an unconditional network. `out` is the run folder,
    by default runs/NAME-1 or the next free number; one with files is never written into: a cell that is run again trains
    anew, in the next free folder, out-1. A run folder `what` that is complete is returned as it is. `length` is the total,
    as in "5 epochs" or "2000 steps", or "3 minutes" counted from this call. `net` is your own network, `objective` replaces
    the recipe's. Training starts from the weights of the model `pretrained`, as with --from. `changes` are recipe fields
    with two underscores for the dot, as in `optimizer__lr=1e-3`, or sections as objects, as in `schedule=Cosine()`.
    `on_event` is called with every step, validation, checkpoint and sample. Raises `UsageError` or `InkwashError` as the
    command does.
    """
    run = start_run(what, data, out, length, net, objective, device, pretrained, **changes)
    for event in run:
        if isinstance(event, Planned) and event.warning:
            warnings.warn(event.warning, stacklevel=2)
        if on_event is not None:
            on_event(event)
    return run.model
