"""A run of minutes trains the network that fits: the section [short] applies below its number of images, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inkwash.config import recipe as recipes
from inkwash.config.lengths import Length
from inkwash.config.recipe import Recipe
from inkwash.config.sections import ShortConfig
from inkwash.data import Dataset
from inkwash.errors import UsageError
from inkwash.io import checkpoints
from inkwash.runs.resume import resume
from inkwash.runs.start import start
from inkwash.training.short_runs import resolve_short
from inkwash.training.trainer import Trainer

CHANGES = ("network.widths=[16, 16]", "training.guidance=1.5")
Tiny = Callable[..., Recipe]


def with_short(recipe: Recipe, below: float) -> Recipe:
    return replace(recipe, short=ShortConfig(below, CHANGES))


def is_short(recipe: Recipe) -> bool:
    assert recipe.short is None
    changed = recipe.network.options["widths"] == (16, 16)
    assert changed == (recipe.training.guidance == 1.5)
    return changed


class Clock:
    """A clock on which a step of a wrapped trainer takes `seconds`, and the first one a minute more."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.first = 100.0, seconds, 60.0

    def __call__(self) -> float:
        return self.now

    def trainer(self, recipe: Recipe, data: Dataset) -> Trainer:
        trainer = Trainer(recipe, data, device="cpu", clock=self)
        objective = trainer.objective

        def timed(*arguments: object) -> torch.Tensor:
            self.now, self.first = self.now + self.seconds + self.first, 0.0
            return objective(*arguments)  # type: ignore[arg-type]

        trainer.objective = timed
        return trainer


@pytest.mark.parametrize(
    ("seconds", "minutes", "short"), [(1.0, 3, True), (1.0, 30, False), (0.1, 3, False), (0.1, 2, True)]
)
def test_slow_machine_and_few_minutes_choose_the_changes(
    tiny: Tiny, digits: Dataset, seconds: float, minutes: int, short: bool
) -> None:
    """At 8 images a step, 3 minutes of 0.1 s have 120 s after the first steps, or 9,500 images."""
    clock = Clock(seconds)
    recipe = with_short(tiny(f"training.length={minutes} minutes"), 8_000)
    chosen, reason = resolve_short(recipe, lambda each: clock.trainer(each, digits), 100.0)
    assert is_short(chosen) == short
    assert reason is not None and f"{minutes} minutes" in reason and (CHANGES[0] in reason) == short


def test_other_lengths_are_never_timed(tiny: Tiny) -> None:
    for length in ("6 steps", "3 epochs", "10 images"):
        recipe = with_short(tiny(f"training.length={length}"), 1e12)
        chosen, reason = resolve_short(recipe, lambda each: pytest.fail("timed"), 0.0)
        assert chosen == replace(recipe, short=None) and not is_short(chosen) and reason is None


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("network.widths=[8, 16]", CHANGES[1:]),
        ("training.guidance=1.2", CHANGES[:1]),
        ("network.kind=mlp", CHANGES[1:]),
        ("training.batch=4", CHANGES),
    ],
)
def test_field_of_the_user_is_kept(tiny: Tiny, change: str, left: tuple[str, ...]) -> None:
    recipe = with_short(tiny(), 1e12).with_changes([change])
    assert recipe.short is not None and recipe.short.changes == left


def test_changes_of_the_user_leave_no_section(tiny: Tiny) -> None:
    recipe = with_short(tiny(), 1e12)
    assert recipe.with_changes({"network__widths": [8, 16], "training__guidance": 1.3}).short is None


@pytest.mark.parametrize("below", [1.0, 1e12])
def test_resumed_run_keeps_the_choice_exactly(tiny: Tiny, digits: Dataset, below: float) -> None:
    run = start(with_short(tiny("training.length=1 minute"), below), digits, "run", "cpu")
    for _ in run.train():
        run.trainer.stop()
    again = resume("run", digits, Length(run.trainer.state.progress.step + 2, "steps"), "cpu")
    assert is_short(again.trainer.recipe) == is_short(run.trainer.recipe) == (below == 1e12)
    for name, weight in run.trainer.state.net.state_dict().items():
        assert torch.equal(again.trainer.state.net.state_dict()[name], weight)
    assert run.short_reason and again.short_reason is None
    for _ in again.train():
        pass
    assert checkpoints.load(Path("run/checkpoints/latest.safetensors")).header["recipe"]["short"] is None


def test_choice_leaves_the_training_unchanged(tiny: Tiny, digits: Dataset) -> None:
    """Timing the network of the recipe first changes no random number of the run."""
    timed = start(with_short(tiny("training.length=1 minute"), 1e12), digits, "timed", "cpu").trainer
    direct = Trainer(tiny(*CHANGES, "training.length=1 minute"), digits, device="cpu")
    for one, other in zip(timed.steps(), direct.steps(), strict=False):
        assert one == other
        if one.number == 3:
            return
    pytest.fail("fewer than three steps")


def test_own_network_is_not_replaced(tiny: Tiny, digits: Dataset) -> None:
    net = Trainer(tiny(), digits, device="cpu").state.net
    run = start(with_short(tiny("training.length=1 minute"), 1e12), digits, "own", "cpu", net=net)
    assert run.trainer.state.net is net and run.short_reason is None and run.trainer.recipe.short is None


def test_data_without_labels_are_trained_without_guidance(tiny: Tiny, digits: Dataset) -> None:
    plain = replace(digits, labels=None, classes=())
    run = start(with_short(tiny("training.length=1 minute"), 1e12), plain, "plain", "cpu")
    assert run.trainer.recipe.network.options["widths"] == (16, 16) and run.trainer.recipe.training.guidance == 1


def test_invalid_changes_of_a_recipe_file_are_refused(tiny: Tiny) -> None:
    text = tiny().to_toml() + '\n[short]\nbelow = 100\nchanges = ["network.width=[4, 8]"]\n'
    Path("mine.toml").write_text(text)
    with pytest.raises(UsageError) as refused:
        recipes.load("mine.toml")
    assert (refused.value.code, refused.value.field) == ("unknown-field", "network.width")


@pytest.mark.parametrize("name", [name for name in recipes.bundled() if recipes.load(name).short])
def test_changes_of_bundled_recipes_make_the_network_smaller(name: str) -> None:
    recipe = recipes.load(name)
    small, full = recipe.shortened().network.options["widths"], recipe.network.options["widths"]
    assert all(less < more for less, more in zip(small, full, strict=True))
