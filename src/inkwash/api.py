"""The Python interface: load, sample and evaluate; `runs.training` has `train`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inkwash import data as datasets
from inkwash import model
from inkwash.config.registry_sections import decode_schedule
from inkwash.core import Schedule
from inkwash.data import Dataset, DataSource
from inkwash.errors import UsageError
from inkwash.io.arguments import integer, number, wrong_type
from inkwash.model import Model
from inkwash.runs.run import Run
from inkwash.sampling import class_labels
from inkwash.sampling.attributes import require_extrapolated
from inkwash.sampling.editing import Edit
from inkwash.sampling.encoding import with_changes
from inkwash.sampling.prompts.requests import with_prompt
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.text import bars
from inkwash.text.progress import ProgressCallback, StageProgressCallback
from inkwash.training.trainer import Trainer
from inkwash.viz.sample_set import Samples

if TYPE_CHECKING:
    from inkwash.evaluation.comparison import Comparison

Source: TypeAlias = Model | Run | Trainer | str | Path
"""What is sampled and measured: a model, a run or a trainer at its current step, or the argument of `load`."""


def load(name: str | Path, net: nn.Module | None = None, device: str | torch.device = "auto") -> Model:
    """Return the model called `name`: a bundled one, a run folder or a checkpoint file.

    `net` is your own network to load the weights into. Raises `UsageError` when there is no such model, `InkwashError`
    when its file is damaged or does not fit.
    """
    return model.load(name, net, device)


def sample(
    source: Source,
    n: int | None = None,
    label: str | int | Sequence[int | str] | NDArray[Any] | Tensor | None = None,
    seed: int | tuple[int, int] = 0,
    sampler: str | None = None,
    *,
    steps: int | None = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: Schedule | str | None = None,
    guidance: float | None = None,
    interval: tuple[float, float] = (0.0, 1.0),
    clip: bool | None = None,
    precision: str | torch.dtype = "float32",
    image: str | Path | None = None,
    mask: str | Path | None = None,
    noise: float | None = None,
    invert: bool = False,
    encode: bool = False,
    prompt: str | None = None,
    attributes: Mapping[str, float | Sequence[float | None] | NDArray[Any] | Tensor] | None = None,
    change: Mapping[str, float | Sequence[float] | NDArray[Any] | Tensor] | None = None,
    extrapolate: bool = False,
    batch: int = 64,
    progress: ProgressCallback | bool = True,
    picture: None = None,
) -> Samples:
    """Return `n` samples of `source`, a model, a run or an argument of `load`; sample i has the seed `seed` + i.

    `n` is 64 by default, and 1 for each image where a `prompt` has several.
    `label` is a class, "0-9" or a list for several in turn, "none", or None for labels in the training set's proportions;
    a number is the name of a class where all names are numbers, else its index.
    `seed` (3, 8) and `label` "3..8" interpolate from one end to the other in `n` samples. `image` is an image file
    that every sample starts from, noised to `noise`; `mask` another, white where the model samples;
    `invert` inverts the image, for dark ink on paper; `encode` encodes it as noise, from which the samples are the image with
    other attributes, of which those of `change`, {"thickness": 1}, are added to what it has.
    `attributes` are values such as {"thickness": 3, "slant": [-20, 20]}, several in turn, in the range of the data unless
    `extrapolate`; `prompt` is the same in words, "a bold, slanted seven", with classes in place of `label`: docs/words.md.
    `sampler` is written "ddim:50"; the other arguments are those of the command line, None for the recipe's default.
    `progress` shows a bar in a notebook or on a terminal and lines in a log, False nothing; a function is called with the
    number of finished samples, a fraction more after each step.
    `picture` is the name of `image` in version 0.1.0.
    Raises `UsageError` for settings out of range or without effect.
    """
    chosen = _model_of(source)
    batch = integer("batch", batch)
    if any(weight.requires_grad for weight in chosen.net.parameters()):
        chosen = chosen.identified()
    if batch < 1:
        raise UsageError(f"batch is {batch}: it must be at least 1", code="out-of-range", field="batch")
    if picture is not None:
        raise UsageError("picture= was renamed: give image=", code="unknown-field", field="picture")
    if image is None and (mask is not None or noise is not None or invert or encode):
        message = "mask, noise, invert and encode have no effect without an image: give image= as well"
        raise UsageError(message, code="missing-field", field="image")
    if not isinstance(interval, tuple | list) or len(interval) != 2:
        raise wrong_type("interval", interval, "the two ends in u, as in (0.2, 0.8)")
    for field, file in (("image", image), ("mask", mask)):
        if file is not None and not isinstance(file, str | Path):
            raise wrong_type(field, file, "the path of an image file")
    edit = None
    if image is not None:
        noise = number("noise", noise)
        edit = Edit.read(chosen.spec, Path(image), None if mask is None else Path(mask), noise, invert, encode)
        warning = edit.background_warning(chosen.spec, str(image), "invert=True")
        if warning:
            warnings.warn(warning, stacklevel=2)
    first, last = seed if isinstance(seed, tuple) and len(seed) == 2 else (seed, None)
    request = SampleRequest(
        model=str(source) if isinstance(source, str | Path) else chosen.name,
        n=integer("n", 64 if n is None and prompt is None and not encode else n),
        label=class_labels.from_python(label, chosen.spec.classes),
        seed=integer("seed", first),
        seed_to=integer("seed", last),
        sampler=None if sampler is None else str(sampler),
        steps=integer("steps", steps),
        eta=number("eta", eta),
        temperature=number("temperature", temperature),
        schedule=_schedule(schedule),
        guidance=number("guidance", guidance),
        interval=(number("interval", interval[0]), number("interval", interval[1])),
        clip=clip,
        precision=_precision(precision),
        edit=edit,
        attributes=_attributes(attributes),
        extrapolate=extrapolate,
    )
    if prompt is not None:
        request = with_prompt(request, str(prompt), chosen)
    request = with_changes(request, _attributes(change, "change"), chosen)
    require_extrapolated(request.attributes, request.extrapolate)
    run = resolve(request, chosen)
    if run.omission is not None:
        warnings.warn(f"{run.omission}: give a larger n", stacklevel=2)
    if run.encodes_without_class:
        warnings.warn(f"an edit without the class of {image} often changes it: give label=", stacklevel=2)
    shown = (
        nullcontext(progress) if callable(progress) else bars.sampling(run.sampler.evaluations, len(run), not progress)
    )
    with shown as report, _evaluation_mode(chosen):
        return Samples(torch.cat([each.values for each in run.batches(batch, report)]), run)


def evaluate(
    source: Source | DataSource,
    *others: Source | DataSource,
    n: int | None = None,
    sampler: str | Sequence[str] | None = None,
    guidance: float | str | None = None,
    eta: float | None = None,
    temperature: float = 1.0,
    schedule: Schedule | str | None = None,
    precision: str | torch.dtype = "float32",
    data: DataSource | None = None,
    judge: DataSource | None = None,
    range: tuple[float, float] | None = None,
    judges: str | None = None,
    bits: bool = False,
    thorough: bool = False,
    crop: int | None = None,
    invert: bool = False,
    progress: StageProgressCallback | bool = True,
) -> Comparison:
    """Measure a model or images; several of them, or of samplers as in "ddim:50,ddim:20" or a list, are compared.

    Images are a file or folder, `Samples`, arrays, or another object that `train` takes as data; floats need their
    `range`, as in (0, 1). The arguments are those of the command. The result has one entry per setting:
    `evaluate("fast")[0]["fd.a"].value`.
    `progress` shows the stage and the time left, False nothing; a function is called with the current stage and its
    finished fraction. Raises `UsageError` or `InkwashError` as the command does.
    """
    from inkwash.evaluation.comparison import Comparison
    from inkwash.evaluation.plan import EvaluationRequest, parse_guidance, split_list

    sources = tuple(_source(thing, range) for thing in (source, *others))
    request = EvaluationRequest(
        sources,
        integer("n", n),
        split_list(sampler if sampler is None or isinstance(sampler, str) else ",".join(map(str, sampler))),
        parse_guidance(None if guidance is None else str(guidance)),
        SampleRequest(eta=eta, temperature=temperature, schedule=_schedule(schedule), precision=_precision(precision)),
        None if data is None else _data(data, range),
        None if judge is None else _data(judge, range),
        judges,
        tuple(name for name, given in (("bits", bits), ("thorough", thorough)) if given),
        value_range=range,
        range_applied=any(_takes_range(thing) for thing in (source, *others, data, judge)),
        crop=crop,
        invert=invert,
    )
    shown = nullcontext(progress) if callable(progress) else bars.stages(not progress)
    with shown as report, _evaluation_mode(*(thing for thing in sources if isinstance(thing, Model))):
        plan = request.plan(report)
        entries = []
        for task in plan.tasks:
            sampled = partial(_report_fraction, report, f"sampling {task.name}", task.count)
            entries.append(task.run(plan.reference, plan.optional_metrics, sampled, report))
        return Comparison(tuple(entries), plan.key)


def _model_of(source: Source) -> Model:
    """Return a model as it is, that of a run or trainer at its current step, or the one called `source`."""
    match source:
        case Model():
            return source
        case Run():
            return source.model
        case Trainer():
            return source.ema_model
    return load(source)


def _attributes(attributes: object, field: str = "attributes") -> dict[str, float | tuple[float | None, ...]]:
    """Return attributes as numbers by name: one, or several, None where an image has none. Raises `UsageError` otherwise."""
    if attributes is None:
        return {}
    if not isinstance(attributes, Mapping) or not all(isinstance(name, str) for name in attributes):
        raise wrong_type(field, attributes, "numbers by name, as in {'thickness': 3}")
    found: dict[str, float | tuple[float | None, ...]] = {}
    for name, given in attributes.items():
        values = given.tolist() if hasattr(given, "tolist") else given
        several = isinstance(values, list | tuple)
        numbers = tuple(number(field, value) for value in (values if several else (values,)))
        found[name] = numbers if several else numbers[0]
    return found


def _schedule(schedule: Schedule | str | None) -> Schedule | None:
    return schedule if schedule is None or isinstance(schedule, Schedule) else decode_schedule(schedule)


def _precision(precision: str | torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


@contextmanager
def _evaluation_mode(*models: Model) -> Iterator[None]:
    """Put networks that a loop of the caller trains into evaluation mode, and restore their modes afterwards."""
    modes = [(module, module.training) for each in models for module in each.net.modules()]
    try:
        for each in models:
            each.net.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _source(source: Source | DataSource, value_range: tuple[float, float] | None) -> str | Model | Dataset:
    """Return a source of `evaluate`: samples and other Python objects as data sets."""
    if isinstance(source, Samples):
        classes = source.model.spec.classes
        labels = source.labels if len(source.labels) and int(source.labels.min()) >= 0 else None
        return Dataset(f"samples of {source.model.name}", source.values, labels, () if labels is None else classes)
    if isinstance(source, Model | Run | Trainer):
        return _model_of(source).identified()
    return _data(source, value_range)


def _data(data: DataSource, value_range: tuple[float, float] | None) -> str | Dataset:
    """Return a path or a name as text, and another object as a data set."""
    return str(data) if isinstance(data, str | Path) else datasets.load(data, value_range=value_range)


def _takes_range(thing: Source | DataSource | None) -> bool:
    """Return whether the values of black and white apply to a Python object: to arrays, tensors and the like."""
    return not (thing is None or isinstance(thing, str | Path | Model | Run | Trainer | Samples | Dataset))


def _report_fraction(report: StageProgressCallback, stage: str, count: int, done: float) -> None:
    report(stage, done / count)
