"""Weights of other programs: safetensors files without inkwash's header, matched with networks by names and shapes."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
from torch import Tensor, nn

from inkwash import DEFAULT_MODEL
from inkwash import data as datasets
from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.data import ink
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError, warn
from inkwash.io import checkpoints
from inkwash.io.checkpoints import Checkpoint
from inkwash.model.building import build_net

Shapes = Mapping[str, tuple[int, ...]]
AVERAGES = ("ema", "average", "shadow")
"""Parts of prefixes of averaged weights, which are preferred to others that fit as well."""


class Fit(NamedTuple):
    """How the tensors under `prefix` fit a network: `matching` of `total` have the name and shape; `extra` have no place."""

    prefix: str
    matching: int
    total: int
    extra: int

    @property
    def complete(self) -> bool:
        """Whether the tensors are those of the network, all of them and no others."""
        return self.matching == self.total and not self.extra


def best_fit(found: Shapes, network: Shapes) -> Fit:
    """Return the fit of the tensors `found` to the `network`, under the prefix where most of them match."""
    matches: Counter[str] = Counter()
    for name, shape in network.items():
        for key, other in found.items():
            if shape == other and (key == name or key.endswith(f".{name}")):
                matches[key.removesuffix(name)] += 1
    ranked = sorted(matches, key=lambda prefix: (-matches[prefix], not _is_average(prefix), len(prefix)))
    prefix = ranked[0] if ranked else ""
    under = [key for key in found if key.startswith(prefix)]
    return Fit(prefix, matches[prefix], len(network), len(under) - matches[prefix])


def adopted(
    path: Path, models: Mapping[str, Path], recipe: str | None = None, net: nn.Module | None = None
) -> Checkpoint:
    """Return the tensors of a safetensors file without header as a checkpoint of the recipe whose network they fit.

    `models` are the checkpoints of the bundled models. Without `recipe`, their recipes are tried, and the choice is
    printed; `net` replaces the network of `recipe`. Raises `InkwashError` when the tensors fit no network.
    """
    tensors = safetensors.torch.load_file(path)
    found = _shapes(tensors)
    if recipe is not None:
        chosen, spec = _described(recipe, models)
        network = net if net is not None else build_net(chosen, spec, sum(each.numel() for each in tensors.values()))
        fit = best_fit(found, _shapes(network.state_dict()))
        if not fit.complete:
            raise InkwashError(
                f"{path} does not fit the network of {recipe}: {_counts([(recipe, fit)])} tensors have its names and "
                f"shapes, {fit.extra} others have none; give the recipe that it was trained with",
                code="mismatch",
                field="recipe",
            )
        return _checkpoint(chosen.to_dict(), spec.to_dict(), tensors, fit)
    fits = {name: best_fit(found, _bundled_shapes(file)) for name, file in models.items()}
    complete = sorted(
        (name for name, fit in fits.items() if fit.complete), key=lambda name: (name != DEFAULT_MODEL, name)
    )
    command = f"inkwash export {shlex.quote(str(path))} --to safetensors --recipe NAME -o NEW.safetensors"
    if not complete:
        nearest = sorted(fits.items(), key=lambda each: -each[1].matching / each[1].total)[:3]
        raise InkwashError(
            f"{path} has {len(found):,} tensors but no inkwash header, and fits no bundled network (matching names and "
            f"shapes: {_counts(nearest)}): its recipe and its data are missing; with a recipe of its network, {command} "
            "adds them",
            code="wrong-file",
            field="model",
        )
    first, *others = complete
    also = f" (and {', '.join(others)})" if others else ""
    warn(
        f"{path} has no inkwash header; all {fits[first].total} tensors fit {first}{also}: read with recipe and data of "
        f"{first}; for another recipe, {command}"
    )
    header = checkpoints.header(models[first])
    return _checkpoint(header["recipe"], header["facts"], tensors, fits[first])


def require_own(path: Path) -> None:
    """Raise `UsageError` for a file at `path` of another program, with the command that makes a checkpoint of it."""
    try:
        checkpoints.header(path)
    except checkpoints.ForeignCheckpointError:
        command = f"inkwash export {shlex.quote(str(path))} --to safetensors -o NEW.safetensors"
        message = f"{path} has no inkwash header: {command} writes a checkpoint with one"
        raise UsageError(message, code="wrong-file", field="run") from None


def _described(recipe: str, models: Mapping[str, Path]) -> tuple[Recipe, DatasetSpec]:
    """Return a recipe and the spec of its data: of a bundled model, or of data on this machine."""
    if recipe in models:
        header = checkpoints.header(models[recipe])
        return Recipe.from_dict(header["recipe"]), DatasetSpec.from_dict(header["facts"])
    chosen = recipes.load(recipe)
    data = datasets.load_offline(chosen.data.name, chosen.data.size, chosen.data.range)
    if data is None:
        raise UsageError(
            f"the data of {recipe} ({chosen.data.name}) are not on this machine, and give shape, classes and scale: "
            "set data.name to their folder",
            code="missing-file",
            field="recipe",
        )
    spec = DatasetSpec.of(ink.inverted(data, chosen.data.invert), chosen.data.std)
    return chosen.for_classes(spec.classes), spec


def _checkpoint(recipe: dict[str, Any], facts: dict[str, Any], tensors: Mapping[str, Tensor], fit: Fit) -> Checkpoint:
    average = {
        f"average.{key.removeprefix(fit.prefix)}": value for key, value in tensors.items() if key.startswith(fit.prefix)
    }
    return Checkpoint({"recipe": recipe, "facts": facts, "progress": {"step": 0}}, average)


def _bundled_shapes(path: Path) -> Shapes:
    weights = {key: value for key, value in safetensors.torch.load_file(path).items() if key.startswith("average.")}
    return {key.removeprefix("average."): shape for key, shape in _shapes(weights).items()}


def _shapes(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(value.shape) for name, value in tensors.items()}


def _counts(fits: Iterable[tuple[str, Fit]]) -> str:
    return ", ".join(f"{name} {fit.matching} of {fit.total}" for name, fit in fits)


def _is_average(prefix: str) -> bool:
    return any(part in prefix.lower() for part in AVERAGES)
