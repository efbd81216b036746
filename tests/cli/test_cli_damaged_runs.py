"""Checkpoints and run folders that are damaged, foreign or edited; a full disk; a loss that runs away."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save_file

from inkwash.io import checkpoints, png_metadata
from inkwash.runs.folder import RunFolder

WRECKS = {
    "cut short": (lambda whole: whole[: len(whole) // 2], "damaged or truncated"),
    "cut in its header": (lambda whole: whole[:40], "damaged or truncated"),
    "empty": (lambda whole: b"", "damaged or truncated"),
    "a text": (lambda whole: b"hello, I am a text\n" * 9, "damaged or truncated"),
}


@pytest.mark.parametrize("wreck", WRECKS)
def test_a_damaged_checkpoint_is_named_by_every_command(wreck, runs, copied, inkwash):
    spoil, said = WRECKS[wreck]
    run = copied(runs.digits)
    latest = run / "checkpoints" / "latest.safetensors"
    latest.write_bytes(spoil(latest.read_bytes()))
    before = latest.read_bytes()
    outcome = inkwash("sample", latest)
    assert outcome.code == 1
    assert str(latest) in outcome.complaint and said in outcome.complaint
    assert "best.safetensors" in outcome.complaint
    for thing in (latest, run):
        told = inkwash("show", thing)
        assert told.code == 1
        assert "damaged" in told.out + told.err
        assert "newest valid checkpoint is step-0000006.safetensors, step 6" in told.complaint
    assert latest.read_bytes() == before
    on = inkwash("train", run, "--steps", "9")
    assert on.code == 0 and str(latest) in on.err and said in on.err and "is used instead" in on.err
    assert inkwash("show", run).code == 0


@pytest.mark.parametrize("fault", ["damaged or truncated", "missing"])
def test_a_run_folder_stands_for_its_newest_whole_checkpoint_and_says_so(fault, runs, copied, inkwash):
    run = copied(runs.plain)
    latest, last = (run / "checkpoints" / f"{name}.safetensors" for name in ("latest", "step-0000006"))
    (latest.unlink if fault == "missing" else lambda: latest.write_bytes(b""))()
    flags = ["-n", "1", "--steps", "1", "--quiet", "-o"]
    outcome = inkwash("sample", run, *flags, "x.png")
    assert outcome.code == 0
    warned = [line for line in outcome.err.splitlines() if line.startswith("warning, ")]
    assert len(warned) == 1
    assert str(latest) in warned[0] and fault in warned[0] and "step-0000006.safetensors, step 6" in warned[0]
    assert inkwash("sample", last, *flags, "y.png").code == 0
    assert np.array_equal(png_metadata.read_pixels("x.png"), png_metadata.read_pixels("y.png"))


def test_a_run_without_any_whole_checkpoint_is_an_error(runs, copied, inkwash):
    run = copied(runs.digits)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert "damaged or truncated" in inkwash("sample", run).complaint
    told = inkwash("show", run)
    assert told.code == 1 and "no checkpoint is valid" in told.complaint


def test_tensors_of_another_program_are_told_from_damage(inkwash):
    save_file({"weight": torch.zeros(3)}, "theirs.safetensors")
    for command in ("sample", "show"):
        outcome = inkwash(command, "theirs.safetensors")
        assert outcome.code == 1
        assert "not written by inkwash" in outcome.out + outcome.err


def test_a_checkpoint_of_a_later_format_asks_for_an_update(runs, inkwash):
    found = checkpoints.load(runs.plain / "checkpoints" / "latest.safetensors")
    save_file(found.tensors, "later.safetensors", metadata={"inkwash": json.dumps(found.header | {"format": 99})})
    outcome = inkwash("sample", "later.safetensors")
    assert outcome.code == 1
    assert "99" in outcome.complaint and "update inkwash" in outcome.complaint


def test_a_checkpoint_without_its_facts_is_damaged(runs, inkwash):
    found = checkpoints.load(runs.plain / "checkpoints" / "latest.safetensors")
    header = {key: value for key, value in found.header.items() if key != "facts"}
    save_file(found.tensors, "bare.safetensors", metadata={"inkwash": json.dumps(header)})
    for command in ("sample", "show"):
        outcome = inkwash(command, "bare.safetensors")
        assert outcome.code == 1
        assert "bare.safetensors" in outcome.out + outcome.err


def test_a_run_without_checkpoint_is_no_model_yet(runs, copied, refused, inkwash):
    run = copied(runs.digits)
    shutil.rmtree(run / "checkpoints")
    assert f"{run} has no checkpoints/latest.safetensors" in refused("sample", run)
    assert "no checkpoint yet" in inkwash("show", run).out


def test_a_run_without_checkpoint_begins_again_with_a_clean_log(runs, copied, inkwash):
    run = copied(runs.digits)
    shutil.rmtree(run / "checkpoints")
    assert inkwash("train", run, "--quiet").code == 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if row["kind"] == "train"]
    assert steps == sorted(set(steps))


def test_a_recipe_edited_to_another_network_does_not_fit(runs, copied, inkwash):
    run = copied(runs.plain)
    before = (run / "checkpoints" / "latest.safetensors").read_bytes()
    edited = (run / "recipe.toml").read_text().replace("base = 4", "base = 6")
    assert "base = 6" in edited
    (run / "recipe.toml").write_text(edited)
    outcome = inkwash("train", run, "--steps", "9", "--quiet")
    assert outcome.code == 1
    assert "latest.safetensors" in outcome.complaint and "network" in outcome.complaint
    assert "recipe.toml" in outcome.complaint, "it must say where to undo it"
    assert (run / "checkpoints" / "latest.safetensors").read_bytes() == before


RECIPES = {
    "no TOML": (b"name = ", "is not TOML"),
    "no text": (b"\xff\xfe\x00", "is not TOML"),
    "without training": (b'name = "x"\nnetwork = "simple-unet"\n[data]\nname = "digits"\n', ""),
    "without network": (b'name = "x"\n[training]\nlength = "9 steps"\n', "network"),
    "with a wrong field": (b'network = "simple-unet"\nname = "x"\n[training]\nlenght = "9 steps"\n', "training.length"),
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_spoilt_recipe_of_a_run_is_named(case, runs, copied, inkwash):
    text, said = RECIPES[case]
    run = copied(runs.plain)
    (run / "recipe.toml").write_bytes(text)
    outcome = inkwash("train", run, "--steps", "9", "--quiet")
    assert outcome.code in (1, 2)
    assert said in outcome.complaint


@pytest.mark.parametrize("name", ["floor.json", "environment.json", "metrics.jsonl"])
def test_a_spoilt_record_of_a_run_loses_no_training(name, runs, copied, inkwash):
    """What can be measured again is; what cannot is named. Neither is a traceback."""
    run = copied(runs.plain)
    (run / name).write_text('3\n{"cut sh')
    outcome = inkwash("train", run, "--steps", "8", "--quiet")
    assert outcome.code == 0 or name in outcome.complaint


def test_other_data_does_not_go_on_with_a_run(runs, inkwash):
    outcome = inkwash("train", runs.plain, "--data", runs.pictures, "--steps", "9")
    assert outcome.code == 1
    assert "trained on digits" in outcome.complaint and "--data" in outcome.complaint


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("disk is full")])
def test_a_full_disk_keeps_the_checkpoint_before(fault, runs, copied, inkwash, monkeypatch):
    run = copied(runs.plain)
    held = {file: file.read_bytes() for file in (run / "checkpoints").iterdir()}

    def half(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise fault

    with monkeypatch.context() as full:
        full.setattr(checkpoints, "save_file", half)
        outcome = inkwash("train", run, "--steps", "8", "--quiet")
    assert outcome.code == 1
    assert "cannot write" in outcome.complaint and ".safetensors" in outcome.complaint and "space" in outcome.complaint
    assert {file: file.read_bytes() for file in (run / "checkpoints").iterdir()} == held
    assert inkwash("train", run, "--quiet").code == 0
    assert checkpoints.load(run / "checkpoints" / "latest.safetensors").header["progress"]["step"] == 8


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_in_the_log_is_one_line(runs, tmp_path, inkwash, monkeypatch):
    monkeypatch.setattr(
        RunFolder, "truncate_metrics", lambda folder, step: None
    )  # it would put a real file in its place
    monkeypatch.setattr("inkwash.io.names.require_contained", lambda folder: None)  # it would refuse the link
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(runs.plain / "recipe.toml", run)
    os.symlink("/dev/full", run / "metrics.jsonl")
    outcome = inkwash("train", run, "--quiet")
    assert outcome.code == 1
    assert "metrics.jsonl" in outcome.complaint and "No space left" in outcome.complaint


def test_a_loss_that_runs_away_keeps_the_last_good_state(inkwash):
    small = ["--set", "network.base=4", "--set", "training.batch=8", "--set", "sampling.preview=ddim:2"]
    flags = ["--data", "digits", *small, "--set", "optimizer.lr=1e30", "--steps", "9", "--out", "run", "--quiet"]
    outcome = inkwash("train", "simple-unet", *flags)
    assert outcome.code == 1
    assert "not finite at step" in outcome.complaint and "optimizer.lr" in outcome.complaint
    found = checkpoints.load("run/checkpoints/latest.safetensors")
    assert all(torch.isfinite(value).all() for value in found.part("net").values())
    assert found.header["progress"]["step"] < int(outcome.complaint.split("at step ")[1].split(":")[0])


HOSTILE = {
    "no settings": lambda spec: spec | {"request": {"kind": "grid"}},
    "settings in words": lambda spec: spec | {"request": "hello"},
    "a number in words": lambda spec: spec | {"request": spec["request"] | {"n": "ten"}},
    "an unknown kind": lambda spec: spec | {"request": spec["request"] | {"kind": "mural"}},
    "settings to come": lambda spec: spec | {"request": spec["request"] | {"charm": 3}},
    "a model that is gone": lambda spec: spec | {"request": spec["request"] | {"model": "gone"}},
    "a model that is a number": lambda spec: spec | {"request": spec["request"] | {"model": 3}},
    "a list": lambda spec: spec | {"request": [spec["request"]]},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_picture_with_strange_facts_is_refused(case, runs, inkwash):
    """Facts come from a file that anyone may have written."""
    assert inkwash("sample", runs.plain, "-n", "1", "--sampler", "ddim:1", "-o", "x.png").code == 0
    png_metadata.save_png(Image.open("x.png"), "strange.png", HOSTILE[case](png_metadata.read_metadata("x.png")))
    outcome = inkwash("sample", "strange.png")
    assert outcome.code in (1, 2)
    assert outcome.complaint
