"""Warnings before a run or before sampling: about a recipe, a trained model, a data set.

A check is a small function that returns one sentence (cause, consequence, way out) or None. To add one: the function,
and a row in the table of what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from inkwash import model
from inkwash.checks import digits, ema_warmup, labels, networks, pixels, recipes, value_range
from inkwash.checks.pixels import ImageSubset
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.nets import NETS
from inkwash.nets.parameter_limit import MAX_PARAMETERS

Checks = Mapping[str, Callable[..., str | None]]

OF_RECIPES: Checks = {
    "terminal SNR": recipes.start_not_pure_noise,
    "target": recipes.unsolvable,
    "guidance": recipes.untrained_null_label,
    "pauses": recipes.frequent_checkpoints,
    "average": ema_warmup.start_left_at_the_end,
}
"""Checks of a recipe and the spec of its data."""

OF_NETWORKS: Checks = {"attention": networks.wide_attention}
"""Checks of a network, its recipe and the spec of its data."""

OF_PROGRESS: Checks = {"average": ema_warmup.start_left_now}
"""Checks of the progress in the header of a checkpoint."""

OF_SPECS: Checks = {"classes": labels.without_examples}
"""Checks of the spec of a data set, which do not read its values."""

OF_IMAGES: Checks = {
    "range": pixels.narrow_range,
    "blank images": pixels.blank,
    "duplicates": pixels.duplicates,
    "background": pixels.dark_on_light,
    "orientation": digits.reoriented,
    "labels": digits.shifted,
}
"""Checks of images, by a random subset."""

OF_FILES: Checks = {"files": lambda data: data.warning or None}
"""Checks of the files that a data set was read from."""

OF_STORED: Checks = {"range": value_range.images_in_another_range, "scale": value_range.points_of_another_scale}
"""Checks of values that are used as stored: points, and float images from Python."""


class Concern(NamedTuple):
    """A warning: what it is `about`, a key of one of the tables, and its sentence."""

    about: str
    text: str


def of_recipe(recipe: Recipe, spec: DatasetSpec, net: nn.Module | None = None) -> list[Concern]:
    """Return the warnings about training by `recipe` on data of this `spec`, and about sampling afterwards.

    `net` is the network to train; None leaves out its checks.
    """
    found = _run(OF_RECIPES, recipe, spec)
    return found if net is None else found + _run(OF_NETWORKS, net, recipe, spec)


def of_checkpoint(header: Mapping[str, Any], most: int = MAX_PARAMETERS) -> list[Concern]:
    """Return the warnings about sampling from a trained model, by the `header` of its checkpoint.

    Raises `UsageError` for an invalid header, and for a network of more than `most` parameters.
    """
    recipe, spec = (
        Recipe.from_dict(header["recipe"], check_network_options=False),
        DatasetSpec.from_dict(header["facts"]),
    )
    net = None
    if recipe.network.kind in NETS:
        recipe = Recipe.from_dict(header["recipe"])
        net = model.build_net(recipe, spec, most)
    return of_recipe(recipe, spec, net) + _run(OF_PROGRESS, header["progress"]) + _run(OF_SPECS, spec)


def of_data(data: Dataset) -> list[Concern]:
    """Return the warnings about training on `data`; of images, a random subset is checked."""
    found = _run(OF_STORED, data) if data.is_points else _run(OF_IMAGES, ImageSubset.of(data))
    return _run(OF_FILES, data) + found + _run(OF_SPECS, DatasetSpec.of(data))


def _run(checks: Checks, *subject: Any) -> list[Concern]:
    texts = {about: check(*subject) for about, check in checks.items()}
    return [Concern(about, text) for about, text in texts.items() if text]
