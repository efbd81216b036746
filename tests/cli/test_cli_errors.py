"""Invalid requests end with the code and field in error_cases.tsv, before anything is sampled or written."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import numpy as np
import pytest
from outcome import CheckError, Inkwash, Runs
from PIL import Image

CASES = [line.split("\t") for line in Path(__file__).with_name("error_cases.tsv").read_text().splitlines()[1:]]
LONG = {"digits_400": "9" * 400, "digits_5000": "9" * 5000}


@pytest.fixture
def files() -> list[str]:
    """Write files that no command reads as what it needs; return the names in the current folder."""
    for name, grey in (("white.png", 255), ("black.png", 0)):
        Image.fromarray(np.full((80, 80), grey, np.uint8)).save(name)
    Path("README.md").write_text("# about\n")
    Path("text.png").write_text("no image")
    Path("mine.toml").write_text('[network]\nkind = "mlp"\n')
    for name in ("model.pt", "images.npz"):
        Path(name).write_bytes(b"PK\x03\x04 and more")
    return sorted(os.listdir())


@pytest.mark.parametrize(("command", "code", "field"), CASES, ids=[case[0] for case in CASES])
def test_invalid_request_has_its_code_and_field(
    command: str, code: str, field: str, files: list[str], runs: Runs, check_error: CheckError
) -> None:
    arguments = [word.format(**vars(runs), **LONG) if "{" in word else word for word in shlex.split(command)]
    check_error(command, arguments, code, field or None)
    assert sorted(os.listdir()) == files


def test_corrected_request_can_use_the_folder_of_a_refused_one(inkwash: Inkwash) -> None:
    flags = ["--steps", "1", "--out", "mine", "--quiet", "--set", "sampling.preview=ddim:2"]
    assert inkwash("train", "moons", *flags, "--set", "clip=true").kind == ("no-effect", "clip")
    assert inkwash("train", "moons", *flags).code == 0


def test_error_in_a_plugin_is_reported_with_its_line(runs: Runs, inkwash: Inkwash) -> None:
    Path("mine.py").write_text("import math\n\nmath.sqroot(2)\n")
    outcome = inkwash("sample", runs.plain, "--with", "mine.py")
    assert outcome.code == 2 and outcome.kind[1] == "with"
    assert "mine.py" in outcome.message and "line 3" in outcome.message and "sqroot" in outcome.message


@pytest.mark.parametrize("words", [["train"], ["show"], ["sample"], ["evaluate"], ["sample", "digits", "--with"]])
def test_name_beyond_the_limit_of_the_system_is_shortened(words: list[str], inkwash: Inkwash) -> None:
    outcome = inkwash(*words, "x" * 5000)
    assert outcome.code == 1 and outcome.kind == ("io", None)
    assert len(outcome.message) < 500


def test_exhausted_memory_is_one_line(inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr("inkwash.model.load", lambda *_, **__: torch.empty(2**60))
    outcome = inkwash("sample", "digits")
    assert outcome.code == 1 and outcome.kind == ("too-large", None) and outcome.message
