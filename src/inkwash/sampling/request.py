"""What is asked of `sample`, as one value: it is checked against the model, kept in the picture, and read back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from inkwash.config.schema import decode_schedule, encode_schedule
from inkwash.core import Frame, Sampler
from inkwash.errors import UsageError
from inkwash.io.limits import require_bounded
from inkwash.io.validation import validate
from inkwash.model import Model
from inkwash.sampling.editing import Edit, Interpolation
from inkwash.sampling.run import (
    SampleBatch,
    SamplingSettings,
    frames,
    interpolation,
    labels_for,
    metadata,
    parse_labels,
    sample_batches,
    split_range,
)

Kind = Literal["grid", "strip", "film"]
COUNTS = {"grid": 64, "strip": 8, "film": 16}
POINTS = 2000
MORPHED = {"grid": 10, "strip": 10, "film": 30}
LARGEST_COUNT = 10**7
LARGEST_SEED = 2**63 - 10**6
LONGEST_TEXT = 1 << 23
"""Characters of a string that an image keeps: the longest are images to start from, PNG in base64."""


@dataclass(frozen=True)
class Request:
    """The settings of one picture, as the user gave them; None means the default."""

    model: str
    kind: Kind = "grid"
    n: int | None = None
    label: str | None = None
    seed: int = 0
    seed_to: int | None = None
    scale: int | None = None
    columns: int | None = None
    settings: SamplingSettings = field(default_factory=SamplingSettings)

    def __post_init__(self) -> None:
        lowest = {"-n": 1, "--seed": 0, "the far --seed": 0, "--scale": 1, "--columns": 1}
        given = (self.n, self.seed, self.seed_to, self.scale, self.columns)
        for (name, low), value in zip(lowest.items(), given, strict=True):
            if value is not None and value < low:
                raise UsageError(f"{name} is {value}: it must be at least {low}")
        if self.n is not None and self.n > LARGEST_COUNT:
            raise UsageError(f"-n is {self.n}: one call draws at most {LARGEST_COUNT:,}; draw more by another --seed")
        if max(self.seed + (self.n or 0), self.seed_to or 0) > LARGEST_SEED:
            raise UsageError(f"--seed is {self.seed}: seeds have 63 bits, the last may be {LARGEST_SEED}")
        if self.kind == "strip" and self.columns is not None:
            raise UsageError("--columns has no effect on a strip, whose columns are its moments: leave it out")

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain values, for a picture to keep."""
        schedule, edit = self.settings.schedule, self.settings.edit
        settings = vars(self.settings) | {
            "schedule": None if schedule is None else encode_schedule(schedule),
            "edit": None if edit is None else edit.to_dict(),
        }
        return vars(self) | {"settings": settings}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Request:
        """Return the request that a picture keeps. Raises `UsageError` when a newer inkwash wrote it."""
        require_bounded(values, "request", LONGEST_TEXT)
        try:
            settings = dict(values["settings"])
        except (TypeError, KeyError, ValueError):
            raise UsageError("the picture was drawn by another inkwash, which this one cannot follow") from None
        if settings.get("schedule") is not None:
            settings["schedule"] = decode_schedule(settings["schedule"])
        try:
            if settings.get("edit") is not None:
                settings["edit"] = Edit.from_dict(settings["edit"])
            asked = validate(SamplingSettings, settings, "request.settings")
            return validate(cls, values | {"settings": asked}, "request")
        except (TypeError, KeyError) as error:
            raise UsageError(
                f"the picture was drawn by another inkwash, which this one cannot follow: {error}"
            ) from None

    def resolve(self, model: Model) -> Drawing:
        """Return the request with every default settled for `model`. Raises `UsageError` for what it cannot do."""
        settings = self.settings
        # built once here, so that what cannot be done is said before anything is drawn or written
        sampler = settings.sampler_of(model)
        model.denoiser(settings.guidance, settings.interval, settings.clip, settings.precision)
        near, far = split_range(self.label, model.spec.classes)
        if self.seed_to is not None or far is not None:
            seeds, labels, morph = interpolation(
                model, self.n or MORPHED[self.kind], (self.seed, self.seed_to), (near, far)
            )
            return Drawing(self, model, seeds, labels, settings, sampler, self.columns or min(len(seeds), 10), morph)
        wanted = None if near is None else parse_labels(near, model.spec.classes)
        several = len(wanted) if wanted and len(wanted) > 1 else 0
        usual = POINTS if model.spec.is_points else COUNTS[self.kind]
        count = self.n or (several * (10 if self.kind == "grid" else 1) if several else usual)
        seeds = torch.arange(self.seed, self.seed + count)
        columns = self.columns or (several or None)
        return Drawing(self, model, seeds, labels_for(model, seeds, wanted), settings, sampler, columns)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A request settled for a model: seeds and labels of all images, sampler, columns."""

    request: Request
    model: Model
    seeds: Tensor
    labels: Tensor
    settings: SamplingSettings
    sampler: Sampler
    columns: int | None
    morph: Interpolation | None = None

    @property
    def count(self) -> int:
        """How many examples."""
        return len(self.seeds)

    def batches(self, batch: int, done: Any = None) -> Iterator[SampleBatch]:
        """Yield the finished examples, at most `batch` at a time."""
        return sample_batches(self.model, self.seeds, self.labels, self.settings, batch, done, self.morph)

    def part(self, span: slice) -> Drawing:
        """Return the drawing of some of the examples."""
        morph = self.morph
        way = None if morph is None else Interpolation(morph.seeds[span], morph.labels[span], morph.turn[span])
        return replace(self, seeds=self.seeds[span], labels=self.labels[span], morph=way)

    def path(self, done: Callable[[float], object] = lambda images: None) -> Iterator[Frame]:
        """Yield the frames of all examples at once, from noise to picture; `done(images)` is called after each."""
        for step, frame in enumerate(frames(self.model, self.seeds, self.labels, self.settings, self.morph)):
            done(step * self.count / self.sampler.steps)
            yield frame

    def metadata(self) -> dict[str, Any]:
        """Return what the picture keeps: model, weights, and the request it can be drawn again from."""
        from inkwash import __version__

        drawn = f"{self.sampler.kind}:{self.sampler.steps}"
        return metadata(self.model, inkwash=__version__, sampler=drawn, request=self.request.to_dict())
