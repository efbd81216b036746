"""`show` prints the warnings of a thing; `train` prints them on stderr at its start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inkwash import checks
from inkwash.cli import main
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec

TRAIN = ["train", "simple-unet", "--steps", "1", "--out", "run"]
DIGITS = ["--data", "digits"]
SMALL = ["--set", "network.base=4", "--set", "training.batch=8", "--set", "sampling.preview=ddim:1"]
TRAP = ["--set", "schedule.T=300", "--set", "sampling.sampler=ddpm:300"]


@pytest.fixture
def inkwash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    """`inkwash("show", ...)` runs the command in an empty folder and returns its stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str) -> tuple[str, str]:
        with pytest.raises(SystemExit) as left:
            main([*arguments])
        assert not left.value.code
        return capsys.readouterr()

    return call


@pytest.fixture
def mirrored(tmp_path: Path, digits: Dataset) -> str:
    """A file of mirrored digits."""
    np.savez(tmp_path / "mirrored.npz", images=digits.values.flip(-1)[:, 0].numpy(), labels=digits.labels.numpy())
    return "mirrored.npz"


def test_show_prints_each_warning_of_a_recipe_in_one_line(inkwash) -> None:
    out, err = inkwash("show", "attention-unet")
    section = out.split("Warnings:\n")[1].splitlines()
    assert section[0].startswith("  target: ") and section[0].endswith("--set target=v") and not err
    assert "No warnings" not in out


def test_show_prints_the_warnings_of_a_bundled_model_once(inkwash) -> None:
    out, _ = inkwash("show", "ddim-300")
    assert out.count("Warnings") == 1 and "No warnings" not in out


def test_show_prints_that_there_are_no_warnings(inkwash) -> None:
    for thing in ("moons", "spirals"):
        assert "No warnings." in inkwash("show", thing)[0]


def test_show_prints_the_warnings_of_data(inkwash, mirrored) -> None:
    assert "\n  orientation: the digits look mirrored" in inkwash("show", mirrored)[0]


def test_json_has_the_warnings_of_recipes_data_and_models(inkwash, mirrored) -> None:
    for thing, expected in (("ddim-300", ["terminal SNR"]), ("moons", []), (mirrored, ["orientation"])):
        shown = json.loads(inkwash("show", thing, "--json")[0])
        assert [concern["about"] for concern in shown["concerns"]] == expected
    inkwash(*TRAIN, *DIGITS, *SMALL, *TRAP, "-q")
    for row in json.loads(inkwash("show", "run", "--json")[0]):
        assert [concern["about"] for concern in row["concerns"]] == ["terminal SNR"]
        assert set(row["concerns"][0]) == {"about", "text"}


def test_show_prints_the_warnings_of_a_run_once_for_all_checkpoints(inkwash) -> None:
    inkwash(*TRAIN, *DIGITS, *SMALL, *TRAP, "-q")
    out, _ = inkwash("show", "run")
    assert out.count("  terminal SNR: ") == 1


def test_train_prints_no_warning_for_a_valid_recipe(inkwash) -> None:
    out, err = inkwash(*TRAIN, *DIGITS, *SMALL)
    assert not out and "warning" not in err


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_train_prints_warnings_of_recipe_and_data_on_stderr(mode: list[str], inkwash, mirrored) -> None:
    out, err = inkwash(*TRAIN, *SMALL, *TRAP, "--data", mirrored, *mode)
    warned = [line for line in err.splitlines() if line.startswith("warning, ")]
    assert [line.split(":")[0] for line in warned] == ["warning, terminal SNR", "warning, orientation"]
    assert "warning" not in out


def test_quiet_training_prints_no_warnings(inkwash, mirrored) -> None:
    assert inkwash(*TRAIN, *SMALL, *TRAP, "--data", mirrored, "--quiet") == ("", "")


def test_the_sentence_of_a_check_is_a_concern_under_its_name(
    monkeypatch: pytest.MonkeyPatch, sound, spec: DatasetSpec
) -> None:
    monkeypatch.setattr(checks, "OF_RECIPES", {"one": lambda *_: "it will rain", "other": lambda *_: None})
    assert checks.of_recipe(sound(), spec) == [("one", "it will rain")]
