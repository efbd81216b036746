"""`--range`: floats of a declared range are the same data in every command, and a run stores the range."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome import Inkwash, UsageErrorOf

from inkwash import data
from inkwash.hardware import devices
from inkwash.lab import Trained, Variant
from inkwash.lab.folder import LabFolder, LabRequest
from inkwash.lab.models import resolve_models
from inkwash.metrics import extractor_training
from inkwash.runs.folder import RunFolder
from inkwash.web.catalog import Catalog

SMALL = ["--set", "network.widths=[8, 16]", "--set", "training.batch=16", "--steps", "2", "-q"]


@pytest.fixture
def floats(tmp_path: Path) -> Path:
    """The bundled digits as float32 from -1 to 1."""
    digits = data.load("digits")
    assert digits.test_values is not None
    parts = {"x_train": digits.values, "y_train": digits.labels, "x_test": digits.test_values}
    arrays = {name: part.numpy() for name, part in parts.items() if part is not None}
    scaled: Any = {
        name: array if name == "y_train" else np.float32(array / 127.5 - 1) for name, array in arrays.items()
    }
    assert digits.test_labels is not None
    np.savez(tmp_path / "floats.npz", y_test=digits.test_labels.numpy(), **scaled)
    return tmp_path / "floats.npz"


def test_every_command_reads_floats_of_a_declared_range(
    floats: Path, inkwash: Inkwash, extractors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(extractors))
    monkeypatch.setattr(extractor_training, "train_classifier", lambda *_, **__: pytest.fail("other data"))
    digits = data.load("digits")
    shown = json.loads(inkwash("show", floats, "--range", -1, 1, "--json").out)
    assert (shown["sha256"], shown["test_sha256"]) == (digits.sha256, digits.test_sha256)
    assert inkwash("train", "digits", "--data", floats, "--range", -1, 1, *SMALL, "--out", "run").code == 0
    assert RunFolder(Path("run")).read_recipe()["data"]["range"] == [-1, 1]
    assert inkwash("train", "run", "--steps", 3, "-q").code == 0
    # The range of a model's own data is known.
    for source in (["run", "--sampler", "ddim:2", "--data", floats], [floats, "--judge", floats, "--range", -1, 1]):
        measured = inkwash("evaluate", *source, "-n", 60, "--json")
        assert measured.code == 0, measured.err
    entry = Catalog((Path("run"),)).exact("run")
    assert len(entry.images) == len(digits)


def test_a_lab_request_stores_the_range(floats: Path, tmp_path: Path) -> None:
    request = LabRequest("attention", data=str(floats), value_range=(-1, 1))
    assert request.command.endswith("floats.npz --range -1 1")
    folder = LabFolder(tmp_path / "lab")
    folder.path.mkdir()
    folder.write(request)
    assert folder.resume(request) == request and folder.resume(LabRequest("attention")) == request
    models = resolve_models(
        [Variant("one", Trained("digits"))], request.data, "2 steps", folder.runs, devices.device("cpu"), (-1, 1)
    )
    assert [plan.recipe.data.range for plan in models.plans] == [(-1, 1)]
    assert models.data is not None and models.data.sha256 == data.load("digits").sha256


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["train", "digits"], ("invalid-data", "data.range")),
        (["train", "digits", "--range", 1, 0], ("out-of-range", "data.range")),
        (["show", "floats.npz"], ("invalid-data", "range")),
        (["evaluate", "floats.npz"], ("invalid-data", "range")),
        (["evaluate", "floats.npz", "--range", "0", "1"], ("invalid-data", "range")),
        (["serve"], ("invalid-data", "range")),
        (["lab", "attention", "-n", 200], ("invalid-data", "range")),
    ],
)
def test_floats_without_their_range_are_refused(
    floats: Path, inkwash: Inkwash, arguments: list[object], kind: tuple[str, str]
) -> None:
    takes_data = arguments[0] in ("train", "serve", "lab")
    outcome = inkwash(*arguments, *(["--data", floats] if takes_data else []))
    assert outcome.code in (1, 2) and outcome.kind == kind and len(outcome.err.splitlines()) == 1


def test_a_range_without_effect_is_refused(usage_error: UsageErrorOf, tmp_path: Path) -> None:
    assert usage_error("train", "digits", "--range", 0, 1) == ("no-effect", "data.range")
    assert usage_error("show", "--range", 0, 1) == ("missing-field", "thing")
    assert usage_error("show", "digits", "--range", 0, 1) == ("no-effect", "range")
    assert usage_error("lab", "--range", 0, 1) == ("missing-field", "experiment")
