"""The JSON body of a sampling request: every field with its range, validated before anything is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from inkwash.errors import ErrorCode, UsageError, renamed_fields
from inkwash.io.validation_errors import OUT_OF_RANGE, UNKNOWN_FIELD
from inkwash.model import Model
from inkwash.sampling.editing import Edit, Morph
from inkwash.sampling.labels import assign_labels
from inkwash.sampling.prompts import parse_prompt
from inkwash.sampling.prompts.requests import with_prompt
from inkwash.sampling.prompts.values import format_descriptions
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import SamplingRun, resolve
from inkwash.web.pixels import read_pixels

MAX_IMAGES = 400
"""Images or points of one request."""
MAX_EVALUATIONS = 64_000
"""Network evaluations of one request: 64 images by 1,000 steps of DDPM."""
MAX_LIVE_EVALUATIONS = 400
"""Network evaluations of one live request, which cannot be stopped between two steps."""
MAX_ENCODED_EVALUATIONS = 4000
"""Network evaluations of one image to encode, which cannot be stopped before its samples: 8 images by 500 steps."""
MAX_PROMPT = 1000
"""Characters of a prompt."""
MIN_NOISE = 0.001
"""The least noise level u of an image to denoise: without noise an output of the network may determine no image."""
MAX_SEED = 2**53 - 1
"""The largest integer that JavaScript represents exactly."""

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Label = Annotated[int, Field(ge=-1, le=9999)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Position = Annotated[Number, Field(ge=0, le=1)]
Base64 = Annotated[str, Field(max_length=100_000)]
Attributes = Annotated[
    dict[str, Annotated[list[Number | None], Field(min_length=1, max_length=MAX_IMAGES)]], Field(max_length=20)
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EditBody(_Body):
    """An image to start from; `image` and `mask` are the bytes of all pixels, row by row, in base64."""

    image: Base64 = Field(description="C*H*W bytes in base64, channel by channel, 0 black and 255 white")
    mask: Base64 | None = Field(
        None, description="H*W bytes in base64, not 0 where the model samples; null: everywhere"
    )
    noise: Number = Field(gt=0, le=1, description="u that the image is noised to; 1 is noise alone")
    encode: bool = Field(False, description="encode it as noise: samples are the image with other attributes or labels")

    def edit(self, shape: tuple[int, ...]) -> Edit:
        """Return the edit for a model of images `shape` (C, H, W). Raises `UsageError` for an image of another size."""
        if len(shape) != 3:
            raise UsageError("edit has no effect on points: leave it out", code="unsupported", field="edit")
        mask = None if self.mask is None else read_pixels("edit.mask", self.mask, shape[1:]) > 0
        return Edit(read_pixels("edit.image", self.image, shape), mask, self.noise, encode=self.encode)


class ConditionsBody(_Body):
    """What samples are conditioned on, by classes, attributes and a prompt, of which none may name the same."""

    model: str = Field(max_length=300, description="a name from /api/models")
    labels: list[Label] | None = Field(
        None,
        min_length=1,
        max_length=MAX_IMAGES,
        description="indices of classes in turn, -1 unconditional; null: random",
    )
    attributes: Attributes = Field({}, description="by name the values in turn, null for any; {}: none is requested")
    extrapolate: bool = Field(False, description="allow attributes outside of the range in /api/models")
    prompt: str | None = Field(None, max_length=MAX_PROMPT, description="classes and attributes in words")

    def request(self, model: Model, **settings: Any) -> SampleRequest:
        """Return the request with other `settings`. Raises `UsageError` as `with_prompt` does, and for files in the prompt."""
        request = SampleRequest(
            label=None if self.labels is None else tuple(self.labels),
            attributes={name: tuple(values) for name, values in self.attributes.items()} or None,
            extrapolate=self.extrapolate,
            **settings,
        )
        if self.prompt is None:
            return request
        # A prompt with "like FILE" would read files of the server's machine.
        return with_prompt(request, self.prompt, model, allow_pictures=False)


class PromptBody(ConditionsBody):
    """A prompt without a request for samples, beside the classes and attributes that the page has set."""

    prompt: str = Field(max_length=MAX_PROMPT, description="classes and attributes in words")
    edit: EditBody | None = Field(None, description="an encoded image that words such as bolder compare with")

    def meaning(self, model: Model) -> dict[str, Any]:
        """Return the images of the prompt as `text`, and its `labels` (None where it names none) and `attributes` in turn.

        Raises `UsageError` as a request for samples does.
        """
        with renamed_fields(label="labels"):
            request = self.request(model, edit=None if self.edit is None else self.edit.edit(model.spec.shape))
            resolve(request, model)
        images = parse_prompt(self.prompt, model.spec.classes if model.conditional else ())
        return {
            "text": format_descriptions(images, model.spec.classes),
            "labels": None if self.labels is not None else request.label,
            "attributes": {
                name: values for name, values in (request.attributes or {}).items() if name not in self.attributes
            },
        }


class MetadataBody(_Body):
    """The metadata of an image that inkwash wrote."""

    request: dict[str, Any] = Field(description="the value of that name in the metadata")


class SampleBody(ConditionsBody):
    """A sampling request; null stands for the value in the model's recipe."""

    seeds: list[Seed] = Field(min_length=1, max_length=MAX_IMAGES, description="one for each image")
    seed_to: Seed | None = Field(None, description="interpolate the noise to that of this seed")
    label_to: Label | None = Field(None, description="interpolate the prediction to that of this class")
    sampler: str | None = Field(None, max_length=40, description="ddpm, ddim, dpm++2m …; with steps as in ddim:50")
    steps: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="sampling steps")
    eta: Annotated[Number, Field(ge=0, le=10)] | None = Field(None, description="fresh noise, for ddim and dpm++2m-sde")
    temperature: Annotated[Number, Field(ge=0, le=10)] = Field(1.0, description="scale of the fresh noise")
    guidance: Annotated[Number, Field(ge=0, le=20)] | None = Field(None, description="weight w; 1 is no guidance")
    interval: tuple[Number, Number] = Field((0.0, 1.0), description="range of u in which guidance is applied")
    edit: EditBody | None = Field(None, description="an image to start from")
    max_frames: Annotated[int, Field(ge=2, le=120)] = Field(60, description="the most steps sent, evenly spaced")
    exact: bool = Field(False, description="also send the prediction of the exact denoiser of the training set")
    judge: bool = Field(False, description="also count the samples that the classifier of the data recognizes")
    field: bool = Field(False, description="for points: also send the denoised points of a grid")

    def resolve(self, model: Model) -> SamplingRun:
        """Return the request resolved against `model`. Raises `UsageError` for what the model cannot do."""
        # The names of the request's fields differ from those of the library.
        with renamed_fields(label="labels", seed="seeds", image="edit.image"):
            request = self.request(
                model,
                label_to=self.label_to,
                n=len(self.seeds),
                seed=tuple(self.seeds),
                seed_to=self.seed_to,
                sampler=self.sampler,
                steps=self.steps,
                eta=self.eta,
                temperature=self.temperature,
                guidance=self.guidance,
                interval=self.interval,
                edit=None if self.edit is None else self.edit.edit(model.spec.shape),
            )
            run = resolve(request, model)
        limit = MAX_EVALUATIONS if run.source is None else MAX_ENCODED_EVALUATIONS
        _require_few(run, limit, "one request: use fewer images or steps", "steps")
        return run


class LiveBody(ConditionsBody):
    """A request for finished images only, by the recipe's sampler, at a position between two seeds and two classes."""

    seeds: list[Seed] = Field(min_length=1, max_length=MAX_IMAGES, description="one for each image")
    seed_to: Seed | None = Field(None, description="the noise of image k moves towards that of seed_to + k")
    seed_position: Position = Field(0.0, description="0 is the noise of the seed, 1 that of the end")
    labels_to: list[Label] | None = Field(
        None, min_length=1, max_length=MAX_IMAGES, description="classes of the end in turn; null: random by its seeds"
    )
    label_position: Position = Field(0.0, description="0 is the class embedding of the label, 1 that of the end")
    guidance: Annotated[Number, Field(ge=0, le=20)] | None = Field(None, description="weight w; 1 is no guidance")

    def resolve(self, model: Model) -> SamplingRun:
        """Return the request resolved against `model`. Raises `UsageError` for what the model cannot do."""
        with renamed_fields(label="labels", seed="seeds"):
            settings = {"n": len(self.seeds), "seed": tuple(self.seeds), "guidance": self.guidance}
            run = resolve(self.request(model, **settings), model)
        _require_few(run, MAX_LIVE_EVALUATIONS, "one live request: use fewer images, or /api/sample", "seeds")
        end_seeds = run.seeds if self.seed_to is None else self.seed_to + torch.arange(len(run))
        with renamed_fields(label="labels_to"):
            end_labels = assign_labels(model, end_seeds, self.labels_to)
        positions = self.seed_position, self.label_position
        return replace(run, interpolation=Morph(end_seeds, end_labels, *positions, len(model.spec.classes)))


class ImageBody(_Body):
    """An image of a model's shape; `image` is the bytes of all pixels, row by row, in base64."""

    model: str = Field(max_length=300, description="a name from /api/models")
    image: Base64 = Field(description="C*H*W bytes in base64, channel by channel, 0 black and 255 white")

    def pixels(self, model: Model) -> Tensor:
        """Return the image, uint8 [C, H, W]. Raises `UsageError` for one of another size, and for a model of points."""
        if model.spec.is_points:
            raise UsageError(f"{model.name} has points, not images", code="unsupported", field="model")
        return read_pixels("image", self.image, model.spec.shape)


class DenoiseBody(ImageBody):
    """An image to noise and to denoise once."""

    noise: Annotated[Number, Field(ge=MIN_NOISE, le=1)] = Field(description="u that the image is noised to")
    seed: Seed = Field(0, description="seed of the noise, which is that of a sample of this seed")
    label: Label = Field(-1, description="index of the class, -1 unconditional")
    exact: bool = Field(True, description="also return the prediction of the exact denoiser")

    def labels(self, model: Model) -> Tensor | None:
        """Return the label, int64 [1], None for unconditional. Raises `UsageError` for one that the model lacks."""
        with renamed_fields(labels="label"):
            found = assign_labels(model, torch.tensor([self.seed]), [self.label])
        return found if self.label >= 0 else None


Body = TypeVar("Body", bound=_Body)


def read(body: bytes, kind: type[Body]) -> Body:
    """Return the request in `body`, JSON. Raises `UsageError` with the first invalid field and its range."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem, path = first["type"], [str(part) for part in first["loc"] if part != "function-after"]
        code: ErrorCode = "missing-field" if problem == "missing" else "invalid-value"
        if problem in UNKNOWN_FIELD:
            code = "unknown-field"
        elif problem in OUT_OF_RANGE or problem in ("too_long", "too_short", "string_too_long"):
            code = "out-of-range"
        message = f"{'.'.join(path) or 'the request'}: {first['msg']}"
        raise UsageError(message, code=code, field=".".join(path) or None) from None


def _require_few(run: SamplingRun, limit: int, remedy: str, field: str) -> None:
    """Raise `UsageError` when `run` needs more than `limit` network evaluations without guidance."""
    evaluations = run.sampler.evaluations * len(run)
    if evaluations > limit:
        message = f"{evaluations:,} network evaluations exceed the {limit:,} of {remedy}"
        raise UsageError(message, code="too-large", field=field)
