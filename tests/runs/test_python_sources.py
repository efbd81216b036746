"""`inkwash.train` and `inkwash.evaluate` take Python objects, and give the warnings of the commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raised import code_and_field
from torch.utils.data import DataLoader, TensorDataset

import inkwash
from inkwash import checks
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.evaluation import reference
from inkwash.metrics import extractor_training

Tiny = Callable[..., Recipe]


def arrays(digits: Dataset) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    assert digits.labels is not None
    return digits.values.numpy()[:, 0], digits.labels.numpy()


@pytest.fixture(autouse=True)
def _without_cards(without_cards: None) -> None:
    """Leave out cards and plots."""


def test_a_run_on_python_objects_is_that_on_the_same_dataset(tiny: Tiny, digits: Dataset, tmp_path: Path) -> None:
    images, labels = arrays(digits)
    loader = DataLoader(TensorDataset(torch.from_numpy(images)[:, None] / 255, torch.from_numpy(labels)), 16)
    runs = [
        inkwash.train(tiny(), data=replace(digits, test_values=None, test_labels=None), out="a", progress=False),
        inkwash.train(tiny(), data=(images, labels), out="b", progress=False),
        inkwash.train(tiny(), data=loader, out="c", progress=False, data__range=(0, 1)),
    ]
    assert {run.spec.sha256 for run in runs} == {digits.sha256}
    weights = [torch.cat([weight.flatten() for weight in run.net.parameters()]) for run in runs]
    assert torch.equal(weights[0], weights[1]) and torch.equal(weights[0], weights[2])
    assert code_and_field(lambda: inkwash.train("b", length="8 steps", progress=False)) == ("missing-file", "data")
    resumed = inkwash.train("c", data=loader, length="8 steps", progress=False)
    assert resumed.step == 8


def test_the_warnings_of_the_command_are_given_in_python(tiny: Tiny, digits: Dataset) -> None:
    inverted = replace(digits, values=255 - digits.values, labels=None, classes=(), test_values=None, test_labels=None)
    with pytest.warns(UserWarning, match="background") as found:
        run = inkwash.start_run(tiny(), data=inverted)
    expected = checks.check_training(run.trainer, tiny())
    assert {"labels", "background"} <= {warning.about for warning in expected}
    assert [str(warning.message) for warning in found] == [f"{about}: {text}" for about, text in expected]
    assert all(Path(warning.filename) == Path(__file__) for warning in found)
    with pytest.warns(UserWarning, match="trained as unconditional"):
        inkwash.train(tiny(), data=inverted, progress=False)


def test_a_range_without_effect_is_refused(tiny: Tiny, digits: Dataset) -> None:
    assert code_and_field(lambda: inkwash.train(tiny(), data=digits, data__range=(0, 1))) == ("no-effect", "data.range")
    images, labels = arrays(digits)
    for data in (images / 255, (images / 255, labels), torch.from_numpy(images) / 255):
        assert code_and_field(lambda data=data: inkwash.train(tiny(), data=data)) == ("invalid-data", "data.range")
    assert not Path("runs").exists()


def test_evaluate_measures_samples_arrays_and_datasets_alike(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractor_training, "train_classifier", lambda net, *_, **__: net.eval())
    reference.for_data("digits")
    images, labels = arrays(digits)
    found = inkwash.evaluate(digits, (images, labels), judge="digits", progress=False)
    first, second = found
    assert first["zero"].value == second["zero"].value == pytest.approx(float((images == 0).mean()))
    (unit,) = inkwash.evaluate((images / 255, labels), judge="digits", range=(0, 1), progress=False)
    assert unit["zero"].value == first["zero"].value
    samples = inkwash.sample("digits", n=20, label=3, progress=False)
    (sampled,) = inkwash.evaluate(samples, judge="digits", progress=False)
    assert sampled["zero"].value == pytest.approx(float((samples.values == 0).double().mean()))
    assert code_and_field(lambda: inkwash.evaluate((images / 255, labels), judge="digits")) == ("invalid-data", "range")
    assert code_and_field(lambda: inkwash.evaluate((images, labels + 3), judge="digits"))[0] == "invalid-data"
