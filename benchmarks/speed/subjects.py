"""What is timed: a model or a recipe, with the data it trains on, or random pixels where that data is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from inkwash import data, model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core.rng import Stream, normals, philox_words
from inkwash.data import Dataset
from inkwash.data.registry import EXAMPLE_SHAPES
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError, unknown_name
from inkwash.hardware import devices
from inkwash.model import Model

RANDOM_EXAMPLES = 2048


@dataclass(frozen=True, eq=False)
class Subject:
    """A `model` with the `name` that was given and `data` to train on; not `trained` when only a recipe was named."""

    name: str
    model: Model
    data: Dataset
    trained: bool

    @classmethod
    def load(cls, name: str, device: torch.device) -> Subject:
        """Load a bundled model or recipe, a recipe file, a run folder or a checkpoint; nothing is downloaded.

        Raises `UsageError` for an unknown name, and for a recipe whose data is missing and of unknown shape.
        """
        if name in model.bundled() or (Path(name).exists() and Path(name).suffix != ".toml"):
            loaded = model.load(name, device=device.type)
            return cls(name, loaded, _local_or_random(loaded.recipe, loaded.spec), True)
        if name not in recipe.bundled() and Path(name).suffix != ".toml":
            raise unknown_name("model or recipe", name, {*model.bundled(), *recipe.bundled()})
        chosen = recipe.load(name)
        dataset = _local_or_random(chosen, None)
        spec = DatasetSpec.of(dataset, chosen.data.std)
        chosen = chosen.for_classes(spec.classes)
        net = (
            devices.to_device(model.check_forward(model.build_net(chosen, spec), spec), device)
            .eval()
            .requires_grad_(False)
        )
        return cls(name, Model(chosen.name, chosen, spec, net, 0, ""), dataset, False)


def random_dataset(shape: tuple[int, ...], classes: tuple[str, ...], count: int = RANDOM_EXAMPLES) -> Dataset:
    """Return `count` random examples: uint8 pixels, or float32 points for a shape of one axis."""
    index = torch.arange(count)
    if len(shape) == 1:
        values = normals(0, index, 0, Stream.BENCHMARK, shape)
    else:
        values = (philox_words(0, index, 0, Stream.BENCHMARK, torch.Size(shape).numel()) % 256).to(torch.uint8)
        values = values.unflatten(1, shape)
    return Dataset("random numbers", values, index % len(classes) if classes else None, classes)


def _local_or_random(chosen: Recipe, spec: DatasetSpec | None) -> Dataset:
    found = data.load_offline(chosen.data.name, chosen.data.size)
    if found is not None and (spec is None or (found.shape == spec.shape and found.classes == spec.classes)):
        return found
    if spec is not None:
        return random_dataset(spec.shape, spec.classes)
    if chosen.data.name not in EXAMPLE_SHAPES:
        text = f"data of recipe {chosen.name} is missing: {chosen.data.name}; set data.name"
        raise UsageError(text, code="missing-file", field="data.name")
    shape, classes = EXAMPLE_SHAPES[chosen.data.name]
    if chosen.data.size is not None:
        shape = (shape[0], chosen.data.size, chosen.data.size)
    return random_dataset(shape, tuple(map(str, range(classes))))
