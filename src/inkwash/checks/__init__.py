"""Warnings before a run or before sampling: about a recipe, a trained model, a data set.

A check is a small function that returns one sentence (cause, consequence, remedy) or None. To add one: the function,
and a row in the table of what it examines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from inkwash import model
from inkwash.checks import attention_cost, datasets, digit_orientation, ema_warmup, pixels, recipes
from inkwash.checks.pixels import ImageSubset
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.nets import NETS
from inkwash.nets.parameter_limit import MAX_PARAMETERS
from inkwash.training.trainer import Trainer

Checks = Mapping[str, Callable[..., str | None]]

RECIPE_CHECKS: Checks = {
    "terminal SNR": recipes.check_terminal_snr,
    "target": recipes.check_target,
    "guidance": recipes.check_guidance,
    "checkpoint interval": recipes.check_checkpoint_interval,
    "EMA": ema_warmup.check_final_ema,
}
"""Checks of a recipe and the spec of its data."""

NETWORK_CHECKS: Checks = {"attention": attention_cost.check_attention_cost}
"""Checks of a network, its recipe and the spec of its data."""

PROGRESS_CHECKS: Checks = {"EMA": ema_warmup.check_current_ema}
"""Checks of the progress in the header of a checkpoint."""

SPEC_CHECKS: Checks = {"classes": datasets.check_empty_classes, "examples": datasets.check_examples_per_class}
"""Checks of the spec of a data set, which do not read its values."""

IMAGE_CHECKS: Checks = {
    "range": pixels.check_range,
    "blank images": pixels.check_blank,
    "duplicates": pixels.check_duplicates,
    "background": pixels.check_background,
    "orientation": digit_orientation.check_orientation,
    "labels": digit_orientation.check_label_shift,
}
"""Checks of images, by a random subset."""

FILE_CHECKS: Checks = {"files": lambda data: data.warning or None}
"""Checks of the files that a data set was read from."""

STORED_VALUE_CHECKS: Checks = {"scale": datasets.check_point_scale}
"""Checks of values that are used as stored: points."""


class CheckWarning(NamedTuple):
    """A warning: its topic, `about`, a key of one of the tables, and its sentence."""

    about: str
    text: str


def check_recipe(recipe: Recipe, spec: DatasetSpec, net: nn.Module | None = None) -> list[CheckWarning]:
    """Return the warnings about training by `recipe` on data of this `spec`, and about sampling afterwards.

    `net` is the network to train; None leaves out its checks.
    """
    found = _run(RECIPE_CHECKS, recipe, spec)
    return found if net is None else found + _run(NETWORK_CHECKS, net, recipe, spec)


def check_training(trainer: Trainer, requested: Recipe, pretrained: str | None = None) -> list[CheckWarning]:
    """Return the warnings about a new run of `trainer`, on its recipe and its data.

    `requested` is the recipe before it was fitted to data and the model to start from, which is called `pretrained`.
    """
    found = check_recipe(trainer.recipe, trainer.spec, trainer.state.net) + check_data(trainer.data)
    if not requested.network.conditional or trainer.conditional:
        return found
    reason = f"{pretrained} is unconditional" if trainer.spec.classes else f"{trainer.spec.data} has no labels"
    guided = requested.training.guidance != 1 or requested.sampling.guidance != 1 or requested.training.label_dropout
    without = ", without guidance and label dropout" if guided else ""
    return [CheckWarning("labels", f"{reason}: the network is trained as unconditional{without}"), *found]


def check_checkpoint(header: Mapping[str, Any], max_parameters: int = MAX_PARAMETERS) -> list[CheckWarning]:
    """Return the warnings about sampling from a trained model, by the `header` of its checkpoint.

    Raises `UsageError` for an invalid header, and for a network of more than `max_parameters`.
    """
    spec = DatasetSpec.from_dict(header["facts"])
    recipe = Recipe.from_dict(header["recipe"], check_network_options=False)
    net = None
    if recipe.network.kind in NETS:
        recipe = Recipe.from_dict(header["recipe"])
        net = model.build_net(recipe, spec, max_parameters)
    return check_recipe(recipe, spec, net) + _run(PROGRESS_CHECKS, header["progress"]) + _run(SPEC_CHECKS, spec)


def check_data(data: Dataset) -> list[CheckWarning]:
    """Return the warnings about training on `data`; of images, a random subset is checked."""
    found = _run(STORED_VALUE_CHECKS, data) if data.is_points else _run(IMAGE_CHECKS, ImageSubset.of(data))
    return _run(FILE_CHECKS, data) + found + _run(SPEC_CHECKS, DatasetSpec.of(data))


def _run(checks: Checks, *subject: Any) -> list[CheckWarning]:
    texts = {about: check(*subject) for about, check in checks.items()}
    return [CheckWarning(about, text) for about, text in texts.items() if text]
