"""The steps at which a trainer validates, and those of them that are milestones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe


@dataclass(frozen=True)
class CheckpointSchedule:
    """Validation every `every` steps and at each of the `milestones` (step -> name), which include the last step."""

    every: int
    milestones: dict[int, str]

    @classmethod
    def of(cls, recipe: Recipe, total: int, num_images: int) -> CheckpointSchedule:
        """Return the schedule of `recipe` over `total` steps on a training set of `num_images`."""
        return cls(_every(recipe, num_images), recipe.milestones.names(total, recipe.training.batch, num_images))

    def includes(self, step: int) -> bool:
        """Return whether there is a validation after `step`."""
        return step % self.every == 0 or step in self.milestones

    def replaced_from(self, step: int, new: CheckpointSchedule) -> CheckpointSchedule:
        """Return the schedule `new` from `step` on, with the milestones of this one before."""
        past = {at: name for at, name in self.milestones.items() if at < step}
        ahead = {at: name for at, name in new.milestones.items() if at >= step}
        return CheckpointSchedule(new.every, past | ahead)


def max_validations(recipe: Recipe, total: int, num_images: int) -> int:
    """Return an upper bound on the validations in `total` steps of `recipe`, without listing them."""
    return total // _every(recipe, num_images) + recipe.milestones.count(total, recipe.training.batch, num_images)


def with_validation_every(recipe: Recipe, spacing: int) -> Recipe:
    """Return `recipe` with a milestone every `spacing` steps and no other validation; unchanged for 0."""
    if not spacing:
        return recipe
    interval = f"{spacing} steps"
    return replace(
        recipe, training=replace(recipe.training, checkpoint_every=interval, milestones=(f"every {interval}",))
    )


def _every(recipe: Recipe, num_images: int) -> int:
    where = "training.checkpoint_every"
    return Length.parse(recipe.training.checkpoint_every, where).steps(recipe.training.batch, num_images, where)
