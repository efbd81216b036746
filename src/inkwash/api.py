"""The Python interface: load, sample, evaluate and train."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from inkwash import model
from inkwash.config import recipe
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import Schedule
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.hardware import devices
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.runs.resume import resume
from inkwash.runs.start import is_run, start
from inkwash.sampling import class_labels
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import SampleBatch, SamplingRun, resolve, to_arrays
from inkwash.text.progress import ProgressCallback, StageProgressCallback
from inkwash.training.events import Planned
from inkwash.training.loop import Objective
from inkwash.viz.samples import RenderOptions, grid_or_scatter
from inkwash.viz.writers import metadata

if TYPE_CHECKING:
    from inkwash.evaluation.comparison import Comparison

SHOWN_IMAGES = 100
"""The number of images that a notebook shows of samples."""
SHOWN_HEIGHT = 56
"""Their approximate height in pixels."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Finished examples: `values` uint8 [N, C, H, W] or points float32 [N, D], and the run that gave them."""

    values: Tensor
    run: SamplingRun

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.values.shape[1:]))
        return f"Samples({len(self.values)} of {shape} from {self.model.name}, {self.sampler})"

    def _repr_png_(self) -> bytes:
        """Return a grid of the first 100 images, enlarged to about 56 pixels, or a scatter of all points: for notebooks."""
        points = self.model.spec.is_points
        shown = slice(len(self.values) if points else SHOWN_IMAGES)
        batch = SampleBatch(self.values[shown], self.labels[shown], self.seeds[shown])
        scale = 1 if points else max(1, round(SHOWN_HEIGHT / self.values.shape[-2]))
        image = grid_or_scatter(self.model, [batch], RenderOptions().columns_for(self.run), scale)
        return png_metadata.png_bytes(image)

    @property
    def model(self) -> Model:
        """The model that was sampled from."""
        return self.run.model

    @property
    def sampler(self) -> str:
        """The sampler and its steps, as in "ddim:50"."""
        return f"{self.run.sampler.kind}:{self.run.sampler.steps}"

    @property
    def labels(self) -> Tensor:
        """The labels int64 [N], -1 for none; of an interpolation those of the near end."""
        return self.run.labels

    @property
    def seeds(self) -> Tensor:
        """The seeds int64 [N]; of an interpolation those of the near end."""
        return self.run.seeds

    @property
    def images(self) -> NDArray[np.uint8]:
        """The images as uint8 [N, H, W] for grey ones, [N, H, W, C] for colour; points float32 [N, D]."""
        return self.values.numpy() if self.model.spec.is_points else to_arrays(self.values)

    def sheet(self, columns: int | None = None, scale: int = 1) -> Image.Image:
        """Return one image of all: a grid of images, or a scatter of points."""
        return grid_or_scatter(self.model, [SampleBatch(self.values, self.labels, self.seeds)], columns, scale)

    def save(self, path: str | Path, columns: int | None = None, scale: int = 1) -> None:
        """Write `sheet` as a PNG whose metadata names the model and the request."""
        options = RenderOptions(scale=scale, columns=columns)
        png_metadata.save_png(self.sheet(columns, scale), path, metadata(self.run, options))


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
) -> Model:
    """Train a recipe into a new run folder, or resume the run folder `what`, and return the model with EMA weights.

    `data` is a name, a path or a `Dataset`; data without labels give an unconditional network. `length` is "5 epochs"
    or "3 minutes", counted from this call. `net` is your own network, `objective` replaces the recipe's. Training starts
    from the weights of the model `pretrained`, as with --from. `changes` are recipe fields with two underscores for the
    dot, as in `optimizer__lr=1e-3`, or sections as objects, as in `schedule=Cosine()`. `on_event` is called with every
    step, validation, checkpoint and sample. Raises `UsageError` or `InkwashError` as the command does.
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
        run = resume(what, data, parsed_length, target_device, net, objective, since=start_time)
    else:
        chosen = what if isinstance(what, Recipe) else recipe.load(what)
        if pretrained is not None:
            recipe.require_own_fields(changes)
        chosen = chosen.with_changes(changes) if changes else chosen
        if parsed_length is not None:
            chosen = recipe.with_length(chosen, parsed_length)
        run = start(chosen, data, out, target_device, net, objective, start_time, pretrained=pretrained)
    for event in run.train():
        if isinstance(event, Planned) and event.warning:
            warnings.warn(event.warning, stacklevel=2)
        if on_event is not None:
            on_event(event)
    return run.trainer.ema_model
