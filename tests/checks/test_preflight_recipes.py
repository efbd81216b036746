"""What a recipe is warned of is true, has a way out that works, and leaves sound recipes alone."""

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
from inkwash.core.terminal_snr import terminal_words
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
"""The cosine schedule ends at pure noise, where eps is unsolvable; 300 rows of betas for 1000 end too early."""


def about(concerns) -> list[str]:
    return [concern.about for concern in concerns]


def ways_out(text: str) -> list[str]:
    return [change.replace("'", "") for change in re.findall(r'--set ((?:[^\s;"]|"[^"]*")+)', text)]


def test_every_bundled_recipe_is_judged():
    assert set(TRUE_OF_BUNDLED) == set(recipe.bundled())


@pytest.mark.parametrize(("name", "expected"), TRUE_OF_BUNDLED.items())
def test_bundled_recipes_are_warned_of_what_is_true_of_them_on_mnist(name, expected, spec):
    chosen = recipe.load(name)
    if chosen.data.name == "cifar-10":
        # nothing is downloaded by a test: its form is enough
        spec = expected_spec(chosen)
    elif chosen.data.name != "mnist":
        spec = DatasetSpec.of(data.load(chosen.data.name))
    assert about(checks.of_recipe(chosen, spec, model.build_net(chosen, spec))) == expected


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("target", ["x0", "v", "flow", "edm"])
def test_no_schedule_is_a_trap_for_a_target_that_is_solved_everywhere(name, target, sound, spec):
    assert about(checks.of_recipe(sound(f"target={target}", f"schedule.kind={name}"), spec)) in (
        [[], ["terminal SNR"]] if "wrong start" in terminal_words(SCHEDULES[name]().terminal) else [[]]
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
def test_a_way_out_is_one(name, changes, sound, spec):
    """What the sentence proposes to set, set: then nothing is said any more."""
    (concern,) = checks.of_recipe(sound(*changes), spec)
    assert concern.about == name and "\n" not in concern.text
    proposed = ways_out(concern.text)
    assert proposed
    mended = sound(*changes).with_changes(proposed)
    assert checks.of_recipe(mended, spec) == []


@given(st.integers(50, 900), st.floats(1e-5, 1e-3), st.floats(2e-3, 0.1))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_more_rows_are_proposed_only_where_they_suffice(rows, start, end):
    """And not so many that eps can no longer be solved at their end."""
    chosen = replace(recipe.load("ddpm-bn"), schedule=Linear(rows, start, end))
    spec = DatasetSpec("made", "", 1_000, (1, 28, 28), (), (), 0.6)
    said = [text for name, text in checks.of_recipe(chosen, spec) if name == "terminal SNR"]
    assert ("wrong start" in terminal_words(chosen.schedule.terminal)) == bool(said)
    for change in ways_out(said[0]) if said else []:
        enough = int(change.removeprefix("schedule.T="))
        assert checks.of_recipe(replace(chosen, schedule=Linear(enough, start, end)), spec) == []


def test_the_levels_drawn_on_may_end_too_early_where_those_trained_on_do_not(sound, spec):
    (concern,) = checks.of_recipe(sound("sampling.schedule.kind=linear", "sampling.schedule.T=300"), spec)
    assert concern.about == "terminal SNR" and "sampling.schedule" in concern.text


def test_a_small_error_in_the_noise_is_magnified_by_sigma_over_alpha(sound, spec):
    """At a log-SNR of -20 alpha is exp(-10) of sigma."""
    (concern,) = checks.of_recipe(sound("target=eps", "schedule.kind=log-linear", "schedule.low=-20"), spec)
    assert "becomes 220 in the image" in concern.text


def test_an_epoch_of_few_steps_is_a_pause_too_many(sound, spec):
    small = DatasetSpec("small", "", 240, spec.shape, spec.classes, spec.proportions, 0.6)
    often = sound('training.checkpoint_every="1 epoch"')
    assert about(checks.of_recipe(often, small)) == ["pauses"] and checks.of_recipe(often, spec) == []
    assert checks.of_recipe(often.with_changes(['training.length="5 minutes"']), small) == []


def test_the_ramp_of_the_average_forgets_the_start_whatever_its_half_life():
    for half_life in (1, 100, 10**9):
        assert ema_warmup.start_left(half_life, 1) <= ema.TOO_YOUNG
    assert ema_warmup.start_left(100, 0) == 1


def test_a_constant_decay_would_keep_its_start_and_be_told(sound, spec, monkeypatch):
    """What others do: 0.9999 a step, of which 20 epochs of MNIST leave 39 % (20 of 469 steps: exp(-0.938))."""
    monkeypatch.setattr(ema, "decay", lambda half_life, step: 0.9999)
    (concern,) = checks.of_recipe(sound('training.length="9380 steps"'), spec)
    assert concern.about == "average" and "39%" in concern.text and "9,380 steps" in concern.text
    assert checks.of_recipe(sound('training.length="60000 steps"'), spec) == []


def header(recipe, spec, start_left: float, step: int = 100) -> dict:
    return {
        "recipe": recipe.to_dict(),
        "facts": spec.to_dict(),
        "progress": {"step": step, "start_left": start_left, "loss_sum": 0.0, "loss_count": 0, "best": None},
    }


def test_a_model_is_warned_of_what_is_left_of_its_start(sound, spec):
    assert checks.of_checkpoint(header(sound(), spec, 1e-3)) == []
    (concern,) = checks.of_checkpoint(header(sound(), spec, 0.394))
    assert concern.about == "average" and "39% of the EMA weights" in concern.text and "step 100" in concern.text


def test_a_model_is_warned_of_its_recipe_and_its_classes_too(sound, spec):
    lacking = DatasetSpec("made", "", 60_000, (1, 28, 28), ("ant", "bee"), (0.0, 1.0), 0.6)
    said = checks.of_checkpoint(header(sound("target=eps"), lacking, 1.0, step=0))
    assert about(said) == ["target", "average", "classes"] and "ant" in said[-1].text


def test_a_model_whose_network_only_its_author_has_is_judged_by_the_rest(sound, spec):
    own = header(sound("target=eps"), spec, 0.0)
    own["recipe"]["network"] = {"kind": "OfMyOwn", "conditional": False}
    own["recipe"]["training"]["label_dropout"] = 0.0
    assert about(checks.of_checkpoint(own)) == ["target"]


@pytest.mark.parametrize("name", model.bundled())
def test_bundled_models_are_warned_of_their_recipe_only(name):
    from inkwash.io import checkpoints

    assert about(checks.of_checkpoint(checkpoints.load(model.find(name)).header)) == TRUE_OF_BUNDLED[name]
