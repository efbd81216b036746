"""What the page may ask for: every field with its range, so that what is wrong is said before anything is computed."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import SamplingRun, resolve

MOST = 400
"""Images or points of one request."""
MOST_EVALUATIONS = 64_000
"""Network evaluations of one request: 64 images by DDPM's thousand steps."""
LARGEST_SEED = 2**53 - 1
"""The largest whole number that a browser holds exactly."""

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Label = Annotated[int, Field(ge=-1, le=9999)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Packed = Annotated[str, Field(max_length=100_000)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Edited(_Asked):
    """A picture to start from: `picture` and `paint` are the bytes of all pixels, row by row, in base64."""

    picture: Packed = Field(description="C*H*W bytes in base64, channel by channel, 0 black and 255 white")
    paint: Packed | None = Field(
        None, description="H*W bytes in base64: not 0 where the model paints; null for everywhere"
    )
    noise: Number = Field(gt=0, le=1, description="how far the picture is noised first; 1 is noise alone")

    def edit(self, shape: tuple[int, ...]) -> Edit:
        """Return the edit for a model of images `shape` (C, H, W). Raises `UsageError` when it is of another size."""
        if len(shape) != 3:
            raise UsageError("edit has no effect on points: leave it out")
        mask = None if self.paint is None else _pixels("edit.paint", self.paint, shape[1:]) > 0
        return Edit(_pixels("edit.picture", self.picture, shape), mask, self.noise)


class Far(_Asked):
    """The far end of a way: the images go from their own seed and label to these."""

    seed: Seed | None = Field(None, description="the far seed; null for the near ones")
    label: Label | None = Field(None, description="the far class; null for the near ones")


class DrawingAsked(_Asked):
    """What to draw and how; null means as the model's recipe says."""

    model: str = Field(max_length=200, description="a name from /api/models")
    seeds: list[Seed] = Field(min_length=1, max_length=MOST, description="one an image: the same seed, the same image")
    labels: list[Label] | None = Field(
        None, min_length=1, max_length=MOST, description="classes in turn, -1 for none; null: drawn for each seed"
    )
    sampler: str | None = Field(None, max_length=40, description="ddpm, ddim, dpm++2m …; with steps as in ddim:50")
    steps: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="1 to 1000")
    eta: Annotated[Number, Field(ge=0, le=10)] | None = Field(None, description="fresh noise of samplers that take it")
    temperature: Annotated[Number, Field(ge=0, le=10)] = Field(1.0, description="scale of the fresh noise, 0 to 10")
    guidance: Annotated[Number, Field(ge=-20, le=20)] | None = Field(None, description="weight w, 1 is none")
    interval: tuple[Number, Number] = Field((0.0, 1.0), description="where guidance acts, two u in [0, 1]")
    edit: Edited | None = Field(None, description="a picture to start from")
    far: Far | None = Field(None, description="images on the way to another seed or class")
    moments: Annotated[int, Field(ge=2, le=120)] = Field(60, description="at most so many moments are told")
    exact: bool = Field(False, description="also what the exact denoiser of the train set would guess")
    field: bool = Field(False, description="for points: also the guess from a grid of the plane")

    def resolve(self, model: Model) -> SamplingRun:
        """Return the request resolved against `model`. Raises `UsageError` for what the model cannot do."""
        request = SampleRequest(
            label=None if self.labels is None else tuple(self.labels),
            label_to=None if self.far is None else self.far.label,
            seed=tuple(self.seeds),
            seed_to=None if self.far is None else self.far.seed,
            sampler=self.sampler,
            steps=self.steps,
            eta=self.eta,
            temperature=self.temperature,
            guidance=self.guidance,
            interval=self.interval,
            edit=None if self.edit is None else self.edit.edit(model.spec.shape),
        )
        run = resolve(request, model)
        evaluations = run.sampler.evaluations * len(run)
        if evaluations > MOST_EVALUATIONS:
            raise UsageError(
                f"{evaluations:,} network evaluations are more than the {MOST_EVALUATIONS:,} of one request: "
                "ask for fewer images or steps"
            )
        return run


def read(body: bytes) -> DrawingAsked:
    """Return the request in `body`, JSON. Raises `UsageError` that names the first field that is wrong and its range."""
    try:
        return DrawingAsked.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("function-after",)) or "the request"
        raise UsageError(f"{where}: {first['msg']}") from None


def _pixels(name: str, packed: str, shape: tuple[int, ...]) -> Tensor:
    try:
        held = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{name}: it is no base64") from None
    count = torch.Size(shape).numel()
    if len(held) != count:
        raise UsageError(f"{name}: it has {len(held)} bytes, and the model's images have {count}")
    return torch.frombuffer(bytearray(held), dtype=torch.uint8).reshape(shape)
