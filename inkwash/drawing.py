"""Drawing from a model: one seed an image, so that a picture is the same whatever batch it was drawn in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkwash.core import Frame, Labelled, Sampler, Schedule
from inkwash.core.noise import Stream, normals, uniforms
from inkwash.data import decode
from inkwash.errors import UsageError, unknown
from inkwash.model import Model

NO_LABEL = -1


@dataclass(frozen=True)
class Settings:
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

    def sampler_of(self, model: Model) -> Sampler:
        """Return the sampler for `model`. Raises `UsageError` as `Model.sampler` does."""
        sampler = model.sampler(self.sampler, self.steps, self.eta, self.temperature, self.schedule)
        if self.temperature != 1 and sampler.draws_no_noise:
            raise UsageError(f"temperature has no effect on {sampler.kind}, which draws no fresh noise: leave it out")
        weight = model.recipe.sampling.guidance if self.guidance is None else self.guidance
        if tuple(self.interval) != (0, 1) and weight == 1:
            raise UsageError("interval has no effect without guidance: give --guidance as well, or leave it out")
        return sampler


class Drawn(NamedTuple):
    """A batch of finished examples: uint8 images [B, C, H, W] or float32 points [B, D], labels int64 [B], seeds int64 [B]."""

    values: Tensor
    labels: Tensor
    seeds: Tensor

    def pictures(self) -> NDArray[np.uint8]:
        """Return the images as uint8 [B, H, W] for grey ones, [B, H, W, C] for colour."""
        return pictures(self.values)


def labels_for(model: Model, seeds: Tensor, wanted: list[int] | None = None) -> Tensor:
    """Return the label of each image, int64 [N]: those `wanted` in turn, or, with None, one drawn for each seed.

    Drawn labels have the proportions of the train set; -1 is no label. Raises `UsageError` for a label that the
    model does not know.
    """
    count = len(model.facts.classes)
    if wanted is not None:
        if not wanted:
            raise UsageError("label is an empty list: name at least one class, or leave it out")
        if not model.conditional and any(label != NO_LABEL for label in wanted):
            raise UsageError(f"label has no effect: {model.name} was trained without labels; leave it out")
        for label in wanted:
            if not NO_LABEL <= label < count:
                raise UsageError(
                    f"label {label}: {model.name} knows 0 to {count - 1} ({', '.join(model.facts.classes)})"
                )
        return torch.tensor(wanted).repeat(-(-len(seeds) // len(wanted)))[: len(seeds)]
    if not model.conditional:
        return torch.full((len(seeds),), NO_LABEL)
    place = uniforms(seeds, 0, 0, Stream.SAMPLE_LABEL)[:, 0]
    edges = torch.tensor(model.facts.proportions, dtype=torch.float64).cumsum(0)
    return torch.searchsorted(edges, place).clamp(max=count - 1)


@torch.inference_mode()
def frames(model: Model, seeds: Tensor, labels: Tensor, settings: Settings) -> Iterator[Frame]:
    """Yield the frames of one batch from noise to pictures; a generator, for strips, films and pages alike.

    Raises `UsageError` for settings that the model cannot follow.
    """
    device = model.device
    heard = labels.to(device) if model.conditional and (labels != NO_LABEL).any() else None
    if heard is None and model.conditional and settings.guidance not in (None, 1):
        raise UsageError(f"guidance {settings.guidance:g} has no effect without a label: leave one of them out")
    denoiser = model.denoiser(settings.guidance, settings.interval, settings.clip, settings.precision)

    def noise(draw: int) -> Tensor:
        return normals(seeds, 0, draw, Stream.SAMPLE, model.facts.shape).to(device)

    yield from settings.sampler_of(model)(Labelled(denoiser, heard), noise)


def draw(
    model: Model,
    seeds: Tensor,
    labels: Tensor,
    settings: Settings | None = None,
    batch: int = 64,
    progress: Callable[[int], object] | None = None,
) -> Iterator[Drawn]:
    """Yield finished batches of at most `batch`; memory stays flat however many `seeds` [N] there are.

    `progress(done)` is called with the images finished so far, in fractions of a batch rounded down, after each step.
    Raises `UsageError` for settings that the model cannot follow.
    """
    settings = settings or Settings()
    steps = settings.sampler_of(model).steps
    done = 0
    for some, asked in zip(seeds.split(batch), labels.split(batch), strict=True):
        for moment, frame in enumerate(frames(model, some, asked, settings)):
            if progress is not None:
                progress(done + moment * len(some) // steps)
            last = frame.x
        done += len(some)
        yield Drawn(finished(model, last), asked, some)


def finished(model: Model, x: Tensor) -> Tensor:
    """Return a state as what people keep: points as they are, images as uint8."""
    x = x.cpu()
    return x if model.facts.is_points else decode(x)


def pictures(values: Tensor) -> NDArray[np.uint8]:
    """Return uint8 images [N, C, H, W] as arrays [N, H, W] for one channel, [N, H, W, C] for more."""
    array = values.permute(0, 2, 3, 1).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def parse_labels(text: str, classes: tuple[str, ...]) -> list[int]:
    """Return the labels that "7", "0-9", "1,3,5", a class name or "none" say.

    Raises `UsageError` for anything else, with the nearest class name.
    """
    if text == "none":
        return [NO_LABEL]
    found = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if part.strip() in classes:
            found.append(classes.index(part.strip()))
        elif first.isdecimal() and (not dash or last.isdecimal()):
            ends = int(first), int(last or first)
            if classes and max(ends) >= len(classes):
                raise UsageError(f"label {max(ends)}: the classes are 0 to {len(classes) - 1} ({', '.join(classes)})")
            found += range(ends[0], ends[1] + 1)
        else:
            raise unknown("label", part.strip(), classes or ("none",))
    if not found:
        raise UsageError(f"label '{text}' names no class: write 7, 0-9 or 1,3,5")
    return found
