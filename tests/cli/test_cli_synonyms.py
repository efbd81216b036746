"""What is typed out of habit from other programs is answered with what to type here, and each answer is one that works."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from cyclopts import UnknownOptionError

from inkwash import cli
from inkwash.cli.synonyms import OPTIONS
from inkwash.config import recipe
from inkwash.core import SAMPLERS, SCHEDULES, TARGETS
from inkwash.data import DATASETS
from inkwash.objectives import WEIGHTS
from inkwash.text import synonyms

FIRST = {
    "train": "digits",
    "sample": "digits",
    "evaluate": "digits",
    "export": "digits",
    "lab": "guidance",
}


@pytest.mark.parametrize("command", OPTIONS)
def test_no_synonym_is_an_option_of_the_command_and_every_replacement_is(command):
    first = [FIRST[command]] if command in FIRST else []
    cli.app.parse_args([command, *first], exit_on_error=False, print_error=False)
    for flag, replacement in OPTIONS[command].items():
        with pytest.raises(UnknownOptionError):
            cli.app.parse_args([command, *first, f"{flag}=1"], exit_on_error=False, print_error=False)
        if replacement.startswith("--") or replacement.startswith("-n "):
            words = shlex.split(replacement.partition(",")[0].replace("{}", "1"))
            cli.app.parse_args([command, *first, *words], exit_on_error=False, print_error=False)
        else:
            assert replacement.startswith(f"inkwash {command} ")


@pytest.mark.parametrize(
    "replacement", sorted({text for text in OPTIONS["train"].values() if text.startswith("--set ")})
)
def test_every_field_that_a_flag_stands_for_is_one(replacement):
    change = replacement.removeprefix("--set ")
    values = {"optimizer.kind": "adam", "schedule.kind": "linear", "target": "v", "network.kind": "simple-unet"}
    name = change.partition("=")[0]
    value = values.get(name, "float32" if name == "training.precision" else "0.5" if "dropout" in name else "100")
    conditional = "network.conditional=true"
    changed = recipe.load("ddim-300").with_changes([conditional, change.replace("{}", value)])
    assert changed != recipe.load("ddim-300")


@pytest.mark.parametrize(
    ("kind", "table"),
    [("sampler", SAMPLERS), ("target", TARGETS), ("schedule", SCHEDULES), ("weight", WEIGHTS), ("data set", DATASETS)],
)
def test_every_value_is_a_row_of_its_table_and_no_row_is_a_synonym(kind, table):
    assert set(synonyms.VALUES[kind].values()) <= set(table)
    assert not set(synonyms.VALUES[kind]) & set(table)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("train digits --lr 1e-3", "--set optimizer.lr=1e-3"),
        ("train digits --learning-rate=0.1", "--set optimizer.lr=0.1"),
        ("train digits -lr 1", "--set optimizer.lr=1"),
        ("train digits --batch_size 4", "--set training.batch=4"),
        ("train digits --num-epochs 4", "--epochs 4"),
        ("train digits --lr", "--set optimizer.lr=VALUE"),
        ("train digits --dataset mnist", "--data mnist"),
        ("train digits --resume runs/x", "inkwash train RUN"),
        ("sample digits --num-steps 20", "--steps 20"),
        ("sample digits --n-samples 9", "-n 9"),
        ("sample digits --class 7", "--label 7"),
        ("sample digits --cfg-scale 2", "--guidance 2"),
        ("sample digits --output x.png", "--out x.png"),
        ("evaluate digits --output-dir x", "--report x"),
    ],
)
def test_a_flag_of_other_programs_is_answered_with_ours(words, meant, refused):
    assert refused(*words.split()).endswith(f"use {meant}") or meant == "inkwash train RUN"


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ("lr=1e-3", "optimizer.lr"),
        ("training.lr=1e-3", "optimizer.lr"),
        ("optimizer.learning_rate=1e-3", "optimizer.lr"),
        ("batch_size=4", "training.batch"),
        ("timesteps=100", "schedule.T"),
        ("epochs=4", "training.length"),
        ("guidance=2", "training.guidance or sampling.guidance"),
        ("kind=cosine", "schedule.kind"),
    ],
)
def test_a_field_in_the_wrong_place_is_answered_with_the_right_one(change, meant, refused):
    assert meant in refused("train", "ddim-300", "--data", "digits", "--steps", 1, "--set", change)


@pytest.mark.parametrize(
    ("flags", "meant"),
    [
        (["--sampler", "DDIM:10"], "'ddim:10'"),
        (["--sampler", "DPM++:5"], "'dpm++2m:5'"),
        (["--sampler", "dpmpp_2m"], "'dpm++2m'"),
        (["--sampler", "euler_a"], "'ddpm'"),
        (["--schedule", "squaredcos_cap_v2"], "'cosine'"),
        (["--schedule", "Karras"], "'karras'"),
        (["--device", "gpu"], "'cuda'"),
        (["--precision", "bf16"], "'bfloat16'"),
    ],
)
def test_a_value_of_other_programs_is_answered_with_ours(flags, meant, runs, refused):
    assert f"did you mean {meant}?" in refused("sample", runs.plain, *flags)


@pytest.mark.parametrize(("target", "meant"), [("epsilon", "eps"), ("v_prediction", "v"), ("x_start", "x0")])
def test_a_prediction_type_of_other_programs(target, meant, refused):
    assert f"did you mean '{meant}'?" in refused("train", "digits", "--steps", 1, "--set", f"target={target}")


@pytest.fixture
def files():
    Path("README.md").write_text("# about\n")
    Path("model.pt").write_bytes(b"PK\x03\x04 and more")
    Path("mine.toml").write_text('[network]\nkind = "mlp"\n')
    Path("images.npz").write_bytes(b"PK\x03\x04 and more")


@pytest.mark.parametrize("command", ["sample", "export", "train", "show"])
def test_a_pickle_is_recognised_and_never_called_damaged(command, files, refused):
    told = refused(*command.split(), "model.pt")
    assert "model.pt is a pickle" in told and "give " in told and "damaged" not in told


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("sample README.md", ("README.md is not a model", "run folder", "fast", "NAME.safetensors")),
        ("evaluate README.md", ("README.md is not a model", "run folder")),
        ("train README.md", ("README.md is not a recipe", "NAME.toml")),
        ("train digits --data README.md", ("README.md is not a data set", "NAME.npz")),
        ("sample mine.toml", ("inkwash train mine.toml",)),
        ("sample images.npz", ("inkwash evaluate images.npz",)),
        ("sample cifar10", ("inkwash train cifar10",)),
        ("sample mnist", ("data set", "fast")),
        ("train mnist", ("mnist is a data set", "ddpm-bn", "fast", "--data mnist")),
        ("train MNIST", ("data set", "fast")),
        ("train kmnist", ("data set", "--data kmnist")),
        ("lab fast", ("--run fast",)),
    ],
)
def test_a_name_or_file_of_another_kind_is_recognised(words, meant, files, refused):
    told = refused(*words.split())
    assert all(word in told for word in meant) and "did you mean" not in told


@pytest.mark.parametrize("weight", ["-1", "-0.01"])
@pytest.mark.parametrize("command", ["sample", "evaluate"])
def test_guidance_below_zero_is_refused_and_zero_is_not(command, weight, runs, refused):
    told = refused(command, runs.digits, f"--guidance={weight}")
    assert f"guidance is {weight}" in told and "0 to ignore the label" in told


def test_guidance_of_zero_ignores_the_label(runs, inkwash):
    flags = ("-n", 4, "--sampler", "ddim:2", "--quiet")
    for name, label in (("zero", 3), ("other", 7)):
        assert inkwash("sample", runs.digits, *flags, "--label", label, "-w", 0, "-o", f"{name}.npz").code == 0
    import numpy as np

    zero, other = (np.load(f"{name}.npz")["images"] for name in ("zero", "other"))
    assert np.array_equal(zero, other)


def test_a_grid_of_too_many_images_is_refused_with_two_ways_out(runs, refused):
    told = refused("sample", runs.plain, "-n", 100_000)
    assert "100,000" in told and "NAME.npz" in told and "folder" in told and "10,000" in told
    assert not list(Path().iterdir())
