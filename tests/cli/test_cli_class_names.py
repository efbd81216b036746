"""Commands draw, write and refuse classes whose names are numbers by these names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outcome import Inkwash, read_metadata

from inkwash.io import checkpoints
from inkwash.model import Model


@pytest.fixture
def one_and_seven(untrained: Callable[..., Model], tmp_path: Path) -> Path:
    """A checkpoint of the classes 1 and 7."""
    spec = replace(untrained().spec, classes=("1", "7"), proportions=(0.5, 0.5))
    checkpoints.save(tmp_path / "two.safetensors", untrained(spec=spec).checkpoint())
    return tmp_path / "two.safetensors"


FLAGS = ["--sampler", "ddim:2", "-n", "4"]


@pytest.mark.parametrize("label", ["0", "2", "0-1", "1-6", "-1"])
def test_a_number_that_is_no_class_is_refused(label: str, one_and_seven: Path, inkwash: Inkwash) -> None:
    kind = inkwash("sample", one_and_seven, *FLAGS, f"--label={label}", "-o", "x.png").kind
    assert kind == ("unknown-name" if label == "-1" else "out-of-range", "label")


@pytest.mark.parametrize(("label", "labels"), [("1-7", [0, 1, 0, 1]), ("7", [1] * 4), ('"7",1', [1, 0, 1, 0])])
def test_numbers_and_ranges_are_names(label: str, labels: list[int], one_and_seven: Path, inkwash: Inkwash) -> None:
    assert inkwash("sample", one_and_seven, *FLAGS, "--label", label, "-o", "x.npz").code == 0
    with np.load("x.npz") as arrays:
        assert arrays["labels"].tolist() == labels


def test_files_metadata_and_the_command_of_a_film_have_the_name(one_and_seven: Path, inkwash: Inkwash) -> None:
    assert inkwash("sample", one_and_seven, *FLAGS, "--label", "7", "-o", "singles").code == 0
    assert [path.name for path in sorted(Path("singles").iterdir())] == [f"{k:06d}-7.png" for k in range(4)]
    metadata = read_metadata("singles/000002-7.png")
    assert metadata["label"] == "7" and metadata["request"]["label"] == ["7"]
    assert "all pixels are equal" in inkwash("sample", "singles/000002-7.png").err
    assert inkwash("sample", one_and_seven, *FLAGS, "--label", "1..7", "--film", "-o", "film.png").code == 0
    assert "--label 1..7" in inkwash("sample", "film.png").message
