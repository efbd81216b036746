"""Warnings about recipes and checkpoints; following the advice of a warning removes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkwash import checks, data, model
from inkwash.checks import CheckWarning, ema_warmup
from inkwash.cli.tables.recipes import expected_spec
from inkwash.config import recipe
from inkwash.config.recipe import Recipe
from inkwash.core import SCHEDULES, Linear
from inkwash.core.levels import NEAR_PURE_NOISE, signal_fraction
from inkwash.data.spec import DatasetSpec
from inkwash.io import checkpoints
from inkwash.training import ema

Recipes = Callable[..., Recipe]
WARNINGS_OF_BUNDLED = {
    "attention-unet": ["target"],
    "cfg-cosine": ["target"],
    "cifar10": [],
    "ddim-300": ["terminal SNR"],
    "ddpm-bn": [],
    "digits": [],
    "fashion": [],
    "fast": [],
    "moons": [],
    "one-step": [],
    "simple-unet": [],
    "words": [],
    "words-one-step": [],
}
"""The cosine schedule ends at pure noise, where eps has no solution; 300 timesteps of betas for 1000 do not reach it."""


def about(warnings: list[CheckWarning]) -> list[str]:
    return [warning.about for warning in warnings]


def remedies(text: str) -> list[str]:
    return [change.replace("'", "") for change in re.findall(r'--set ((?:[^\s;"]|"[^"]*")+)', text)]


def test_the_table_has_every_bundled_recipe() -> None:
    assert set(WARNINGS_OF_BUNDLED) == set(recipe.bundled())


@pytest.mark.parametrize(("name", "expected"), WARNINGS_OF_BUNDLED.items())
def test_bundled_recipes_have_their_warnings_on_mnist(name: str, expected: list[str], spec: DatasetSpec) -> None:
    chosen = recipe.load(name)
    if chosen.data.name in ("cifar-10", "fashion-mnist"):
        # Tests download nothing; the expected spec is enough.
        spec = expected_spec(chosen)
    elif chosen.data.name != "mnist":
        spec = DatasetSpec.of(data.load(chosen.data.name))
    assert about(checks.check_recipe(chosen, spec, model.build_net(chosen, spec))) == expected


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", ["x0", "v", "flow", "edm"])
def test_a_target_with_a_solution_everywhere_has_no_warning_on_any_schedule(
    name: str, target: str, valid: Recipes, spec: DatasetSpec
) -> None:
    assert about(checks.check_recipe(valid(f"target={target}", f"schedule.kind={name}"), spec)) in (
        [[], ["terminal SNR"]] if signal_fraction(SCHEDULES[name]().terminal) >= NEAR_PURE_NOISE else [[]]
    )


WRONG = {
    "terminal SNR": [
        ["schedule.kind=linear", "schedule.T=300"],
        ["schedule.kind=quadratic", "schedule.T=300"],
        ["schedule.kind=linear", "schedule.T=100", "schedule.end=0.008"],
    ],
    "target": [["target=eps"], ["target=eps", "schedule.kind=log-linear", "schedule.low=-20"]],
    "guidance": [
        ["sampling.guidance=2", "network.conditional=false", "training.label_dropout=0"],
        ["sampling.guidance=2", "training.label_dropout=0"],
        ["training.label_dropout=0"],
    ],
    "checkpoint interval": [['training.checkpoint_every="1 epoch"', "training.batch=60000"]],
}


@pytest.mark.parametrize(("name", "changes"), [(name, each) for name in WRONG for each in WRONG[name]], ids=str)
def test_the_advice_of_a_warning_removes_it(name: str, changes: list[str], valid: Recipes, spec: DatasetSpec) -> None:
    (warning,) = checks.check_recipe(valid(*changes), spec)
    assert warning.about == name and "\n" not in warning.text
    proposed = remedies(warning.text)
    assert proposed
    changed = valid(*changes).with_changes(proposed)
    assert checks.check_recipe(changed, spec) == []


@given(st.integers(50, 900), st.floats(1e-5, 1e-3), st.floats(2e-3, 0.1))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_more_timesteps_are_suggested_only_where_they_suffice(num_timesteps: int, start: float, end: float) -> None:
    """Nor so many that eps has no solution at the end of the schedule."""
    chosen = replace(recipe.load("ddpm-bn"), schedule=Linear(num_timesteps, start, end))
    spec = DatasetSpec("made", "", 1_000, (1, 28, 28), (), (), 0.6)
    found = [text for name, text in checks.check_recipe(chosen, spec) if name == "terminal SNR"]
    assert (signal_fraction(chosen.schedule.terminal) >= NEAR_PURE_NOISE) == bool(found)
    for change in remedies(found[0]) if found else []:
        sufficient = int(change.removeprefix("schedule.T="))
        assert checks.check_recipe(replace(chosen, schedule=Linear(sufficient, start, end)), spec) == []


def test_a_sampling_schedule_that_ends_before_pure_noise_gives_a_warning(valid: Recipes, spec: DatasetSpec) -> None:
    (warning,) = checks.check_recipe(valid("sampling.schedule.kind=linear", "sampling.schedule.T=300"), spec)
    assert warning.about == "terminal SNR" and "sampling.schedule" in warning.text


def test_the_gain_of_an_error_in_eps_is_sigma_over_alpha(valid: Recipes, spec: DatasetSpec) -> None:
    """At a log-SNR of -20 alpha is exp(-10) of sigma."""
    (warning,) = checks.check_recipe(valid("target=eps", "schedule.kind=log-linear", "schedule.low=-20"), spec)
    assert "becomes 220 in the image" in warning.text


def test_checkpoints_every_few_steps_give_a_warning(valid: Recipes, spec: DatasetSpec) -> None:
    small = DatasetSpec("small", "", 240, spec.shape, spec.classes, spec.proportions, 0.6)
    often = valid('training.checkpoint_every="1 epoch"')
    assert (
        about(checks.check_recipe(often, small)) == ["checkpoint interval"] and checks.check_recipe(often, spec) == []
    )
    assert checks.check_recipe(often.with_changes(['training.length="5 minutes"']), small) == []


def test_the_ema_warm_up_removes_the_initial_weights_for_every_half_life() -> None:
    for half_life in (1, 100, 10**9):
        assert ema_warmup.initial_weight(half_life, 1) <= ema.MAX_INIT_WEIGHT
    assert ema_warmup.initial_weight(100, 0) == 1


def test_a_constant_ema_decay_gives_a_warning(
    valid: Recipes, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 0.9999 per step, 20 epochs of MNIST (469 steps each) leave exp(-0.938) = 39 %."""
    monkeypatch.setattr(ema, "decay", lambda half_life, step: 0.9999)
    (warning,) = checks.check_recipe(valid('training.length="9380 steps"'), spec)
    assert warning.about == "EMA" and "39%" in warning.text and "9,380 steps" in warning.text
    assert checks.check_recipe(valid('training.length="60000 steps"'), spec) == []


def header(recipe: Recipe, spec: DatasetSpec, start_left: float, step: int = 100) -> dict[str, Any]:
    return {
        "recipe": recipe.to_dict(),
        "facts": spec.to_dict(),
        "progress": {"step": step, "start_left": start_left, "loss_sum": 0.0, "loss_count": 0, "best": None},
    }


def test_a_checkpoint_with_initial_weights_in_its_ema_gives_a_warning(valid: Recipes, spec: DatasetSpec) -> None:
    assert checks.check_checkpoint(header(valid(), spec, 1e-3)) == []
    (warning,) = checks.check_checkpoint(header(valid(), spec, 0.394))
    assert warning.about == "EMA" and "39% of the EMA weights" in warning.text and "step 100" in warning.text


def test_a_checkpoint_has_the_warnings_of_its_recipe_and_classes(valid: Recipes, spec: DatasetSpec) -> None:
    unbalanced = DatasetSpec("made", "", 60_000, (1, 28, 28), ("ant", "bee"), (0.0, 1.0), 0.6)
    found = checks.check_checkpoint(header(valid("target=eps"), unbalanced, 1.0, step=0))
    assert about(found) == ["target", "EMA", "classes"] and "ant" in found[-1].text


def test_a_checkpoint_of_an_unknown_network_has_the_other_warnings(valid: Recipes, spec: DatasetSpec) -> None:
    own = header(valid("target=eps"), spec, 0.0)
    own["recipe"]["network"] = {"kind": "UserNetwork", "conditional": False}
    own["recipe"]["training"]["label_dropout"] = 0.0
    assert about(checks.check_checkpoint(own)) == ["target"]


@pytest.mark.parametrize("name", model.bundled())
def test_bundled_models_have_the_warnings_of_their_recipes(name: str) -> None:
    assert about(checks.check_checkpoint(checkpoints.load(model.find(name)).header)) == WARNINGS_OF_BUNDLED[name]
