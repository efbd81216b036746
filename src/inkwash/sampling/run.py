"""Drawing from a model: one seed an image, so that a picture is the same whatever batch it was drawn in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkwash.core import Denoiser, Frame, Labelled, Sampler, Schedule
from inkwash.core.noise import Stream, normals, uniforms
from inkwash.data import decode
from inkwash.errors import UsageError, unknown_name
from inkwash.model import Model
from inkwash.sampling.editing import Edit, Interpolation

NO_LABEL = -1


@dataclass(frozen=True)
class SamplingSettings:
    """How to draw; None means as the model's recipe says. The fields are those of `Model.sampler` and `.denoiser`."""

    sampler: str | None = None
    steps: int | None = None
    eta: float | None = None
    temperature: float = 1.0
    schedule: Schedule | None = None
    guidance: float | None = None
    interval: tuple[float, float] = (0.0, 1.0)
    clip: bool | None = None
    precision: str = "float32"
    edit: Edit | None = None

    def sampler_of(self, model: Model) -> Sampler:
        """Return the sampler for `model`. Raises `UsageError` as `Model.sampler` does."""
        sampler = model.sampler(self.sampler, self.steps, self.eta, self.temperature, self.schedule)
        if self.edit is not None:
            self.edit.require(model.spec.shape)
            sampler = replace(sampler, schedule=self.edit.levels(sampler.schedule))
        if self.temperature != 1 and sampler.draws_no_noise:
            raise UsageError(f"temperature has no effect on {sampler.kind}, which draws no fresh noise: leave it out")
        weight = model.recipe.sampling.guidance if self.guidance is None else self.guidance
        if tuple(self.interval) != (0, 1) and weight == 1:
            raise UsageError("interval has no effect without guidance: give --guidance as well, or leave it out")
        return sampler


class SampleBatch(NamedTuple):
    """A batch of finished examples: uint8 images [B, C, H, W] or float32 points [B, D], labels int64 [B], seeds int64 [B]."""

    values: Tensor
    labels: Tensor
    seeds: Tensor

    def pictures(self) -> NDArray[np.uint8]:
        """Return the images as uint8 [B, H, W] for grey ones, [B, H, W, C] for colour."""
        return to_arrays(self.values)


def labels_for(model: Model, seeds: Tensor, wanted: list[int] | None = None) -> Tensor:
    """Return the label of each image, int64 [N]: those `wanted` in turn, or, with None, one drawn for each seed.

    Drawn labels have the proportions of the train set; -1 is no label. Raises `UsageError` for a label that the
    model does not know.
    """
    count = len(model.spec.classes)
    if wanted is not None:
        if not wanted:
            raise UsageError("label is an empty list: name at least one class, or leave it out")
        if not model.conditional and any(label != NO_LABEL for label in wanted):
            raise UsageError(f"label has no effect: {model.name} was trained without labels; leave it out")
        for label in wanted:
            if not NO_LABEL <= label < count:
                raise UsageError(
                    f"label {label}: {model.name} knows 0 to {count - 1} ({', '.join(model.spec.classes)})"
                )
        return torch.tensor(wanted).repeat(-(-len(seeds) // len(wanted)))[: len(seeds)]
    if not model.conditional:
        return torch.full((len(seeds),), NO_LABEL)
    place = uniforms(seeds, 0, 0, Stream.SAMPLE_LABEL)[:, 0]
    edges = torch.tensor(model.spec.proportions, dtype=torch.float64).cumsum(0)
    return torch.searchsorted(edges, place).clamp(max=count - 1)


def conditioned_denoiser(model: Model, labels: Tensor, settings: SamplingSettings) -> Labelled:
    """Return the model as the denoiser that `settings` ask for, told `labels` int64 [B].

    Raises `UsageError` for settings that it cannot follow.
    """
    heard = labels.to(model.device) if model.conditional and (labels != NO_LABEL).any() else None
    if heard is None and model.conditional and settings.guidance not in (None, 1):
        raise UsageError(f"guidance {settings.guidance:g} has no effect without a label: leave one of them out")
    return Labelled(model.denoiser(settings.guidance, settings.interval, settings.clip, settings.precision), heard)


@torch.inference_mode()
def frames(
    model: Model, seeds: Tensor, labels: Tensor, settings: SamplingSettings, morph: Interpolation | None = None
) -> Iterator[Frame]:
    """Yield the frames of one batch from noise to pictures; a generator, for strips, films and pages alike.

    With a `morph` each example is on the way from its seed and label to those of the morph. Raises `UsageError` for
    settings that the model cannot follow.
    """
    device, told = model.device, conditioned_denoiser(model, labels, settings)
    denoiser: Denoiser = told if morph is None else morph.between(told, morph.labels.to(device))
    start: Tensor | float = 0.0
    if settings.edit is not None:
        denoiser, start = settings.edit.around(denoiser, device), settings.edit.start(device)

    def noise(sample_batches: int) -> Tensor:
        near = normals(seeds, 0, sample_batches, Stream.SAMPLE, model.spec.shape)
        if morph is not None and not torch.equal(morph.seeds, seeds):
            near = morph.noise(near, normals(morph.seeds, 0, sample_batches, Stream.SAMPLE, model.spec.shape))
        return near.to(device)

    yield from settings.sampler_of(model)(denoiser, noise, start)


def sample_batches(
    model: Model,
    seeds: Tensor,
    labels: Tensor,
    settings: SamplingSettings | None = None,
    batch: int = 64,
    progress: Callable[[float], object] | None = None,
    morph: Interpolation | None = None,
) -> Iterator[SampleBatch]:
    """Yield finished batches of at most `batch`; memory stays flat however many `seeds` [N] there are.

    `progress(done)` is called after each step with the images finished so far; an unfinished one counts for the share of
    its steps that are done.
    Raises `UsageError` for settings that the model cannot follow.
    """
    settings = settings or SamplingSettings()
    steps = settings.sampler_of(model).steps
    done = 0
    morphs = [None] * len(seeds) if morph is None else morph.split(batch)
    for some, asked, way in zip(seeds.split(batch), labels.split(batch), morphs, strict=False):
        for moment, frame in enumerate(frames(model, some, asked, settings, way)):
            if progress is not None:
                progress(done + moment * len(some) / steps)
            last = frame.x
        done += len(some)
        yield SampleBatch(to_output(model, last), asked, some)


def to_output(model: Model, x: Tensor) -> Tensor:
    """Return a state as what people keep: points as they are, images as uint8."""
    x = x.cpu()
    return x if model.spec.is_points else decode(x)


def to_arrays(values: Tensor) -> NDArray[np.uint8]:
    """Return uint8 images [N, C, H, W] as arrays [N, H, W] for one channel, [N, H, W, C] for more."""
    array = values.permute(0, 2, 3, 1).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def interpolation(
    model: Model, count: int, seeds: tuple[int, int | None], labels: tuple[str | None, str | None]
) -> tuple[Tensor, Tensor, Interpolation]:
    """Return seeds and labels [N] of the near end of a way of `count` examples, and the morph to its far end.

    An end of `seeds` or `labels` that is None is the near one; without labels each seed has the one drawn for it.
    Raises `UsageError` for an end of several labels, or that the model does not know.
    """
    here, there = (torch.full((count,), seeds[0] if end is None else end) for end in seeds)
    heard = []
    for text, at in zip((labels[0], labels[0] if labels[1] is None else labels[1]), (here, there), strict=True):
        wanted = None if text is None else parse_labels(text, model.spec.classes)
        if wanted is not None and len(wanted) > 1:
            raise UsageError(f"label '{text}' names {len(wanted)} classes: the way between two ends has one at each")
        heard.append(labels_for(model, at, wanted))
    if NO_LABEL in (int(heard[0][0]), int(heard[1][0])) and int(heard[0][0]) != int(heard[1][0]):
        raise UsageError("label none has no way to a class: name a class at both ends")
    return here, heard[0], Interpolation(there, heard[1], torch.linspace(0, 1, count, dtype=torch.float64))


def split_range(text: str | None, classes: tuple[str, ...] = ()) -> tuple[str | None, str | None]:
    """Return the two ends of a way written "3..8", or what is no way and None."""
    near, dots, far = (text or "").partition("..")
    return (near, far) if dots and text not in classes else (text, None)


def parse_labels(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels that "7", "0-9", "1,3,5", a class name or "none" say.

    Raises `UsageError` for anything else, with the nearest class name.
    """
    if text == "none":
        return [NO_LABEL]
    # a name may hold a comma
    if text.strip() in classes:
        return [classes.index(text.strip())]
    found = []
    for part in text.split(","):
        # eighteen digits are more than there can be classes, and python reads no more than some thousand
        numbers = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", part.strip())
        if part.strip() in classes:
            found.append(classes.index(part.strip()))
        elif numbers:
            split_range = int(numbers[1]), int(numbers[2] or numbers[1])
            if classes and max(split_range) >= len(classes):
                raise UsageError(
                    f"label {max(split_range)}: the classes are 0 to {len(classes) - 1} ({', '.join(classes)})"
                )
            # of a model that knows none only the ends are looked at, to be refused
            found += range(split_range[0], split_range[1] + 1) if classes else split_range
        else:
            raise unknown_name("label", part.strip(), classes or ("none",))
    if not found:
        raise UsageError(f"label '{text}' names no class: write 7, 0-9 or 1,3,5")
    return found


def metadata(model: Model, **more: Any) -> dict[str, Any]:
    """Return what a picture says of the model that drew it, and `more`."""
    return {"model": model.name, "weights": model.weights, "step": model.step} | more
