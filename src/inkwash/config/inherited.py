"""What a recipe inherits from the model that training starts from, and contradictions between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inkwash.config import recipe as recipes
from inkwash.config.recipe import Recipe
from inkwash.errors import UsageError
from inkwash.nets import NETS

SECTIONS = ("network", "target", "clip", "schedule")
"""Sections that the model determines: its weights fit these only."""


def require_consistent(recipe: Recipe, model: Recipe, name: str) -> None:
    """Raise `UsageError` for a field that the user gave in `recipe` and the `model` called `name` contradicts.

    The user gave what differs from the bundled recipe of that name, or from the defaults where there is none: the network of a
    bundled recipe is replaced by that of the model.
    """
    own = recipe if model.network.conditional else recipe.for_classes(())
    wanted = dict(_fields(model.to_dict()))
    before = dict(_fields(_unchanged(own)))
    for path, value in _fields(own.to_dict()):
        added = path == "network.attributes" and own.adds_attributes(model)
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
