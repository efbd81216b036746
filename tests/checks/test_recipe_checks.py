"""Warnings about recipes are true, and their advice removes them; valid recipes have none."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkwash import checks, data, model
from inkwash.checks import ema_warmup
from inkwash.cli.tables.recipes import expected_spec
from inkwash.config import recipe
from inkwash.core import SCHEDULES, Linear
from inkwash.core.levels import describe_terminal_snr
from inkwash.data.spec import DatasetSpec
from inkwash.training import ema

TRUE_OF_BUNDLED = {
    "attention-unet": ["target"],
    "cfg-cosine": ["target"],
    "cifar10": [],
    "ddim-300": ["terminal SNR"],
    "ddpm-bn": [],
    "digits": [],
    "fast": [],
    "moons": [],
    "simple-unet": [],
}
"""The cosine schedule ends at pure noise, where eps has no solution; 300 timesteps of betas for 1000 do not reach it."""


def about(concerns) -> list[str]:
    return [concern.about for concern in concerns]


def ways_out(text: str) -> list[str]:
    return [change.replace("'", "") for change in re.findall(r'--set ((?:[^\s;"]|"[^"]*")+)', text)]


def test_the_table_has_every_bundled_recipe() -> None:
    assert set(TRUE_OF_BUNDLED) == set(recipe.bundled())


@pytest.mark.parametrize(("name", "expected"), TRUE_OF_BUNDLED.items())
def test_bundled_recipes_have_their_warnings_on_mnist(name, expected, spec: DatasetSpec) -> None:
    chosen = recipe.load(name)
    if chosen.data.name == "cifar-10":
        # nothing is downloaded by a test: its form is enough
        spec = expected_spec(chosen)
    elif chosen.data.name != "mnist":
        spec = DatasetSpec.of(data.load(chosen.data.name))
    assert about(checks.of_recipe(chosen, spec, model.build_net(chosen, spec))) == expected


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", ["x0", "v", "flow", "edm"])
def test_a_target_with_a_solution_everywhere_has_no_warning_on_any_schedule(
    name, target: str, sound, spec: DatasetSpec
) -> None:
    assert about(checks.of_recipe(sound(f"target={target}", f"schedule.kind={name}"), spec)) in (
        [[], ["terminal SNR"]] if "wrong start" in describe_terminal_snr(SCHEDULES[name]().terminal) else [[]]
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
    "pauses": [['training.checkpoint_every="1 epoch"', "training.batch=60000"]],
}


@pytest.mark.parametrize(("name", "changes"), [(name, each) for name in WRONG for each in WRONG[name]], ids=str)
def test_the_advice_of_a_warning_removes_it(name, changes, sound, spec: DatasetSpec) -> None:
    (concern,) = checks.of_recipe(sound(*changes), spec)
    assert concern.about == name and "\n" not in concern.text
    proposed = ways_out(concern.text)
    assert proposed
    mended = sound(*changes).with_changes(proposed)
    assert checks.of_recipe(mended, spec) == []


@given(st.integers(50, 900), st.floats(1e-5, 1e-3), st.floats(2e-3, 0.1))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_more_timesteps_are_suggested_only_where_they_suffice(rows, start, end) -> None:
    """And not so many that eps has no solution at their end."""
    chosen = replace(recipe.load("ddpm-bn"), schedule=Linear(rows, start, end))
    spec = DatasetSpec("made", "", 1_000, (1, 28, 28), (), (), 0.6)
    found = [text for name, text in checks.of_recipe(chosen, spec) if name == "terminal SNR"]
    assert ("wrong start" in describe_terminal_snr(chosen.schedule.terminal)) == bool(found)
    for change in ways_out(found[0]) if found else []:
        enough = int(change.removeprefix("schedule.T="))
        assert checks.of_recipe(replace(chosen, schedule=Linear(enough, start, end)), spec) == []


def test_a_sampling_schedule_that_ends_before_pure_noise_gives_a_warning(sound, spec: DatasetSpec) -> None:
    (concern,) = checks.of_recipe(sound("sampling.schedule.kind=linear", "sampling.schedule.T=300"), spec)
    assert concern.about == "terminal SNR" and "sampling.schedule" in concern.text


def test_the_gain_of_an_error_in_eps_is_sigma_over_alpha(sound, spec: DatasetSpec) -> None:
    """At a log-SNR of -20 alpha is exp(-10) of sigma."""
    (concern,) = checks.of_recipe(sound("target=eps", "schedule.kind=log-linear", "schedule.low=-20"), spec)
    assert "becomes 220 in the image" in concern.text


def test_checkpoints_every_few_steps_give_a_warning(sound, spec: DatasetSpec) -> None:
    small = DatasetSpec("small", "", 240, spec.shape, spec.classes, spec.proportions, 0.6)
    often = sound('training.checkpoint_every="1 epoch"')
    assert about(checks.of_recipe(often, small)) == ["pauses"] and checks.of_recipe(often, spec) == []
    assert checks.of_recipe(often.with_changes(['training.length="5 minutes"']), small) == []


def test_the_ema_warm_up_removes_the_initial_weights_for_every_half_life() -> None:
    for half_life in (1, 100, 10**9):
        assert ema_warmup.start_left(half_life, 1) <= ema.MAX_INIT_WEIGHT
    assert ema_warmup.start_left(100, 0) == 1


def test_a_constant_ema_decay_gives_a_warning(sound, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 0.9999 per step, 20 epochs of MNIST (469 steps each) leave exp(-0.938) = 39 %."""
    monkeypatch.setattr(ema, "decay", lambda half_life, step: 0.9999)
    (concern,) = checks.of_recipe(sound('training.length="9380 steps"'), spec)
    assert concern.about == "average" and "39%" in concern.text and "9,380 steps" in concern.text
    assert checks.of_recipe(sound('training.length="60000 steps"'), spec) == []


def header(recipe, spec: DatasetSpec, start_left: float, step: int = 100) -> dict:
    return {
        "recipe": recipe.to_dict(),
        "facts": spec.to_dict(),
        "progress": {"step": step, "start_left": start_left, "loss_sum": 0.0, "loss_count": 0, "best": None},
    }


def test_a_checkpoint_with_initial_weights_in_its_ema_gives_a_warning(sound, spec: DatasetSpec) -> None:
    assert checks.of_checkpoint(header(sound(), spec, 1e-3)) == []
    (concern,) = checks.of_checkpoint(header(sound(), spec, 0.394))
    assert concern.about == "average" and "39% of the EMA weights" in concern.text and "step 100" in concern.text


def test_a_checkpoint_has_the_warnings_of_its_recipe_and_classes(sound, spec: DatasetSpec) -> None:
    lacking = DatasetSpec("made", "", 60_000, (1, 28, 28), ("ant", "bee"), (0.0, 1.0), 0.6)
    found = checks.of_checkpoint(header(sound("target=eps"), lacking, 1.0, step=0))
    assert about(found) == ["target", "average", "classes"] and "ant" in found[-1].text


def test_a_checkpoint_of_an_unknown_network_has_the_other_warnings(sound, spec: DatasetSpec) -> None:
    own = header(sound("target=eps"), spec, 0.0)
    own["recipe"]["network"] = {"kind": "OfMyOwn", "conditional": False}
    own["recipe"]["training"]["label_dropout"] = 0.0
    assert about(checks.of_checkpoint(own)) == ["target"]


@pytest.mark.parametrize("name", model.bundled())
def test_bundled_models_have_the_warnings_of_their_recipes(name) -> None:
    from inkwash.io import checkpoints

    assert about(checks.of_checkpoint(checkpoints.load(model.find(name)).header)) == TRUE_OF_BUNDLED[name]
