"""A request that cannot be met is refused in one line that names the thing, before anything is drawn or written."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTHING_WRITTEN = "the current folder must stay as empty as it was"

SAMPLE = {
    "no steps": ("plain", ["--steps", "0"], ["steps is 0", "at least 1"]),
    "no steps after the colon": ("plain", ["--sampler", "ddim:0"], ["steps is 0", "at least 1"]),
    "more steps than betas": ("plain", ["--steps", "301"], ["301", "T = 300", "at most 300"]),
    "guidance without labels": ("plain", ["--guidance", "3"], ["guidance 3", "no effect", "without labels"]),
    "guidance of no label": ("digits", ["--guidance", "3", "--label", "none"], ["guidance 3", "no effect", "label"]),
    "guidance not a number": ("digits", ["--guidance", "nan"], ["guidance is nan"]),
    "interval upside down": ("digits", ["-w", "2", "--interval", "0.8", "0.2"], ["interval", "0.8", "low < high"]),
    "interval without guidance": ("digits", ["--interval", "0.2", "0.8"], ["interval", "no effect"]),
    "eta on ddpm": ("plain", ["--sampler", "ddpm", "--eta", "0.5"], ["eta has no effect on ddpm", "ddim"]),
    "eta above 1": ("plain", ["--sampler", "ddim:2", "--eta", "2"], ["eta is 2", "[0, 1]"]),
    "eta not a number": ("plain", ["--sampler", "ddim:2", "--eta", "nan"], ["eta is nan", "[0, 1]"]),
    "temperature below 0": ("plain", ["--temperature", "-1"], ["temperature is -1", "at least 0"]),
    "temperature not a number": ("plain", ["--temperature", "nan"], ["temperature is nan"]),
    "temperature without noise": (
        "plain",
        ["--sampler", "ddim:2", "--temperature", "0.5"],
        ["temperature", "no effect"],
    ),
    "label of a model without": ("plain", ["--label", "7"], ["label has no effect", "without labels"]),
    "label too high": ("digits", ["--label", "12"], ["label 12", "0 to 9"]),
    "label negative": ("digits", ["--label", "-1"], ["label '-1'"]),
    "label misspelt": ("bees", ["--label", "beee"], ["unknown label 'beee'", "did you mean 'bee'", "ant, bee"]),
    "labels backwards": ("digits", ["--label", "9-0"], ["'9-0'", "0-9"]),
    "labels without end": ("digits", ["--label", "0-99999999999"], ["label", "99999999999", "0 to 9"]),
    "no samples": ("plain", ["-n", "0"], ["n is 0"]),
    "a negative number of samples": ("plain", ["-n", "-3"], ["n is -3"]),
    "two and a half": ("plain", ["-n", "2.5"], ["2.5"]),
    "seed negative": ("plain", ["--seed", "-1"], ["seed is -1"]),
    "seed beyond 63 bits": ("plain", ["--seed", "99999999999999999999"], ["seed is 99999999999999999999"]),
    "last seed beyond 63 bits": ("plain", ["--seed", str(2**63 - 1), "-n", "2"], ["seed is"]),
    "scale": ("plain", ["--scale", "0"], ["scale is 0", "at least 1"]),
    "columns": ("plain", ["--columns", "-2"], ["columns is -2", "at least 1"]),
    "columns of a strip": ("plain", ["--strip", "--columns", "3"], ["columns", "no effect"]),
    "batch": ("plain", ["--batch", "0"], ["--batch is 0", "at least 1"]),
    "strip and film": ("plain", ["--strip", "--film"], ["--strip", "--film"]),
    "sampler misspelt": ("plain", ["--sampler", "ddmp:3"], ["unknown sampler 'ddmp'", "did you mean 'ddpm:3'"]),
    "steps no number": ("plain", ["--sampler", "ddim:few"], ["ddim:few", "integer", "ddim:50"]),
    "schedule misspelt": ("plain", ["--schedule", "cosin"], ["unknown schedule 'cosin'", "did you mean 'cosine'"]),
    "device misspelt": ("plain", ["--device", "gpu"], ["unknown device 'gpu'", "cpu"]),
    "precision": ("plain", ["--precision", "float16"], ["unknown precision 'float16'", "float32"]),
    "flag misspelt": ("plain", ["--stesp", "3"], ["--stesp", "--steps"]),
    "flag without value": ("plain", ["--steps"], ["--steps"]),
    "value of another type": ("plain", ["--steps", "two"], ["--steps", "two"]),
    "ending of another format": ("plain", ["-o", "x.jpg"], ["x.jpg", ".png", ".npz"]),
    "film as arrays": ("plain", ["--film", "-o", "x.npz"], ["x.npz", "film", ".webp"]),
    "single points": ("points", ["-o", "folder"], ["points", ".npz"]),
    "more than there are numbers for": ("plain", ["-n", "9" * 400], ["-n", "64 bits"]),
    "more samples than the limit": ("plain", ["-n", str(10**18)], ["n is 1000000000000000000", "10,000,000"]),
    "an enlarged image above the limit": (
        "plain",
        ["--scale", "100000"],
        ["--scale 100000", "pixels", "smaller -n or --scale"],
    ),
    "an enlarged scatter above the limit": ("points", ["-n", "2", "--scale", "100"], ["--scale 100", "pixels"]),
    "a film of a million": ("plain", ["-n", "1000000", "--film"], ["film of 1,000,000", "pixels"]),
    "steps without end": ("digits", ["--sampler", "ddim:1000000000000"], ["steps is 1000000000000", "at most 100,000"]),
    "steps of many digits": ("digits", ["--sampler", f"ddim:{'9' * 5000}"], ["sampler", "integer", "ddim:50"]),
    "label of many digits": ("digits", ["--label", "9" * 5000], ["unknown label"]),
    "processes of many digits": ("plain", ["--processes", "9" * 5000], ["--processes", "whole number"]),
    "processes without end": (
        "plain",
        ["--processes", "1000000", "-o", "x.npz"],
        ["--processes 1000000", "GB", "give fewer"],
    ),
    "own file missing": ("plain", ["--with", "mine.py"], ["--with mine.py"]),
}


@pytest.mark.parametrize("case", SAMPLE)
def test_sample_refuses(case, runs, refused):
    model, flags, words = SAMPLE[case]
    complaint = refused("sample", getattr(runs, model), *flags)
    for word in words:
        assert word in f" {complaint}"
    assert not list(Path().iterdir()), NOTHING_WRITTEN


TRAIN = {
    "recipe misspelt": (["simple-unte"], ["unknown recipe 'simple-unte'", "did you mean 'simple-unet'"]),
    "recipe file missing": (["mine.toml"], ["mine.toml"]),
    "data misspelt": (["digits", "--data", "mnits"], ["'mnits'", "did you mean 'mnist'"]),
    "data path missing": (["digits", "--data", "some/where"], ["some/where"]),
    "no steps": (["digits", "--steps", "0"], ["--steps is 0", "above 0"]),
    "half a step": (["digits", "--steps", "1.5"], ["1.5"]),
    "epochs not a number": (["digits", "--epochs", "nan"], ["--epochs is nan"]),
    "epochs without end": (["digits", "--epochs", "inf"], ["inf"]),
    "no time": (["digits", "--minutes", "-1"], ["--minutes is -1", "above 0"]),
    "two lengths": (["digits", "--steps", "3", "--epochs", "2"], ["--steps and --epochs", "give one"]),
    "two other lengths": (["digits", "--minutes", "3", "--images", "2"], ["--images and --minutes", "give one"]),
    "seed negative": (["digits", "--seed", "-1"], ["seed", "-1"]),
    "seed beyond 63 bits": (["digits", "--seed", "99999999999999999999"], ["seed", "99999999999999999999"]),
    "size": (["digits", "--size", "0"], ["data.size", " 0:", "16,384"]),
    "size of points": (["moons", "--size", "8"], ["moons", "--size"]),
    "device misspelt": (["digits", "--device", "gpu"], ["unknown device 'gpu'"]),
    "measured never": (["digits", "--checkpoint-every", "never"], ["training.checkpoint_every", "'never'", "epochs"]),
    "a folder of data": (["."], ["recipe.toml", "--data"]),
    "flag misspelt": (["digits", "--epoch", "3"], ["--epoch", "--epochs"]),
    "larger than any screen": (["digits", "--size", "1000000000"], ["data.size", "1000000000", "16,384"]),
    "steps beyond 64 bits": (["moons", "--steps", "9" * 400], ["--steps", "64 bits"]),
    "larger than all": (["digits", "--set", f"data.size={'9' * 400}"], ["data.size", "16,384"]),
    "steps beyond 32 bits": (["moons", "--steps", str(10**18)], ["1e+18 steps", "4,294,967,295"]),
    "epochs beyond all": (["moons", "--epochs", "1e300"], ["1e+300 epochs", "4,294,967,295"]),
    "measured after all": (["moons", "--checkpoint-every", "1e300 steps"], ["checkpoint_every", "4,294,967,295"]),
    "a network too wide": (["moons", "--set", "network.width=1000000000"], ["network.width' is 1000000000", "16,384"]),
    "a network too deep": (["moons", "--set", "network.depth=1000000000"], ["network.depth", "16,384"]),
    "a network for no memory": (
        ["digits", "--set", "network.widths=[16384,16384]", "--set", "network.dim=16384"],
        ["class-unet of", "parameters", "GB", "[network]"],
    ),
    "image network on points": (["simple-unet", "--data", "moons"], ["moons", "points"]),
    "point network on images": (["moons", "--data", "digits"], ["digits", "images"]),
}


@pytest.mark.parametrize("case", TRAIN)
def test_train_refuses(case, refused):
    arguments, words = TRAIN[case]
    length = [] if {"--steps", "--epochs", "--minutes"} & set(arguments) else ["--steps", "1"]
    complaint = refused("train", *arguments, *length)
    for word in words:
        assert word in complaint
    assert not list(Path().rglob("*.*")), NOTHING_WRITTEN


def test_a_refused_run_leaves_its_name_free(inkwash):
    """What was wrong is put right with the same --out."""
    flags = ["--steps", "1", "--out", "mine", "--quiet", "--set", "sampling.preview=ddim:2"]
    refusal = inkwash("train", "moons", *flags, "--set", "clip=true")
    assert refusal.code == 2 and "clip=false" in refusal.complaint
    assert inkwash("train", "moons", *flags).code == 0


@pytest.mark.parametrize("words", [["nothing"], ["runs/nothing"], ["nothing.safetensors"]])
def test_an_unknown_model_is_told_what_a_model_is(words, refused):
    complaint = refused("sample", *words)
    assert words[0] in complaint
    assert "run folder" in complaint


def test_a_file_of_ones_own_that_fails_is_named_with_its_line(runs, refused):
    Path("mine.py").write_text("import math\n\nmath.sqroot(2)\n")
    complaint = refused("sample", runs.plain, "--with", "mine.py")
    assert "--with mine.py" in complaint and "line 3" in complaint and "sqroot" in complaint


@pytest.mark.parametrize("words", [["train"], ["show"], ["sample"], ["evaluate"], ["sample", "digits", "--with"]])
def test_a_name_too_long_for_the_system_is_told_as_it_tells_it(words, inkwash):
    outcome = inkwash(*words, "x" * 5000)
    assert outcome.code == 1 and "name too long" in outcome.complaint
    # the end of the line can be read
    assert len(outcome.complaint) < 500


def test_what_finds_no_memory_says_so(inkwash, monkeypatch):
    import torch

    monkeypatch.setattr("inkwash.model.load", lambda *_, **__: torch.empty(2**60))
    outcome = inkwash("sample", "digits")
    assert outcome.code == 1 and "out of memory" in outcome.complaint and "--batch" in outcome.complaint


def test_run_returns_the_exit_code_of_success_too(capsys):
    from command import run

    assert run(["show", "moons", "--json"]) == 0
