"""What a recipe alone tells: where its schedule ends, what its target cannot say there, what guidance needs."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import Betas, Schedule, Target
from inkwash.core.terminal_snr import CLOSE, image_left, terminal_words
from inkwash.data.spec import DatasetSpec
from inkwash.model import NOISIEST_SOLVABLE
from inkwash.training.batches import Split

BETA_ROWS = (60, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 4000)
"""Numbers of rows that are tried, fewest first, as a way out of a table of betas that ends too early."""

MAGNIFIED = 1000
"""How many times larger an error of the network may come out in the image."""

STEPS_BETWEEN, FEW_PAUSES = 10, 20
"""Fewer steps than this from one measurement to the next, more often than that, are no rhythm for a run."""


def wrong_start(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Drawing starts from pure noise, which a schedule that ends with image left has never shown (Lin et al. 2024)."""
    drawn = recipe.sampling.schedule
    if image_left(recipe.schedule.terminal) >= CLOSE:
        return (
            f"the schedule {terminal_words(recipe.schedule.terminal)}, with a mean that training never met and that "
            f"samples keep some of; {_nearer_to_noise(recipe.schedule)}"
        )
    if drawn is not None and image_left(drawn.terminal) >= CLOSE:
        return (
            f"sampling.schedule {terminal_words(drawn.terminal)}, though training went further; "
            "leave sampling.schedule out, or end it at a log-SNR of -9"
        )
    return None


def _nearer_to_noise(schedule: Schedule) -> str:
    if isinstance(schedule, Betas) and is_dataclass(schedule):
        for rows in BETA_ROWS:
            if image_left(replace(schedule, T=rows).terminal) < CLOSE:
                return f"more rows of the same betas end at noise, --set schedule.T={rows}"
    return "end it at a log-SNR of -9"


def unsolvable(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """The image that x and the answer agree on is an answer times sigma/D: at pure noise eps has D = 0."""
    end = recipe.schedule.terminal
    determinant = abs(float(Target(recipe.target, spec.data_std).determinant(end)))
    if determinant == 0:
        return (
            f"the schedule ends at pure noise, where target {recipe.target} says nothing of the image: "
            f"drawing starts at a log-SNR of {NOISIEST_SOLVABLE:g} instead; to start at the end, --set target=v"
        )
    if float(end.sigma) / determinant > MAGNIFIED:
        return (
            f"where the schedule ends, at a log-SNR of {float(end.log_snr):.0f}, an error of 0.01 in {recipe.target} "
            f"becomes {0.01 * float(end.sigma) / determinant:.3g} in the image; --set target=v"
        )
    return None


def untrained_null_label(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Guidance is the difference between a prediction with and one without a label: both have to be trained."""
    weight, way_out = recipe.sampling.guidance, "--set training.label_dropout=0.1"
    if not recipe.network.conditional:
        refused = f"sampling.guidance = {weight:g} needs a network that hears labels, drawing will be refused"
        return None if weight == 1 else f"{refused}; --set network.conditional=true {way_out}"
    if recipe.training.label_dropout > 0:
        return None
    if weight == 1:
        return f"no label is ever hidden in training, so that guidance will not work on this model; {way_out}"
    return (
        f"sampling.guidance = {weight:g} pushes away from the answer without a label, which is never trained: "
        f"samples will be off; {way_out}"
    )


def constant_measuring(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """An epoch of a small set is a few steps; each pause measures the held-out loss and writes a checkpoint."""
    training = recipe.training
    lengths = Length.parse(training.length), Length.parse(training.checkpoint_every)
    if spec.count < 2 or "minutes" in (length.unit for length in lengths):
        return None
    images = Split.train_count(spec.count)
    total, every = (length.steps(training.batch, images) for length in lengths)
    if every >= STEPS_BETWEEN or total < FEW_PAUSES * every:
        return None
    return (
        f"training.checkpoint_every = {training.checkpoint_every} is {every} step{'s' * (every > 1)} of {total:,}, and "
        f"measuring and keeping {total // every:,} times will take much of the run; "
        f'--set training.checkpoint_every="{max(STEPS_BETWEEN, total // FEW_PAUSES)} steps"'
    )
