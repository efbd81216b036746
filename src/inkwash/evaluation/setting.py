"""A model with its sampling settings: the name, the identity and the speed of a way of sampling."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Any

import torch

from inkwash import __version__
from inkwash.config import plugins
from inkwash.config.registry_sections import encode_schedule
from inkwash.core import Sampler
from inkwash.hardware import devices
from inkwash.model import Model
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve, sampler_for

BATCH = 100
"""Samples in one batch."""
TIMED_STEPS = 6
"""Steps that are timed, after the first."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A model with sampling settings."""

    model: Model
    request: SampleRequest

    @property
    def sampler(self) -> Sampler:
        """The sampler with all defaults resolved. Raises `UsageError` for one that the model does not support."""
        return sampler_for(self.request, self.model)

    def require_supported(self) -> None:
        """Raise `UsageError` for a sampler, guidance or precision that the model does not support."""
        _ = self.sampler
        self.model.denoiser(self.request.guidance, self.request.interval, self.request.clip, self.request.precision)

    @property
    def guidance(self) -> float:
        """The guidance weight, 1 without guidance."""
        default = self.model.recipe.sampling.guidance
        return default if self.request.guidance is None else self.request.guidance

    @property
    def name(self) -> str:
        """Model and sampler, as in "ddim-300 ddim:50" or "cfg-cosine dpm++2m:20 w 1.5"."""
        return f"{self.model.name} {self.sampler_name}"

    @property
    def sampler_name(self) -> str:
        """Sampler, steps, and the settings that differ from the defaults."""
        s, sampler = self.request, self.sampler
        options = {
            "w": f"{self.guidance:g}" if self.model.conditional else None,
            "eta": None if s.eta is None else f"{s.eta:g}",
            "temperature": None if s.temperature == 1 else f"{s.temperature:g}",
            "on": None if s.schedule is None else type(s.schedule).__name__.lower(),
        }
        given = [f"{key} {value}" for key, value in options.items() if value is not None]
        return " ".join([f"{sampler.kind}:{sampler.steps}", *given])

    @property
    def precision(self) -> str:
        """The floating-point type that the network computes in, as in "float32"."""
        return str(self._autocast or torch.float32).removeprefix("torch.")

    @property
    def _autocast(self) -> torch.dtype | None:
        return devices.precision(self.request.precision, self.model.device)

    def identity(self) -> dict[str, Any]:
        """Return everything but the seeds that determines the samples, as plain values."""
        s, sampler, recipe = self.request, self.sampler, self.model.recipe.to_dict()
        # Other devices round differently, and plugins may define any of the names below.
        device, plugin_hashes = self.model.device.type, plugins.hashes()
        optional = ({} if device == "cpu" else {"device": device}) | (
            {"own code": plugin_hashes} if plugin_hashes else {}
        )
        if s.label is not None or s.attributes:
            attributes = None if s.attributes is None else {name: s.attributes[name] for name in sorted(s.attributes)}
            optional["requested"] = hashlib.sha256(repr((s.label, attributes)).encode()).hexdigest()
        return optional | {
            "inkwash": __version__,
            "weights": self.model.weights,
            # The same weights give other samples with another recipe.
            "recipe": {part: recipe[part] for part in ("target", "network", "schedule", "sampling")},
            "data": self.model.spec.sha256,
            "sampler": [sampler.kind, sampler.steps, sampler.eta, sampler.temperature],
            "schedule": encode_schedule(sampler.schedule) if s.schedule is not None else "model",
            "guidance": [self.guidance, *s.interval],
            "clip": recipe["clip"] or None if s.clip is None else s.clip,
            "precision": str(self._autocast),
        }

    def seconds_per_sample(self) -> float:
        """Return the seconds of one sample in a batch of 100, extrapolated from some steps that are timed now.

        Times stored with the cache would not be comparable: other settings were timed on another day.
        """
        trajectory = resolve(replace(self.request, n=BATCH), self.model).frames()
        times = [time.perf_counter()]
        for frame in islice(trajectory, 1 + TIMED_STEPS):
            # Reading a value waits for an accelerator to finish the step.
            frame.x.flatten()[0].item()
            times.append(time.perf_counter())
        durations = [after - before for before, after in pairwise(times)]
        # The first step includes warm-up; a single-step sampler has no other.
        later = durations[1 : self.sampler.steps] or durations[:1]
        # Take the minimum, because other processes only make a step slower.
        return min(later) * self.sampler.steps / BATCH
