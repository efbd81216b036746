"""Attention over many positions gives a warning, by the size of the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import Tensor, nn

from inkwash import checks, model
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.data.spec import DatasetSpec

Recipes = Callable[..., Recipe]


def warnings_at(spec: DatasetSpec, side: int, *changes: str) -> list[str]:
    chosen = recipe.load("attention-unet").with_changes(["target=v", *changes])
    spec = replace(spec, shape=(1, side, side))
    return [warning.text for warning in checks.check_recipe(chosen, spec, model.build_net(chosen, spec))]


@pytest.mark.parametrize("side", [8, 28, 32, 40])
def test_attention_on_small_images_gives_no_warning(side: int, spec: DatasetSpec) -> None:
    assert warnings_at(spec, side) == []


def test_attention_on_larger_images_gives_a_warning_with_its_cost(spec: DatasetSpec) -> None:
    (text,) = warnings_at(spec, 64)
    assert "'attention'" in text and "1,024 positions" in text and "1,048,576 pairs" in text
    # 64 examples of 1,048,576 pairs with 4 bytes each
    assert "256 MiB for a batch of 64" in text
    assert "\n" not in text


def test_a_network_with_attention_off_gives_no_warning(spec: DatasetSpec) -> None:
    assert "--set network.attention=false" in warnings_at(spec, 64)[0]
    assert warnings_at(spec, 64, "network.attention=false") == []


@pytest.mark.parametrize(
    "name", [name for name in recipe.bundled() if name not in ("attention-unet", "cifar10", "moons")]
)
def test_networks_without_attention_give_no_warning_at_any_size(name: str, spec: DatasetSpec) -> None:
    chosen, large = recipe.load(name), replace(spec, shape=(3, 256, 256))
    found = checks.check_recipe(chosen, large, model.build_net(chosen, large))
    assert "attention" not in [warning.about for warning in found]


class Untraceable(nn.Module):
    """A network whose control flow depends on the values, so that it cannot be traced without data."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(1, 1).weight.detach())

    def forward(self, x: Tensor, code: Tensor, label: Tensor | None = None) -> Tensor:
        return x * self.weight if float(x.sum()) > 0 else x


def test_a_network_that_cannot_be_traced_gives_no_warning(valid: Recipes, spec: DatasetSpec) -> None:
    assert checks.check_recipe(valid(), spec, Untraceable()) == []
