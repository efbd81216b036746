"""What is asked of `sample`, as one value: it is checked against the model, kept in the picture, and read back from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from inkwash.core import Frame, Sampler
from inkwash.drawing import Drawn, Settings, draw, frames, labels_for, parse_labels
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sections import decode_schedule, encode_schedule
from inkwash.sheets import facts_of

Kind = Literal["grid", "strip", "film"]
COUNTS = {"grid": 64, "strip": 8, "film": 16}
POINTS = 2000
LARGEST_SEED = 2**63 - 10**6


@dataclass(frozen=True)
class Request:
    """The settings of one picture, as the user gave them; None means the default."""

    model: str
    kind: Kind = "grid"
    n: int | None = None
    label: str | None = None
    seed: int = 0
    scale: int | None = None
    columns: int | None = None
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        for name, lowest in (("n", 1), ("seed", 0), ("scale", 1), ("columns", 1)):
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise UsageError(f"-{'' if name == 'n' else '-'}{name} is {value}: it must be at least {lowest}")
        if self.seed + (self.n or 0) > LARGEST_SEED:
            raise UsageError(f"--seed is {self.seed}: seeds have 63 bits, the last may be {LARGEST_SEED}")
        if self.kind == "strip" and self.columns is not None:
            raise UsageError("--columns has no effect on a strip, whose columns are its moments: leave it out")

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain values, for a picture to keep."""
        schedule = self.settings.schedule
        settings = vars(self.settings) | {"schedule": None if schedule is None else encode_schedule(schedule)}
        return vars(self) | {"settings": settings}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Request:
        """Return the request that a picture keeps. Raises `UsageError` when a newer inkwash wrote it."""
        try:
            settings = dict(values["settings"])
        except (TypeError, KeyError, ValueError):
            raise UsageError("the picture was drawn by another inkwash, which this one cannot follow") from None
        if settings.get("schedule") is not None:
            settings["schedule"] = decode_schedule(settings["schedule"])
        try:
            asked = Settings(**(settings | {"interval": tuple(settings["interval"])}))
            found = cls(**(values | {"settings": asked}))
            if found.kind not in COUNTS or not isinstance(found.model, str):
                raise TypeError(f"kind {found.kind}, model {found.model}")
            return found
        except (TypeError, KeyError) as error:
            raise UsageError(
                f"the picture was drawn by another inkwash, which this one cannot follow: {error}"
            ) from None

    def resolve(self, model: Model) -> Drawing:
        """Return the request with every default settled for `model`. Raises `UsageError` for what it cannot do."""
        wanted = None if self.label is None else parse_labels(self.label, model.facts.classes)
        several = len(wanted) if wanted and len(wanted) > 1 else 0
        usual = POINTS if model.facts.is_points else COUNTS[self.kind]
        count = self.n or (several * (10 if self.kind == "grid" else 1) if several else usual)
        seeds = torch.arange(self.seed, self.seed + count)
        columns = self.columns or (several or None)
        settings = self.settings
        # built once here, so that what cannot be done is said before anything is drawn or written
        sampler = settings.sampler_of(model)
        model.denoiser(settings.guidance, settings.interval, settings.clip, settings.precision)
        return Drawing(self, model, seeds, labels_for(model, seeds, wanted), settings, sampler, columns)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A request settled for a model: seeds and labels of all images, sampler, columns."""

    request: Request
    model: Model
    seeds: Tensor
    labels: Tensor
    settings: Settings
    sampler: Sampler
    columns: int | None

    @property
    def count(self) -> int:
        """How many examples."""
        return len(self.seeds)

    def batches(self, batch: int, done: Any = None) -> Iterator[Drawn]:
        """Yield the finished examples, at most `batch` at a time."""
        return draw(self.model, self.seeds, self.labels, self.settings, batch, done)

    def path(self) -> Iterator[Frame]:
        """Yield the frames of all examples at once, from noise to picture."""
        return frames(self.model, self.seeds, self.labels, self.settings)

    def facts(self) -> dict[str, Any]:
        """Return what the picture keeps: model, weights, and the request it can be drawn again from."""
        from inkwash import __version__

        drawn = f"{self.sampler.kind}:{self.sampler.steps}"
        return facts_of(self.model, inkwash=__version__, sampler=drawn, request=self.request.to_dict())
