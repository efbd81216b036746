"""What is measured: a model or a recipe, with the data that it trains on, or random pixels where that is not here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from inkwash import data, model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core.noise import Stream, normals, words
from inkwash.data import Dataset
from inkwash.data.known_shapes import FORMS
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError, unknown_name
from inkwash.hardware import devices
from inkwash.model import Model

RANDOM = 2048
"""Random examples that stand for data that is not here."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A `model` by the `name` that it was given, with `data` to train on; not `trained` if only its recipe was named."""

    name: str
    model: Model
    data: Dataset
    trained: bool

    @property
    def fast_sampler(self) -> str:
        """The sampler that the recipe draws its own pictures with while it trains."""
        return self.model.recipe.sampling.preview

    @classmethod
    def of(cls, name: str, device: torch.device) -> Subject:
        """Return the subject called `name`: a bundled model or recipe, a recipe file, a run folder or a checkpoint.

        Nothing is downloaded. Raises `UsageError` when there is none, or when the data of a recipe is not here and
        its form is not known.
        """
        if name in model.bundled() or (Path(name).exists() and Path(name).suffix != ".toml"):
            loaded = model.load(name, device=device.type)
            return cls(name, loaded, _data(loaded.recipe, loaded.spec), True)
        if name not in recipe.bundled() and Path(name).suffix != ".toml":
            near = unknown_name("model or recipe", name, {*model.bundled(), *recipe.bundled()})
            raise UsageError(f"{near}; or give a run folder, a checkpoint or a recipe file NAME.toml")
        chosen = recipe.load(name)
        some = _data(chosen, None)
        spec = DatasetSpec.of(some, chosen.data.std)
        chosen = chosen.suiting(spec.classes)
        net = devices.lay_out(model.fitting(model.build_net(chosen, spec), spec), device)
        return cls(name, Model(chosen.name, chosen, spec, net.eval().requires_grad_(False), 0, ""), some, False)


def _data(chosen: Recipe, spec: DatasetSpec | None) -> Dataset:
    found = data.local(chosen.data.name, chosen.data.size)
    if found is not None and (spec is None or (found.shape == spec.shape and found.classes == spec.classes)):
        return found
    if spec is not None:
        return random(spec.shape, spec.classes)
    if chosen.data.name not in FORMS:
        raise UsageError(f"recipe {chosen.name} trains on {chosen.data.name}, which is not here: mend its data.name")
    shape, classes = FORMS[chosen.data.name]
    if chosen.data.size is not None:
        shape = (shape[0], chosen.data.size, chosen.data.size)
    return random(shape, tuple(map(str, range(classes))))


def random(shape: tuple[int, ...], classes: tuple[str, ...], count: int = RANDOM) -> Dataset:
    """Return `count` examples of `shape` in these `classes`: pixels, or points for a shape of one axis, from counters."""
    place = torch.arange(count)
    if len(shape) == 1:
        values = normals(0, place, 0, Stream.EVALUATION, shape)
    else:
        pixels = words(0, place, 0, Stream.EVALUATION, int(torch.Size(shape).numel())) % 256
        values = pixels.to(torch.uint8).unflatten(1, shape)
    return Dataset("random numbers", values, place % len(classes) if classes else None, classes)
