"""What a recipe inherits from the model that training starts from, and contradictions between the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.core import Stretch, Warped
from inkwash.errors import UsageError
from inkwash.nets import NETS

SECTIONS = ("network", "target", "clip", "schedule")
"""Sections that the model determines, but for attributes that it lacks: its weights fit these only."""


def continued_from(recipe: Recipe, model: Recipe, data_std: float) -> Recipe:
    """Return `recipe` for training that starts from the weights of a model.

    Network, target, clipping, schedule and input scale are those of the `model` recipe, whose data have the standard
    deviation `data_std`; a network without attributes gets those of `recipe`. A distilled model samples on its
    schedule from `distillation.start` on. Raises `UsageError` where the network cannot take the attributes of `recipe`.
    """
    own = recipe if model.network.conditional else recipe.for_classes(())
    sampling, network = own.sampling, model.network
    if _adds_attributes(own, model):
        network = replace(network, options=network.options | {"attributes": own.network.attributes})
    elif own.network.attributes and not network.attributes:
        message = (
            f"{recipe.name} is conditioned on attributes, {model.name} ({network.kind}) is not: start from a model that is"
            + (f", or of {own.network.kind}" if own.distillation is None else "")
        )
        raise UsageError(message, code="mismatch", field="from")
    if own.distillation is not None:
        sampling = replace(sampling, schedule=Warped(model.schedule, Stretch(own.distillation.start)))
    return replace(
        own,
        network=network,
        target=model.target,
        clip=model.clip,
        schedule=model.schedule,
        data=replace(own.data, std=data_std),
        sampling=sampling,
    )


def _adds_attributes(recipe: Recipe, model: Recipe) -> bool:
    """Return whether training from the weights of a `model` adds the attributes of `recipe` to its network."""
    same_kind = model.network.kind == recipe.network.kind
    return (
        same_kind and not model.network.attributes and bool(recipe.network.attributes) and recipe.distillation is None
    )


def require_own_fields(paths: Iterable[str]) -> None:
    """Raise `UsageError` for a field among `paths` that a model to start from determines."""
    for path in paths:
        name = path.replace("__", ".")
        if (name.partition(".")[0] in SECTIONS and name != "network.attributes") or name == "data.std":
            message = f"{name} has no effect with a model to start from, which determines it: leave one of the two out"
            raise UsageError(message, code="no-effect", field=name)


def require_consistent(recipe: Recipe, model: Recipe, name: str) -> None:
    """Raise `UsageError` for a field that the user gave in `recipe` and the `model` called `name` contradicts.

    The user gave what differs from the bundled recipe of that name, or from the defaults where there is none: the network of a
    bundled recipe is replaced by that of the model.
    """
    own = recipe if model.network.conditional else recipe.for_classes(())
    wanted = dict(_fields(model.to_dict()))
    before = dict(_fields(_unchanged(own)))
    for path, value in _fields(own.to_dict()):
        added = path == "network.attributes" and _adds_attributes(own, model)
        if value != wanted.get(path) and value != before.get(path) and not added:
            has = f"{wanted[path]} in" if path in wanted else "not a field of"
            raise UsageError(
                f"{path} is {value} in the recipe {recipe.name} and {has} {name}, which training starts from: write into the "
                f"recipe what 'inkwash show {name}' prints, or leave --from out (in Python pretrained=)",
                code="conflict",
                field=path,
            )


def _unchanged(recipe: Recipe) -> dict[str, Any]:
    """Return the bundled recipe of the same name, else one of defaults with the kinds of `recipe`, as plain values."""
    if recipe.name in recipes.bundled():
        bundled = recipes.load(recipe.name)
        return (bundled if recipe.network.conditional else bundled.for_classes(())).to_dict()
    values = recipe.to_dict()
    kinds = {"name": recipe.name, "network": {"kind": values["network"]["kind"]}}
    defaults = Recipe.from_dict(kinds, check_network_options=values["network"]["kind"] in NETS).to_dict()
    # A network has no default kind, and the options of another schedule are not those of the default one.
    del defaults["network"]["kind"]
    if values["schedule"]["kind"] != defaults["schedule"]["kind"]:
        defaults["schedule"] = {}
    return defaults


def _fields(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths and values of the fields of SECTIONS."""
    for section in SECTIONS:
        inside = values[section]
        for name, value in inside.items() if isinstance(inside, Mapping) else [("", inside)]:
            yield f"{section}.{name}".strip("."), [*value] if isinstance(value, tuple) else value
