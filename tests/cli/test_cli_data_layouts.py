"""Data in the layouts that people have, from the command line: what is read, what is said, and commands that can be pasted."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from outcome import Inkwash
from PIL import Image

FEW = ["--set", "network.base=4", "--set", "training.batch=4", "--set", "sampling.preview=ddim:2", "--steps", "2"]


@pytest.fixture
def folder() -> Path:
    """A folder, with a space in its name, of eight images in two classes and a file of another kind."""
    place = Path("my data")
    rng = np.random.default_rng(0)
    for k in range(8):
        path = place / "training" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    (place / "training" / "a" / "9.heic").write_text("no image")
    return place


def test_what_was_not_read_is_said_before_a_run(folder: Path, inkwash: Inkwash) -> None:
    outcome = inkwash("train", "simple-unet", "--data", folder, *FEW, "--out", "run")
    assert outcome.code == 0 and "warning: files: 1 file was not read: training/a/9.heic" in outcome.err
    shown = inkwash("show", folder)
    assert shown.code == 0 and "8 training" in shown.out and "9.heic" in shown.out


def test_an_archive_is_shown_and_trained_on(folder: Path, inkwash: Inkwash) -> None:
    shutil.make_archive("packed", "gztar", folder)
    assert "8 training" in inkwash("show", "packed.tar.gz").out
    assert inkwash("train", "simple-unet", "--data", "packed.tar.gz", *FEW, "--out", "run", "--quiet").code == 0
    # the run is resumed from the archive
    assert inkwash("train", "run", "--steps", "3", "--quiet").code == 0


def test_commands_that_are_printed_quote_paths(folder: Path, inkwash: Inkwash) -> None:
    arguments = ["train", "simple-unet", "--data", folder, *FEW, "--out", "my run"]
    outcome = inkwash(*arguments)
    (line,) = [line for line in outcome.err.splitlines() if "sample from it: " in line]
    assert shlex.split(line.partition("sample from it: ")[2]) == ["inkwash", "sample", "my run"]
    assert "inkwash train 'my run'" in inkwash(*arguments).message
    assert "--data 'my data'" in inkwash("train", "my data").message
    assert "inkwash sample 'my run' --sampler" in Path("my run/card.md").read_text()


def test_a_data_set_is_shown_under_other_spellings_of_its_name(inkwash: Inkwash) -> None:
    assert inkwash("show", "Swiss_Roll", "--json").out == inkwash("show", "swiss-roll", "--json").out


def test_a_missing_folder_is_not_taken_for_the_data_set_of_its_name(inkwash: Inkwash) -> None:
    outcome = inkwash("train", "digits", "--data", "../mnist")
    assert outcome.code == 2 and outcome.kind == ("missing-file", "data")
    assert "no file or folder '../mnist'" in outcome.message and "--data mnist" in outcome.message
