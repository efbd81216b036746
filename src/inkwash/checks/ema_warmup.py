"""The EMA that samples are drawn from begins as the random network: how much of that is left in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec
from inkwash.training import ema
from inkwash.training.batches import Split


def start_left(half_life: float, steps: int) -> float:
    """Return the share in [0, 1] of the random start after `steps` of an average of that `half_life` in steps.

    It is followed only until it is too small to matter.
    """
    left, step = 1.0, 0
    while step < steps and left > ema.TOO_YOUNG:
        step += 1
        left *= ema.decay(half_life, step)
    return left


def start_left_at_the_end(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """The random start that the whole length of training would leave; a length in minutes is not known yet."""
    training = recipe.training
    length = Length.parse(training.length)
    if spec.count < 2 or length.unit == "minutes":
        return None
    images = Split.train_count(spec.count)
    total = length.steps(training.batch, images)
    left = start_left(Length.parse(training.ema).steps(training.batch, images, "training.ema"), total)
    if left <= ema.TOO_YOUNG:
        return None
    return (
        f"after all {total:,} steps {left:.0%} of the EMA weights, which samples are drawn from, is still the random "
        "initialisation: samples will be noisy; train longer, or shorten the half-life training.ema"
    )


def start_left_now(progress: Mapping[str, Any]) -> str | None:
    """The random start that is left in a trained model, by its checkpoint."""
    left, step = progress["start_left"], progress["step"]
    if left <= ema.TOO_YOUNG:
        return None
    return (
        f"at step {step:,} {left:.0%} of the EMA weights, which samples are drawn from, is still the random "
        "initialisation: samples are noisy; train longer"
    )
