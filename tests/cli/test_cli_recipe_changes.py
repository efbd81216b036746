"""Recipes in files and in --set: a wrong name or value is refused with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

CHANGES = {
    "a field misspelt": ("optimizer.lrr=1", ["optimizer.lrr", "did you mean 'optimizer.lr'"]),
    "a section misspelt": ("optimiser.lr=1", ["optimiser.lr", "did you mean 'optimizer.lr'"]),
    "a field without section": ("lr=1", ["'lr'", "optimizer"]),
    "no value": ("optimizer.lr", ["--set optimizer.lr", "FIELD=VALUE"]),
    "words for a number": ("optimizer.lr=fast", ["optimizer.lr", "'fast'", "number"]),
    "a fraction for a count": ("training.batch=1.5", ["training.batch", "1.5"]),
    "a batch of none": ("training.batch=0", ["training.batch", "0", "1"]),
    "a rate below 0": ("optimizer.lr=-1", ["optimizer.lr", "-1"]),
    "a kind misspelt": ("schedule.kind=cosin", ["'cosin'", "did you mean 'cosine'"]),
    "a kind unknown": ("optimizer.kind=sgd", ["'sgd'", "adam, adamw"]),
    "an option of another kind": ("schedule.offset=1", ["schedule.offset"]),
    "a network unknown": ("network.kind=unet", ["'unet'", "class-unet"]),
    "a network of no width": ("network.base=-3", ["network.base", "-3"]),
    "a table without betas": ("schedule.T=0", ["schedule.T", "0"]),
    "a beta above 1": ("schedule.end=2", ["Linear", "betas", "to 2"]),
    "a target misspelt": ("target=epsilon", ["'epsilon'", "did you mean 'eps'"]),
    "a sampler misspelt": ("sampling.sampler=ddmp:9", ["'ddmp'", "did you mean 'ddpm:9'"]),
    "a sampler of more steps than betas": ("sampling.sampler=ddpm:1001", ["sampling.sampler", "ddpm:1001", "T = 1000"]),
    "a preview of more steps than betas": ("sampling.preview=ddim:2000", ["sampling.preview", "ddim:2000", "T = 1000"]),
    "a length without unit": ("training.length=10", ["training.length", "10"]),
    "a length misspelt": ("training.length=10 epoks", ["10 epoks", "epochs"]),
    "a milestone misspelt": ("training.milestones=['some day']", ["some day", "epochs"]),
    "a measurement by the clock": ("training.checkpoint_every='2 minutes'", ["checkpoint_every", "2 minutes"]),
    "a precision unknown": ("training.precision=half", ["'half'", "bfloat16"]),
    "dropped labels of none": ("training.label_dropout=0.1", ["label_dropout", "network.conditional"]),
    "a dropout above 1": ("training.label_dropout=2", ["label_dropout", "[0, 1)"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_that_cannot_be_is_refused(case, refused):
    change, words = CHANGES[case]
    complaint = refused("train", "simple-unet", "--data", "digits", "--steps", "1", "--set", change)
    for word in words:
        assert word in complaint
    assert not list(Path().rglob("*.*"))


FILES = {
    "a section misspelt": ("[netwrk]\nkind = 'simple-unet'", ["'netwrk'", "did you mean 'network'"]),
    "an option misspelt": (
        "[network]\nkind = 'simple-unet'\nbasis = 4",
        ["network.basis", "did you mean 'network.base'"],
    ),
    "an option of another type": (
        "[network]\nkind = 'simple-unet'\nbase = 'four'",
        ["network.base", "'four'", "integer"],
    ),
    "a word for a section": ("network = 'simple-unet'\noptimizer = 'adam'", ["optimizer", "[optimizer]"]),
    "a network without kind": ("[network]\nbase = 4", ["network.kind"]),
    "no network": ("target = 'eps'", ["network", "missing"]),
    "no TOML": ("network: simple-unet", ["not TOML"]),
    "a number for a name": ("name = 3\nnetwork = 'simple-unet'", ["'name'", "3"]),
    "text for true": ("[network]\nkind = 'simple-unet'\nconditional = 'yes'", ["network.conditional", "'yes'"]),
}


@pytest.mark.parametrize("case", FILES)
def test_a_recipe_file_that_cannot_be_is_refused(case, refused):
    text, words = FILES[case]
    Path("mine.toml").write_text(text)
    for command in (["train", "mine.toml", "--data", "digits"], ["show", "mine.toml"]):
        complaint = refused(*command)
        assert "mine.toml" in complaint
        for word in words:
            assert word in complaint


def test_changes_take_effect_and_stand_in_the_run(inkwash):
    import tomllib

    changes = [
        "schedule.kind=cosine",
        "network.base=4",
        "training.batch=8",
        "sampling.preview=ddim:1",
        "about=mine = yours",
    ]
    flags = [word for change in changes for word in ("--set", change)]
    assert inkwash("train", "simple-unet", "--data", "digits", *flags, "--steps", "1", "--out", "run", "-q").code == 0
    recipe = tomllib.loads(Path("run/recipe.toml").read_text())
    assert recipe["schedule"] == {"kind": "cosine", "offset": 0.008}, "the options of the old kind are gone"
    assert recipe["network"]["base"] == 4 and recipe["training"]["batch"] == 8 and recipe["about"] == "mine = yours"


def test_the_last_of_two_changes_counts(inkwash):
    flags = ["--set", "network.base=6", "--set", "network.base=4", "--set", "sampling.preview=ddim:1"]
    assert inkwash("train", "simple-unet", "--data", "digits", *flags, "--steps", "1", "--out", "run", "-q").code == 0
    assert "base = 4" in Path("run/recipe.toml").read_text()
