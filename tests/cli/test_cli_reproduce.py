"""`inkwash sample IMAGE.png`: an image is sampled again from its metadata, and compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from outcome import CopyRun, Inkwash, Runs, UsageErrorOf, read_metadata
from PIL import Image

from inkwash.io import png_metadata

THREE = ["-n", "3", "--sampler", "ddpm:3"]


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("plain", [*THREE, "--seed", "4", "--scale", "2", "--columns", "2"]),
        ("plain", [*THREE, "--batch", "1", "--temperature", "0.5", "--no-clip"]),
        ("plain", [*THREE, "--strip"]),
        ("digits", ["--label", "0-2", "-n", "6", "-w", "2", "--interval", "0.1", "0.9", "--schedule", "log-linear"]),
        ("digits", ["-n", "5", "--sampler", "ddim:4", "--eta", "0.3"]),
        ("points", ["-n", "20"]),
    ],
)
def test_an_image_is_reproduced(name: str, flags: list[str], runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", getattr(runs, name), *flags, "-o", "x.png").code == 0
    before = Path("x.png").read_bytes()
    outcome = inkwash("sample", "x.png")
    assert outcome.code == 0
    assert "x.png: reproduced with" in outcome.err
    assert Path("x.png").read_bytes() == before and [file.name for file in Path().iterdir()] == ["x.png"]


def test_a_reproduced_image_can_be_written(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    assert inkwash("sample", "x.png", "-o", "y.png").code == 0
    assert np.array_equal(np.asarray(Image.open("x.png")), np.asarray(Image.open("y.png")))
    assert inkwash("sample", "y.png", "-q").code == 0


def test_other_weights_are_reported(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.digits)
    assert inkwash("sample", run, *THREE, "-o", "x.png").code == 0
    weights = read_metadata("x.png")["weights"]
    assert inkwash("train", run, "--steps", "14", "-q").code == 0
    outcome = inkwash("sample", "x.png", "-o", "y.png")
    assert outcome.code == 1 and outcome.kind == ("mismatch", None) and weights in outcome.message
    assert Path("y.png").is_file()


def test_a_changed_pixel_is_reported(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    pixels = np.array(Image.open("x.png"))
    pixels[5, 5] ^= 128
    png_metadata.save_png(Image.fromarray(pixels), "y.png", read_metadata("x.png"))
    outcome = inkwash("sample", "y.png")
    assert outcome.code == 1 and outcome.kind == ("mismatch", None) and "128" in outcome.message


def test_a_cropped_image_is_reported(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    png_metadata.save_png(Image.open("x.png").crop((0, 0, 9, 9)), "y.png", read_metadata("x.png"))
    outcome = inkwash("sample", "y.png")
    assert outcome.code == 1 and outcome.kind == ("mismatch", None)


def test_preview_of_training_has_no_request(runs: Runs, usage_error: UsageErrorOf) -> None:
    milestone = next((runs.plain / "samples").iterdir())
    assert usage_error("sample", milestone) == ("wrong-file", None)


def test_the_message_for_a_film_contains_its_command(runs: Runs, inkwash: Inkwash) -> None:
    flags = ["-n", "2", "--seed", "3", "--sampler", "ddim:2", "--film"]
    assert inkwash("sample", runs.plain, *flags, "-o", "x.png").code == 0
    message = inkwash("sample", "x.png").message
    for words in (f"inkwash sample {runs.plain} --film", "--seed 3", "-n 2", "--sampler ddim:2"):
        assert words in message


@pytest.mark.parametrize(
    "flags",
    [
        ["-n", "4"],
        ["--label", "3"],
        ["--sampler", "ddim:2"],
        ["--steps", "2"],
        ["--strip"],
        ["--seed", "5"],
        ["--scale", "2"],
        ["--columns", "2"],
        ["--temperature", "0.5"],
        ["--interval", "0.2", "0.8"],
        ["--precision", "bfloat16"],
    ],
    ids=" ".join,
)
def test_a_flag_that_changes_the_samples_is_refused(
    flags: list[str], runs: Runs, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    assert usage_error("sample", "x.png", *flags) == ("no-effect", None)


def test_reproducing_does_not_overwrite_the_file_of_another_program(
    runs: Runs, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    Image.new("L", (9, 9)).save("theirs.png")
    before = Path("theirs.png").read_bytes()
    assert usage_error("sample", "x.png", "-o", "theirs.png") == ("exists", "out")
    assert Path("theirs.png").read_bytes() == before


@pytest.mark.parametrize("name", ["y.npz", "folder"])
def test_reproduced_samples_are_written_as_an_image(name: str, runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *THREE, "-o", "x.png").code == 0
    assert inkwash("sample", "x.png", "-o", name).code == 2
    assert [file.name for file in Path().iterdir()] == ["x.png"]


def test_missing_model_of_an_image_is_an_error(
    runs: Runs, copied: CopyRun, inkwash: Inkwash, usage_error: UsageErrorOf
) -> None:
    import shutil

    run = copied(runs.plain)
    assert inkwash("sample", run, *THREE, "-o", "x.png").code == 0
    shutil.rmtree(run)
    assert usage_error("sample", "x.png") == ("missing-file", "model")
