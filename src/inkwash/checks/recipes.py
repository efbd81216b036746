"""Checks of a recipe: terminal SNR, target at the noisiest level, guidance, interval of checkpoints."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.core import Betas, Schedule, Target
from inkwash.core.levels import NEAR_PURE_NOISE, describe_terminal_snr, signal_fraction
from inkwash.data.spec import DatasetSpec
from inkwash.model import MIN_SOLVABLE_LOG_SNR
from inkwash.training.batches import Split

TIMESTEP_CANDIDATES = (60, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 4000)
"""Numbers of timesteps to suggest for a table of betas that does not reach pure noise, in ascending order."""

MAX_GAIN = 1000
"""Largest factor by which an error of the network may grow in the predicted image."""

MIN_CHECKPOINT_INTERVAL, MAX_CHECKPOINTS = 10, 20
"""Fewest steps between checkpoints, and the number of checkpoints up to which fewer are accepted."""


def check_terminal_snr(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn when sampling starts from pure noise, which training omits: the terminal SNR is not zero (Lin et al., 2024)."""
    if recipe.distillation is not None:
        return None  # A student is trained on pure noise of the level at which its sampling starts.
    sampled = recipe.sampling.schedule
    if signal_fraction(recipe.schedule.terminal) >= NEAR_PURE_NOISE:
        return (
            f"the schedule {describe_terminal_snr(recipe.schedule.terminal)}, with a mean that is absent from training and "
            f"shifts the samples; {_nearer_to_noise(recipe.schedule)}"
        )
    if sampled is not None and signal_fraction(sampled.terminal) >= NEAR_PURE_NOISE:
        return (
            f"sampling.schedule {describe_terminal_snr(sampled.terminal)}, while training reached more noise; "
            "leave sampling.schedule out, or end it at a log-SNR of -9"
        )
    return None


def _nearer_to_noise(schedule: Schedule) -> str:
    if isinstance(schedule, Betas) and is_dataclass(schedule):
        for num_timesteps in TIMESTEP_CANDIDATES:
            if signal_fraction(replace(schedule, T=num_timesteps).terminal) < NEAR_PURE_NOISE:
                return f"more timesteps of the same betas reach pure noise, --set schedule.T={num_timesteps}"
    return "end it at a log-SNR of -9"


def check_target(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn when sigma / determinant, the error of the image for one of the network, is large, as for eps near pure noise."""
    end = recipe.schedule.terminal
    determinant = abs(float(Target(recipe.target, spec.data_std).determinant(end)))
    if determinant == 0:
        return (
            f"the schedule ends at pure noise, where target {recipe.target} does not determine the image: "
            f"sampling starts at a log-SNR of {MIN_SOLVABLE_LOG_SNR:g} instead; to start at the end, --set target=v"
        )
    if float(end.sigma) / determinant > MAX_GAIN:
        return (
            f"where the schedule ends, at a log-SNR of {float(end.log_snr):.0f}, an error of 0.01 in {recipe.target} "
            f"becomes {0.01 * float(end.sigma) / determinant:.3g} in the image; --set target=v"
        )
    return None


def check_guidance(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn when the network is not trained both with and without labels, as classifier-free guidance needs."""
    weight, remedy = recipe.sampling.guidance, "--set training.label_dropout=0.1"
    if not recipe.network.conditional:
        refused = f"sampling.guidance = {weight:g} needs a conditional network, sampling will be refused"
        return None if weight == 1 else f"{refused}; --set network.conditional=true {remedy}"
    if recipe.training.label_dropout > 0:
        return None
    if weight == 1:
        return f"labels are never dropped in training, so guidance will not work with this model; {remedy}"
    return (
        f"sampling.guidance = {weight:g} extrapolates from the prediction without a label, which is never trained: "
        f"samples will be wrong; {remedy}"
    )


def check_checkpoint_interval(recipe: Recipe, spec: DatasetSpec) -> str | None:
    """Warn when frequent checkpoints would take much of the training time."""
    training = recipe.training
    lengths = Length.parse(training.length), Length.parse(training.checkpoint_every)
    if spec.count < 2 or "minutes" in (length.unit for length in lengths):
        return None
    images = Split.train_count(spec.count)
    total, every = (length.steps(training.batch, images) for length in lengths)
    if every >= MIN_CHECKPOINT_INTERVAL or total < MAX_CHECKPOINTS * every:
        return None
    return (
        f"training.checkpoint_every = {training.checkpoint_every} is {every} step{'s' * (every > 1)} of {total:,}, and "
        f"{total // every:,} validations and checkpoints will take much of the time; "
        f'--set training.checkpoint_every="{max(MIN_CHECKPOINT_INTERVAL, total // MAX_CHECKPOINTS)} steps"'
    )
