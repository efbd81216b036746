"""The fraction of the random initialization that is left in the EMA weights, from which images are sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.training import ema
from inkwash.training.batches import Split


def initial_weight(half_life: float, steps: int) -> float:
    """Return the fraction in [0, 1] of the initial weights after `steps` of an EMA with a `half_life` in steps.

    The recursion ends where the fraction is too small to matter.
    """
    left, step = 1.0, 0
    while step < steps and left > ema.MAX_INIT_WEIGHT:
        step += 1
        left *= ema.decay(half_life, step)
    return left


def check_final_ema(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn when training ends with initial weights in the EMA; lengths in minutes are not checked."""
    training = recipe.training
    length = Length.parse(training.length)
    if spec.count < 2 or length.unit == "minutes":
        return None
    images = Split.train_count(spec.count)
    total = length.steps(training.batch, images)
    left = initial_weight(Length.parse(training.ema).steps(training.batch, images, "training.ema"), total)
    if left <= ema.MAX_INIT_WEIGHT:
        return None
    return (
        f"after all {total:,} steps {left:.0%} of the EMA weights, from which images are sampled, is still the random "
        "initialization: samples will be noisy; train longer, or shorten the half-life training.ema"
    )


def check_current_ema(progress: Mapping[str, Any]) -> str | None:
    """Warn when a checkpoint has initial weights in its EMA."""
    left, step = progress["start_left"], progress["step"]
    if left <= ema.MAX_INIT_WEIGHT:
        return None
    return (
        f"at step {step:,} {left:.0%} of the EMA weights, from which images are sampled, is still the random "
        "initialization: samples are noisy; train longer"
    )
