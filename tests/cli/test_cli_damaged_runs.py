"""Checkpoints and run folders that are damaged, foreign or edited; a full disk; a diverging loss."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from outcome import CopyRun, Inkwash, Runs, UsageErrorOf, read_metadata
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save_file

from inkwash.io import checkpoints, png_metadata
from inkwash.runs.folder import RunFolder

DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda content: content[: len(content) // 2], "its tensors are truncated"),
    "truncated in its header": (lambda content: content[:40], "its header is truncated"),
    "empty": (lambda content: b"", "its header is truncated"),
    "text": (lambda content: b"hello, I am a text\n" * 9, "its header is truncated"),
}
"""Name -> the damage, and the cause that messages state."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint_is_reported_by_every_command(
    damage: str, runs: Runs, copied: CopyRun, inkwash: Inkwash
) -> None:
    run = copied(runs.digits)
    latest = run / "checkpoints" / "latest.safetensors"
    spoil, cause = DAMAGES[damage]
    latest.write_bytes(spoil(latest.read_bytes()))
    before = latest.read_bytes()
    outcome = inkwash("sample", latest)
    assert outcome.code == 1 and outcome.kind == ("damaged-file", None)
    assert all(words in outcome.message for words in (str(latest), cause, "best.safetensors"))
    for path in (latest, run):
        shown = inkwash("show", path)
        assert shown.code == 1
        assert cause in shown.out + shown.err and "step-0000006.safetensors, step 6" in shown.message
    assert latest.read_bytes() == before
    resumed = inkwash("train", run, "--steps", "9")
    assert resumed.code == 0
    warning = next(line for line in resumed.err.splitlines() if line.startswith(f"warning: checkpoint {latest}"))
    assert cause in warning and "is used instead" in warning
    assert inkwash("show", run).code == 0


@pytest.mark.parametrize("fault", ["damaged or truncated", "missing"])
def test_newest_intact_checkpoint_replaces_a_missing_or_damaged_latest(
    fault: str, runs: Runs, copied: CopyRun, inkwash: Inkwash
) -> None:
    run = copied(runs.plain)
    latest, last = (run / "checkpoints" / f"{name}.safetensors" for name in ("latest", "step-0000006"))
    (latest.unlink if fault == "missing" else lambda: latest.write_bytes(b""))()
    flags = ["-n", "1", "--steps", "1", "--quiet", "-o"]
    outcome = inkwash("sample", run, *flags, "x.png")
    assert outcome.code == 0
    warnings = [line for line in outcome.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert str(latest) in warnings[0] and fault in warnings[0] and "step-0000006.safetensors, step 6" in warnings[0]
    assert inkwash("sample", last, *flags, "y.png").code == 0
    assert np.array_equal(png_metadata.read_pixels("x.png"), png_metadata.read_pixels("y.png"))


def test_run_without_intact_checkpoint_is_an_error(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.digits)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    for command in ("sample", "show"):
        outcome = inkwash(command, run)
        assert outcome.code == 1 and outcome.kind == ("damaged-file", None)


def test_tensors_of_another_program_are_not_called_damaged(inkwash: Inkwash) -> None:
    save_file({"weight": torch.zeros(3)}, "foreign.safetensors")
    for command in ("sample", "show"):
        outcome = inkwash(command, "foreign.safetensors")
        assert outcome.code == 1 and (outcome.kind or ("", None))[0] == "wrong-file"


def test_checkpoint_of_a_later_format_is_an_error(runs: Runs, inkwash: Inkwash) -> None:
    found = checkpoints.load(runs.plain / "checkpoints" / "latest.safetensors")
    save_file(found.tensors, "later.safetensors", metadata={"inkwash": json.dumps(found.header | {"format": 99})})
    outcome = inkwash("sample", "later.safetensors")
    assert outcome.code == 1 and "99" in outcome.message


def test_checkpoint_without_dataset_spec_is_damaged(runs: Runs, inkwash: Inkwash) -> None:
    found = checkpoints.load(runs.plain / "checkpoints" / "latest.safetensors")
    header = {key: value for key, value in found.header.items() if key != "facts"}
    save_file(found.tensors, "bare.safetensors", metadata={"inkwash": json.dumps(header)})
    for command in ("sample", "show"):
        outcome = inkwash(command, "bare.safetensors")
        assert outcome.code == 1 and "bare.safetensors" in outcome.message


def test_run_without_checkpoint_is_not_a_model(
    runs: Runs, copied: CopyRun, usage_error: UsageErrorOf, inkwash: Inkwash
) -> None:
    run = copied(runs.digits)
    shutil.rmtree(run / "checkpoints")
    assert usage_error("sample", run) == ("missing-file", "model")
    assert "no checkpoint yet" in inkwash("show", run).out


def test_run_without_checkpoint_starts_again_with_an_empty_log(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.digits)
    shutil.rmtree(run / "checkpoints")
    assert inkwash("train", run, "--quiet").code == 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if row["kind"] == "train"]
    assert steps == sorted(set(steps))


def test_recipe_edited_to_another_network_is_an_error(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.plain)
    before = (run / "checkpoints" / "latest.safetensors").read_bytes()
    edited = (run / "recipe.toml").read_text().replace("base = 4", "base = 6")
    assert "base = 6" in edited
    (run / "recipe.toml").write_text(edited)
    outcome = inkwash("train", run, "--steps", "9", "--quiet")
    assert outcome.code == 1
    assert "latest.safetensors" in outcome.message and "recipe.toml" in outcome.message
    assert (run / "checkpoints" / "latest.safetensors").read_bytes() == before


RECIPES = {
    "not TOML": b"name = ",
    "not text": b"\xff\xfe\x00",
    "without network": b'name = "x"\n[training]\nlength = "9 steps"\n',
    "unknown field": b'network = "simple-unet"\nname = "x"\n[training]\nlenght = "9 steps"\n',
}


@pytest.mark.parametrize("case", RECIPES)
def test_invalid_recipe_of_a_run_is_an_error(case: str, runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.plain)
    (run / "recipe.toml").write_bytes(RECIPES[case])
    outcome = inkwash("train", run, "--steps", "9", "--quiet")
    assert outcome.code == 2 and "recipe.toml" in outcome.message


@pytest.mark.parametrize("name", ["floor.json", "environment.json", "metrics.jsonl"])
def test_damaged_record_of_a_run_loses_no_training(name: str, runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    """A record is measured again where that is possible, and is an error otherwise."""
    run = copied(runs.plain)
    (run / name).write_text('3\n{"cut sh')
    outcome = inkwash("train", run, "--steps", "8", "--quiet")
    assert outcome.code == 0 or name in outcome.message


def test_run_is_not_resumed_with_other_data(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("train", runs.plain, "--data", runs.images, "--steps", "9")
    assert outcome.code == 1 and outcome.error is not None and outcome.error.code == "mismatch"


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("disk is full")])
def test_full_disk_keeps_the_previous_checkpoint(
    fault: Exception,
    runs: Runs,
    copied: CopyRun,
    inkwash: Inkwash,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = copied(runs.plain)
    before = {file: file.read_bytes() for file in (run / "checkpoints").iterdir()}

    def half(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
        Path(path).write_bytes(b"half")
        raise fault

    with monkeypatch.context() as full:
        full.setattr(checkpoints, "save_file", half)
        outcome = inkwash("train", run, "--steps", "8", "--quiet")
    assert outcome.code == 1
    assert ".safetensors" in outcome.message
    assert {file: file.read_bytes() for file in (run / "checkpoints").iterdir()} == before
    assert inkwash("train", run, "--quiet").code == 0
    assert checkpoints.load(run / "checkpoints" / "latest.safetensors").header["progress"]["step"] == 8


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_of_the_log_is_one_line(
    runs: Runs, tmp_path: Path, inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunFolder, "truncate_metrics", lambda folder, step: None)  # it would replace the link by a file
    monkeypatch.setattr("inkwash.io.names.require_contained", lambda folder: None)  # it would reject the link
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(runs.plain / "recipe.toml", run)
    os.symlink("/dev/full", run / "metrics.jsonl")
    outcome = inkwash("train", run, "--quiet")
    assert outcome.code == 1
    assert "metrics.jsonl" in outcome.message


def test_diverging_loss_keeps_the_last_finite_state(inkwash: Inkwash) -> None:
    small = ["--set", "network.base=4", "--set", "training.batch=8", "--set", "sampling.preview=ddim:2"]
    flags = ["--data", "digits", *small, "--set", "optimizer.lr=1e30", "--steps", "9", "--out", "run", "--quiet"]
    outcome = inkwash("train", "simple-unet", *flags)
    assert outcome.code == 1 and outcome.error is not None and outcome.error.code == "non-finite"
    found = checkpoints.load("run/checkpoints/latest.safetensors")
    assert all(torch.isfinite(value).all() for value in found.part("net").values())
    assert found.header["progress"]["step"] < int(outcome.message.split("at step ")[1].split(":")[0])


REQUESTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no fields": lambda metadata: metadata | {"request": {"kind": "grid"}},
    "text": lambda metadata: metadata | {"request": "hello"},
    "text for a number": lambda metadata: metadata | {"request": metadata["request"] | {"n": "ten"}},
    "an unknown kind": lambda metadata: metadata | {"request": metadata["request"] | {"kind": "mural"}},
    "an unknown field": lambda metadata: metadata | {"request": metadata["request"] | {"charm": 3}},
    "a missing model": lambda metadata: metadata | {"request": metadata["request"] | {"model": "gone"}},
    "a number for a model": lambda metadata: metadata | {"request": metadata["request"] | {"model": 3}},
    "a list": lambda metadata: metadata | {"request": [metadata["request"]]},
}


@pytest.mark.parametrize("case", REQUESTS)
def test_image_with_an_invalid_request_is_an_error(case: str, runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, "-n", "1", "--sampler", "ddim:1", "-o", "x.png").code == 0
    png_metadata.save_png(Image.open("x.png"), "edited.png", REQUESTS[case](read_metadata("x.png")))
    outcome = inkwash("sample", "edited.png")
    assert outcome.code in (1, 2) and outcome.message
