"""The objective of a recipe without distillation."""

from __future__ import annotations

from functools import partial

from torch import nn

from inkwash.attributes import standardized_attributes
from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.model import Model
from inkwash.objectives import AttributeLoss, Denoising

SAMPLER = "dpm++2m"
"""The sampler of the images whose attributes are measured."""


def denoising_objective(recipe: Recipe) -> Denoising:
    """Return the denoising loss of `recipe`, which is also its validation loss."""
    training = recipe.training
    return Denoising(
        recipe.schedule, recipe.density, recipe.weight, recipe.clip, training.guidance, training.guidance_interval
    )


def training_objective(recipe: Recipe, spec: DatasetSpec, net: nn.Module) -> Denoising | AttributeLoss:
    """Return the denoising loss of `recipe`, with a section [attribute_loss] that of the attributes of samples as well."""
    denoising, options = denoising_objective(recipe), recipe.attribute_loss
    if options is None:
        return denoising
    sampler = Model(recipe.name, recipe, spec, net, 0, "").sampler(SAMPLER, options.steps)
    measure = partial(standardized_attributes, specs=spec.attributes)
    return AttributeLoss(denoising, measure, sampler, options.interval, options.weight)
