"""A model as plain values: what the page needs for its controls."""

from __future__ import annotations

from typing import Any

from inkwash.attributes import ATTRIBUTES
from inkwash.config.recipe import Recipe
from inkwash.core import SAMPLERS
from inkwash.core.samplers import parse_sampler
from inkwash.data.spec import AttributeSpec, DatasetSpec
from inkwash.sampling import encoding

PAGE_DEFAULT_STEPS = 50
"""Steps of ancestral samplers on continuous schedules: the command line has 1000, which take too long on a page."""


def model_description(recipe: Recipe, spec: DatasetSpec, step: int) -> dict[str, Any]:
    """Return the properties of a model that the page needs for its controls, as plain values."""
    kind, steps = parse_sampler(recipe.sampling.sampler)
    num_timesteps = recipe.schedule.num_timesteps
    edit_sampler, edit_steps = parse_sampler(encoding.SAMPLER)
    # A model of one step has no path of several noises.
    encodes = bool(spec.attributes) and steps != 1
    return {
        "about": recipe.about,
        "recipe": recipe.name,
        "step": step,
        "data": spec.data,
        "shape": list(spec.shape),
        "classes": list(spec.classes),
        "background": spec.background,
        "conditional": recipe.network.conditional,
        "network": recipe.network.kind,
        "target": recipe.target,
        "sampler": kind,
        "steps": steps or SAMPLERS[kind].default_steps or num_timesteps or PAGE_DEFAULT_STEPS,
        "max_steps": min(num_timesteps or 1000, 1000),
        "guidance": recipe.sampling.guidance,
        "guidable": recipe.network.conditional and recipe.training.label_dropout > 0,
        "attributes": [attribute_description(each) for each in spec.attributes],
        "encoding": {"sampler": edit_sampler, "steps": edit_steps} if encodes else None,
    }


def attribute_description(spec: AttributeSpec) -> dict[str, Any]:
    """Return an attribute with its unit, its range in the training set, and its values at `data.spec.QUANTILES`."""
    known = ATTRIBUTES.get(spec.name)
    about = {"unit": "", "about": ""} if known is None else {"unit": known.unit, "about": known.about}
    return {"name": spec.name, **about, "range": list(spec.range), "quantiles": list(spec.quantiles)}
