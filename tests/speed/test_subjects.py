"""What is measured: models, recipes, files, and random pixels for data that is not here."""

from __future__ import annotations

import pytest
import torch

from inkwash import USUAL, data
from inkwash.config import recipe
from inkwash.errors import UsageError
from inkwash.speed import subjects
from inkwash.speed.subjects import Subject

CPU = torch.device("cpu")


@pytest.fixture
def nothing_here(monkeypatch):
    monkeypatch.setattr(data, "local", lambda spec, size=None: None)


def test_the_default_comes_with_inkwash():
    assert Subject.of(USUAL, CPU).trained


def test_a_model_keeps_its_weights_and_takes_its_own_data():
    found = Subject.of("digits", CPU)
    assert found.data.name == "digits" and found.model.weights
    assert found.fast_sampler == found.model.recipe.sampling.preview


def test_a_recipe_is_measured_without_weights(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(recipe.load("digits").with_changes(["network.widths=[8,16]"]).to_toml())
    found = Subject.of(str(file), CPU)
    assert not found.trained and not found.model.net.training
    assert found.model.net.state_dict().keys() and found.model.spec.shape == (1, 8, 8)


@pytest.mark.parametrize("name", ["ddpm-bn", "moons"])
def test_random_numbers_stand_for_data_that_is_not_here(name, nothing_here):
    found = Subject.of(name, CPU)
    assert found.data.name == "random numbers"
    assert found.data.shape == found.model.spec.shape and found.data.classes == found.model.spec.classes


def test_random_pixels_are_counted_and_fill_their_range():
    one, other = (subjects.random((3, 4, 5), ("a", "b")) for _ in range(2))
    assert torch.equal(one.values, other.values) and one.shape == (3, 4, 5)
    assert one.values.dtype == torch.uint8 and len(one.values.unique()) == 256
    assert torch.equal(one.labels.unique(), torch.arange(2))


def test_a_recipe_whose_data_is_nowhere_is_refused(tmp_path, nothing_here):
    file = tmp_path / "mine.toml"
    file.write_text(recipe.load("digits").with_changes(["data.name=elsewhere"]).to_toml())
    with pytest.raises(UsageError, match="elsewhere, which is not here"):
        Subject.of(str(file), CPU)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'digits'"):
        Subject.of("digitz", CPU)
