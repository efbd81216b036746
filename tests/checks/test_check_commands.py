"""`show` prints the warnings about a recipe, run, model or data set; `train` prints them on stderr at its start."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from command import Inkwash

from inkwash import checks
from inkwash.checks import CheckWarning
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec

SMALL = ("network.base=4", "training.batch=8", "sampling.preview=ddim:1")
TRAIN = ["train", "simple-unet", "--steps", "1", "--out", "run", *(word for each in SMALL for word in ("--set", each))]
SHORT_BETAS = ["--set", "schedule.T=300", "--set", "sampling.sampler=ddpm:300"]


@pytest.fixture
def mirrored(digits: Dataset) -> str:
    """A file of mirrored digits."""
    assert digits.labels is not None
    np.savez("mirrored.npz", images=digits.values.flip(-1)[:, 0].numpy(), labels=digits.labels.numpy())
    return "mirrored.npz"


def test_show_prints_each_warning_of_a_recipe_in_one_line(inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = inkwash("show", "attention-unet")
    section = shown.out.split("Warnings:\n")[1].splitlines()
    assert section[0].startswith("  target: ") and section[0].endswith("--set target=v") and not shown.err


@pytest.mark.parametrize("name", ["moons", "spirals"])
def test_show_prints_that_there_are_no_warnings(inkwash: Inkwash, name: str) -> None:
    assert "No warnings." in inkwash("show", name).out


def test_show_prints_the_warnings_of_data(inkwash: Inkwash, mirrored: str) -> None:
    assert "\n  orientation: the digits look mirrored" in inkwash("show", mirrored).out


def test_warnings_of_a_bundled_model_and_of_all_checkpoints_of_a_run_are_printed_once(inkwash: Inkwash) -> None:
    inkwash(*TRAIN, "--data", "digits", *SHORT_BETAS, "-q")
    for name in ("ddim-300", "run"):
        shown = inkwash("show", name).out
        assert shown.count("  terminal SNR: ") == 1 and "No warnings" not in shown
        # They are the end of the output, after the table, the plots and the card.
        assert all(line.startswith("  ") for line in shown.partition("Warnings:\n")[2].splitlines())


def test_json_has_the_warnings_of_recipes_data_models_and_checkpoints(inkwash: Inkwash, mirrored: str) -> None:
    inkwash(*TRAIN, "--data", "digits", *SHORT_BETAS, "-q")
    names = {"ddim-300": ["terminal SNR"], "moons": [], mirrored: ["orientation"], "run": ["terminal SNR"]}
    for name, expected in names.items():
        shown = json.loads(inkwash("show", name, "--json").out)
        for row in shown if isinstance(shown, list) else [shown]:
            assert [warning["about"] for warning in row["concerns"]] == expected
            assert all(warning.keys() == {"about", "text"} for warning in row["concerns"])


def test_train_prints_no_warning_for_a_valid_recipe(inkwash: Inkwash) -> None:
    trained = inkwash(*TRAIN, "--data", "digits")
    assert not trained.out and "warning" not in trained.err


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_train_prints_warnings_of_recipe_and_data_on_stderr(mode: list[str], inkwash: Inkwash, mirrored: str) -> None:
    trained = inkwash(*TRAIN, *SHORT_BETAS, "--data", mirrored, *mode)
    warned = [line.split(": ")[1] for line in trained.err.splitlines() if line.startswith("warning: ")]
    assert warned == ["terminal SNR", "orientation"]
    assert "warning" not in trained.out


def test_quiet_training_prints_no_warnings(inkwash: Inkwash, mirrored: str) -> None:
    trained = inkwash(*TRAIN, *SHORT_BETAS, "--data", mirrored, "--quiet")
    assert (trained.code, trained.out, trained.err) == (0, "", "")


def test_a_warning_has_the_key_of_its_check(
    monkeypatch: pytest.MonkeyPatch, valid: Callable[..., Recipe], spec: DatasetSpec
) -> None:
    monkeypatch.setattr(checks, "RECIPE_CHECKS", {"one": lambda *_: "a warning", "other": lambda *_: None})
    assert checks.check_recipe(valid(), spec) == [CheckWarning("one", "a warning")]
