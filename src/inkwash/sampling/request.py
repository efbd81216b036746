"""A request for samples as one value, filled by the command line, Python, the web page and evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inkwash.config.registry_sections import decode_schedule, encode_schedule
from inkwash.core import Schedule
from inkwash.errors import UsageError
from inkwash.io.limits import require_bounded
from inkwash.io.validation import validate
from inkwash.sampling.class_labels import StoredLabels
from inkwash.sampling.editing import Edit

MAX_COUNT = 10**7
MAX_SEED = 2**63 - 10**6
MAX_TEXT = 1 << 23
"""Maximum characters of a string in PNG metadata: the longest are initial images, PNG in base64."""
PICTURE_FIELDS = ("kind", "scale", "columns")
"""Fields of a 0.1.0 request that describe the picture and not the samples."""


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """What to sample and how; None means the default of the model's recipe.

    `model` is the name, run folder or checkpoint to load, None where the caller has the model. `seed` is the seed of
    the first of `n` examples, or the seeds of all. `label` is text as in "0-9" or "3..8", or class indices, -1 for none,
    or class names, None for none; several are repeated cyclically. With `seed_to` or `label_to` the examples interpolate
    from `seed` and `label` to these. The other fields are the arguments of `Model.sampler` and `Model.denoiser`, and an
    image to edit. `prompt` is the text that `label` and `attributes` come from (`inkwash.sampling.prompts.requests`), which
    is only stored.
    Raises `UsageError` for a number out of range.
    """

    model: str | None = None
    n: int | None = None
    label: str | StoredLabels | None = None
    label_to: int | StoredLabels | None = None
    seed: int | tuple[int, ...] = 0
    seed_to: int | None = None
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
    attributes: Mapping[str, float | tuple[float | None, ...]] | None = None
    extrapolate: bool = False
    prompt: str | None = None

    def __post_init__(self) -> None:
        seeds = self.seed if isinstance(self.seed, tuple) else (self.seed,)
        if isinstance(self.seed, tuple) and (not seeds or self.n not in (None, len(seeds))):
            raise UsageError(f"seed has {len(seeds)} values: give one for each sample", code="conflict", field="seed")
        if self.n is not None and not 1 <= self.n <= MAX_COUNT:
            message = f"n is {self.n}: it must be 1 to {MAX_COUNT:,}; sample more with another seed"
            raise UsageError(message, code="out-of-range", field="n")
        named = [("seed", seed) for seed in seeds] + ([] if self.seed_to is None else [("seed_to", self.seed_to)])
        for name, seed in named:
            if not 0 <= seed <= MAX_SEED - (self.n or 0):
                message = f"seed is {seed}: it must be 0 to {MAX_SEED - (self.n or 0)}"
                raise UsageError(message, code="out-of-range", field=name)

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain values, for PNG metadata; without attributes it is as in 0.1.0."""
        values = vars(self) | {
            "schedule": None if self.schedule is None else encode_schedule(self.schedule),
            "edit": None if self.edit is None else self.edit.to_dict(),
        }
        attributes, extrapolate, prompt = (values.pop(name) for name in ("attributes", "extrapolate", "prompt"))
        values |= {"attributes": dict(attributes), "extrapolate": extrapolate} if attributes else {}
        return values | ({} if prompt is None else {"prompt": prompt})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SampleRequest:
        """Return the request in PNG metadata, of 0.1.0 as well. Raises `UsageError` for fields of a newer inkwash."""
        require_bounded(values, "request", MAX_TEXT)
        try:
            fields = dict(values)
            if "settings" in fields:
                # 0.1.0 stored sampler settings in a nested table and rendering options beside it.
                fields = {key: value for key, value in fields.items() if key not in PICTURE_FIELDS}
                fields |= dict(fields.pop("settings"))
            if fields.get("schedule") is not None:
                fields["schedule"] = decode_schedule(fields["schedule"])
            if fields.get("edit") is not None:
                fields["edit"] = Edit.from_dict(fields["edit"])
            if fields.get("model") is None:
                raise KeyError("model")
            return validate(cls, fields, "request")
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            message = f"the metadata is not a request of this version of inkwash: {error}"
            raise UsageError(message, code="wrong-file") from None
