"""The section [short] of a recipe: a run of few minutes trains with its changes, one of more as the recipe is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from inkwash.config import recipe as recipes
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.training.trainer import Trainer

TRIAL_STEPS = 6
"""Steps of the recipe's network that are timed; the first, which allocates memory, is not counted."""


def resolve_short(recipe: Recipe, trainer_of: Callable[[Recipe], Trainer], since: float) -> tuple[Recipe, str | None]:
    """Return `recipe` with or without the changes of its section [short], and the reason, None without a choice.

    The result has no such section, so that a resumed run trains the same network. The choice is made for a length in
    minutes, which are counted from `since` of the clock of the trainers that `trainer_of` builds, by the images that the
    network of the recipe would train on. In several processes the main process chooses.
    """
    length, plain = Length.parse(recipe.training.length, "training.length"), replace(recipe, short=None)
    if recipe.short is None or length.unit != "minutes":
        return plain, None
    trial = trainer_of(recipes.with_length(plain, Length(TRIAL_STEPS, "steps")))
    steps = trial.steps()
    next(steps)
    begun = trial.clock()
    for _ in steps:
        pass
    now = trial.clock()
    pace = max(now - begun, 1e-9) / (TRIAL_STEPS - 1)
    images = max(0.0, since + 60 * length.amount - now) / pace * plain.training.batch
    images = float(trial.process_group.broadcast(str(images)))
    allowed = f"{length} allow about {images:,.0f} images at {plain.training.batch / pace:,.0f} images/s"
    if images >= recipe.short.below:
        return plain, f"{allowed}: the recipe is not changed"
    return recipe.shortened(), f"{allowed}, fewer than {recipe.short.below:,.0f}: {', '.join(recipe.short.changes)}"
