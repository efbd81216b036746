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
from inkwash.checks.pixels import Seen
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.nets import NETS
from inkwash.nets.budget import MOST_PARAMETERS

Checks = Mapping[str, Callable[..., str | None]]

OF_RECIPES: Checks = {
    "terminal SNR": recipes.wrong_start,
    "target": recipes.unsolvable,
    "guidance": recipes.untrained_null_label,
    "pauses": recipes.constant_measuring,
    "average": ema_warmup.start_left_at_the_end,
}
"""What is said of a recipe beside the facts of its data."""

OF_NETWORKS: Checks = {"attention": networks.wide_attention}
"""What is said of a network beside its recipe and the facts of its data."""

OF_PROGRESS: Checks = {"average": ema_warmup.start_left_now}
"""What is said of how far a model has trained."""

OF_FACTS: Checks = {"classes": labels.without_examples}
"""What the facts of a data set tell without a look at it."""

OF_IMAGES: Checks = {
    "range": pixels.narrow_range,
    "blank images": pixels.blank,
    "duplicates": pixels.duplicates,
    "background": pixels.dark_on_light,
    "orientation": digits.turned,
    "labels": digits.miscounted,
}
"""What is said of images, by some of them."""

OF_FILES: Checks = {"files": lambda data: data.warning or None}
"""What is said of the files that a data set was read from."""

OF_STORED: Checks = {"range": value_range.images_in_another_range, "scale": value_range.points_of_another_scale}
"""What is said of values that are trained on as they are stored: points, and floats from Python."""


class Concern(NamedTuple):
    """Something that will go wrong: what it is `about`, a name in one of the tables, and the one sentence of it."""

    about: str
    text: str


def of_recipe(recipe: Recipe, spec: DatasetSpec, net: nn.Module | None = None) -> list[Concern]:
    """Return what will go wrong with training by `recipe` on data of these facts, and with drawing afterwards.

    `net` is the network that will be trained; without it, none is looked at.
    """
    said = _asked(OF_RECIPES, recipe, spec)
    return said if net is None else said + _asked(OF_NETWORKS, net, recipe, spec)


def of_checkpoint(header: Mapping[str, Any], most: int = MOST_PARAMETERS) -> list[Concern]:
    """Return what will go wrong with drawing from a trained model, told by the `header` of its checkpoint.

    Raises `UsageError` for a header that asks for a network of more than `most` parameters, or is wrong otherwise.
    """
    recipe, spec = Recipe.from_dict(header["recipe"], net_known=False), DatasetSpec.from_dict(header["facts"])
    net = model.build_net(recipe, spec, most) if recipe.network.kind in NETS else None
    return of_recipe(recipe, spec, net) + _asked(OF_PROGRESS, header["progress"]) + _asked(OF_FACTS, spec)


def of_data(data: Dataset) -> list[Concern]:
    """Return what will go wrong with training on `data`, told by some of it: a moment even for 60,000 images."""
    said = _asked(OF_STORED, data) if data.is_points else _asked(OF_IMAGES, Seen.of(data))
    return _asked(OF_FILES, data) + said + _asked(OF_FACTS, DatasetSpec.of(data))


def _asked(checks: Checks, *what: Any) -> list[Concern]:
    answers = {about: check(*what) for about, check in checks.items()}
    return [Concern(about, text) for about, text in answers.items() if text]
