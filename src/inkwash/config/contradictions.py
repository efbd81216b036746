"""Checks that the sections of a recipe fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inkwash.attributes import ATTRIBUTES
from inkwash.core.samplers import parse_sampler
from inkwash.errors import UsageError
from inkwash.io.names import checked_name

if TYPE_CHECKING:
    from inkwash.config.recipe import Recipe


def check(recipe: Recipe) -> None:
    """Raise `UsageError` for values of a `recipe` out of range, and for sections that contradict each other."""
    checked_name(recipe.name, "field 'name'", "name")
    for part, levels in (("sampler", recipe.sampling.schedule or recipe.schedule), ("preview", recipe.schedule)):
        text = getattr(recipe.sampling, part)
        steps = parse_sampler(text)[1]
        if steps is not None and not 1 <= steps <= levels.max_steps:
            message = f"sampling.{part} is {text}: use 1 to {levels.max_steps:,} steps on this schedule"
            raise UsageError(message, code="out-of-range", field=f"sampling.{part}")
    if recipe.training.label_dropout and not recipe.network.conditional:
        raise UsageError(
            "training.label_dropout has no effect on a network without class labels: "
            "set network.conditional = true, or label_dropout = 0",
            code="no-effect",
            field="training.label_dropout",
        )
    attributes = recipe.network.attributes
    if len(set(attributes)) < len(attributes):
        message = f"network.attributes is {list(attributes)}: name each attribute once"
        raise UsageError(message, code="conflict", field="network.attributes")
    _check_attribute_loss(recipe)
    _require_interval(recipe.training.guidance_interval, "training.guidance_interval")
    if recipe.training.guidance != 1 and not recipe.training.label_dropout:
        raise UsageError(
            "training.guidance needs a network that is trained without labels as well: "
            "set training.label_dropout = 0.1, or guidance = 1",
            code="no-effect",
            field="training.guidance",
        )


def _check_attribute_loss(recipe: Recipe) -> None:
    options, field = recipe.attribute_loss, "attribute_loss"
    if options is None:
        return
    if recipe.distillation is not None:
        message = (
            f"{field} is added to the denoising loss, which a distillation does not have: leave one of the two out"
        )
        raise UsageError(message, code="conflict", field=field)
    if not recipe.network.attributes:
        message = f"{field} has no effect on a network without attributes: set network.attributes, or leave it out"
        raise UsageError(message, code="no-effect", field=field)
    if not any(ATTRIBUTES[name].differentiable for name in recipe.network.attributes):
        names = ", ".join(recipe.network.attributes)
        message = f"{field} has no effect on {names}, which has no gradient: add another attribute"
        raise UsageError(message, code="no-effect", field=field)
    _require_interval(options.interval, f"{field}.interval")
    levels = recipe.sampling.schedule or recipe.schedule
    if options.steps > levels.max_steps:
        message = f"{field}.steps is {options.steps}: use 1 to {levels.max_steps:,} steps on this schedule"
        raise UsageError(message, code="out-of-range", field=f"{field}.steps")
    cleanest, noisiest = recipe.schedule.between(*options.interval)
    inside = [each for each in levels.levels(options.steps)[:-1] if bool(each.within(cleanest, noisiest))]
    if not inside:
        low, high = options.interval
        message = f"{field}.interval is [{low:g}, {high:g}]: none of the {options.steps} steps is there; widen it"
        raise UsageError(message, code="out-of-range", field=f"{field}.interval")


def _require_interval(interval: tuple[float, float], field: str) -> None:
    low, high = interval
    if not 0 <= low < high <= 1:
        message = f"field '{field}' is [{low:g}, {high:g}]: it must be [low, high], 0 <= low < high <= 1"
        raise UsageError(message, code="out-of-range", field=field)
