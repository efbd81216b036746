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
    def of(cls, recipe: Recipe, total: int, images: int) -> CheckpointSchedule:
        """Return the schedule of `recipe` over `total` steps on a train set of `images`."""
        return cls(_every(recipe, images), recipe.milestones.names(total, recipe.training.batch, images))

    def includes(self, step: int) -> bool:
        """Return whether there is a validation after `step`."""
        return step % self.every == 0 or step in self.milestones

    def revised(self, new: CheckpointSchedule, start: int) -> CheckpointSchedule:
        """Return the `new` schedule with the milestones of this one before the step `start`."""
        past = {step: name for step, name in self.milestones.items() if step < start}
        ahead = {step: name for step, name in new.milestones.items() if step >= start}
        return CheckpointSchedule(new.every, past | ahead)


def count(recipe: Recipe, total: int, images: int) -> int:
    """Return an upper bound on the validations in `total` steps of `recipe`, without listing them."""
    return total // _every(recipe, images) + recipe.milestones.count(total, recipe.training.batch, images)


def thinned(recipe: Recipe, spacing: int) -> Recipe:
    """Return `recipe` with a milestone every `spacing` steps and no other validation."""
    rare = f"{spacing} steps"
    return replace(recipe, training=replace(recipe.training, checkpoint_every=rare, milestones=(f"every {rare}",)))


def _every(recipe: Recipe, images: int) -> int:
    where = "training.checkpoint_every"
    return Length.parse(recipe.training.checkpoint_every, where).steps(recipe.training.batch, images, where)
