"""Recipes in files and in --set: an unknown name or invalid value is refused with its field and a suggestion."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from outcome import CheckError, Inkwash

CHANGES = [
    ("optimizer.lrr=1", "unknown-field", "optimizer.lrr"),
    ("optimiser.lr=1", "unknown-field", "optimiser.lr"),
    ("lr=1e-3", "unknown-field", "lr"),
    ("training.lr=1e-3", "unknown-field", "training.lr"),
    ("optimizer.learning_rate=1e-3", "unknown-field", "optimizer.learning_rate"),
    ("batch_size=4", "unknown-field", "batch_size"),
    ("timesteps=100", "unknown-field", "timesteps"),
    ("epochs=4", "unknown-field", "epochs"),
    ("guidance=2", "unknown-field", "guidance"),
    ("kind=cosine", "unknown-field", "kind"),
    ("optimizer.lr", "invalid-value", "optimizer.lr"),
    ("optimizer.lr=fast", "invalid-value", "optimizer.lr"),
    ("training.batch=1.5", "invalid-value", "training.batch"),
    ("training.batch=0", "out-of-range", "training.batch"),
    ("optimizer.lr=-1", "out-of-range", "optimizer.lr"),
    ("schedule.kind=cosin", "unknown-name", "schedule.kind"),
    ("optimizer.kind=sgd", "unknown-name", "optimizer.kind"),
    ("schedule.offset=1", "unknown-field", "schedule.offset"),
    ("network.kind=unet", "unknown-name", "network.kind"),
    ("network.base=-3", "out-of-range", "network.base"),
    ("schedule.T=0", "out-of-range", "schedule.T"),
    ("schedule.end=2", "out-of-range", "schedule"),
    ("target=epsilon", "unknown-name", "target"),
    ("target=v_prediction", "unknown-name", "target"),
    ("target=x_start", "unknown-name", "target"),
    ("sampling.sampler=ddmp:9", "unknown-name", "sampling.sampler"),
    ("sampling.sampler=ddpm:1001", "out-of-range", "sampling.sampler"),
    ("sampling.preview=ddim:2000", "out-of-range", "sampling.preview"),
    ("training.length=10", "invalid-value", "training.length"),
    ("training.length=10 epoks", "invalid-value", "training.length"),
    ("training.milestones=['some day']", "invalid-value", "training.milestones"),
    ("training.checkpoint_every='2 minutes'", "unsupported", "training.checkpoint_every"),
    ("training.precision=half", "unknown-name", "training.precision"),
    ("training.label_dropout=0.1", "no-effect", "training.label_dropout"),
    ("training.label_dropout=2", "out-of-range", "training.label_dropout"),
]


@pytest.mark.parametrize(("change", "code", "field"), CHANGES, ids=[case[0] for case in CHANGES])
def test_invalid_change_is_refused(change: str, code: str, field: str, check_error: CheckError) -> None:
    arguments = ["train", "simple-unet", "--data", "digits", "--steps", "1", "--set", change]
    check_error(f"train --set {change}", arguments, code, field)
    assert not list(Path().iterdir())


FILES = [
    ("[netwrk]\nkind = 'simple-unet'", "unknown-field", "netwrk"),
    ("[network]\nkind = 'simple-unet'\nbasis = 4", "unknown-field", "network.basis"),
    ("[network]\nkind = 'simple-unet'\nbase = 'four'", "invalid-value", "network.base"),
    ("network = 'simple-unet'\noptimizer = 'adam'", "invalid-value", "optimizer"),
    ("[network]\nbase = 4", "missing-field", "network.kind"),
    ("target = 'eps'", "missing-field", "network"),
    ("network: simple-unet", "wrong-file", "recipe"),
    ("name = 3\nnetwork = 'simple-unet'", "invalid-value", "name"),
    ("[network]\nkind = 'simple-unet'\nconditional = 'yes'", "invalid-value", "network.conditional"),
]


@pytest.mark.parametrize(("text", "code", "field"), FILES, ids=[repr(case[0]) for case in FILES])
def test_invalid_recipe_file_is_refused(
    text: str, code: str, field: str | None, check_error: CheckError, inkwash: Inkwash
) -> None:
    Path("mine.toml").write_text(text)
    check_error(f"show mine.toml: {text}", ["show", "mine.toml"], code, field)
    assert inkwash("train", "mine.toml", "--data", "digits").kind == (code, field)


def test_changes_are_written_to_the_recipe_of_the_run(inkwash: Inkwash) -> None:
    changes = [
        "schedule.kind=cosine",
        "network.base=6",
        "network.base=4",
        "training.batch=8",
        "sampling.preview=ddim:1",
        "about=mine = yours",
    ]
    flags = [word for change in changes for word in ("--set", change)]
    assert inkwash("train", "simple-unet", "--data", "digits", *flags, "--steps", "1", "--out", "run", "-q").code == 0
    recipe = tomllib.loads(Path("run/recipe.toml").read_text())
    assert recipe["schedule"] == {"kind": "cosine", "offset": 0.008}, "the options of the old kind are removed"
    assert recipe["network"]["base"] == 4, "the last change of a field counts"
    assert recipe["training"]["batch"] == 8 and recipe["about"] == "mine = yours"
