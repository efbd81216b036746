"""Training with a loss of attributes, and training that adds attributes to a model."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from raised import code_and_field

import inkwash as library
from inkwash.attributes import measure
from inkwash.config.recipe import Recipe
from inkwash.core import Condition
from inkwash.data import Dataset
from inkwash.training.trainer import Trainer

MISSING = math.nan


def test_restored_training_with_a_loss_of_attributes_continues_bit_for_bit(recipe: Recipe, strokes: Dataset) -> None:
    chosen = recipe.with_changes({"attribute_loss": {"steps": 3}, "training.batch": 24})
    plain = [step.loss for step in Trainer(recipe.with_changes({"training.batch": 24}), strokes, device="cpu").steps()]
    whole, first, second = (Trainer(chosen, strokes, device="cpu") for _ in range(3))
    losses = [step.loss for step in whole.steps()]
    assert all(one > other for one, other in zip(losses, plain, strict=True))
    for event in first.steps():
        if event.number == 2:
            break
    second.restore(first.checkpoint())
    assert [step.loss for step in second.steps()] == losses[2:]
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state.net.parameters(), second.state.net.parameters(), strict=True)
    )


def test_loss_of_attributes_makes_samples_follow_them(recipe: Recipe, strokes: Dataset) -> None:
    options = {"steps": 4, "interval": [0.2, 1.0], "weight": 1.0}
    changes = {"training.length": "40 steps", "training.batch": 48, "training.ema": "1 step"}
    errors = []
    for each in ({}, {"attribute_loss": options}):
        trainer = Trainer(recipe.with_changes(changes | each), strokes, device="cpu")
        for _ in trainer.steps():
            pass
        requested = {"thickness": (1.8, 2.4, 3.0), "slant": (0.0,), "holes": (1,)}
        samples = library.sample(trainer.ema_model, n=60, label=1, attributes=requested, sampler="dpm++2m:4")
        found = measure(samples.values, ["thickness"])[:, 0]
        wanted = torch.tensor(requested["thickness"]).repeat(20)
        errors.append(float((found - wanted).abs().nanmean()))
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"attribute_loss": {}, "network.attributes": []}, "no-effect", "attribute_loss"),
        ({"attribute_loss": {}, "distillation": {}}, "conflict", "attribute_loss"),
        ({"attribute_loss.interval": [0.5, 0.4]}, "out-of-range", "attribute_loss.interval"),
        ({"attribute_loss.interval": [0.52, 0.53]}, "out-of-range", "attribute_loss.interval"),
        ({"attribute_loss.interval": [0, 0.001]}, "out-of-range", "attribute_loss.interval"),
        ({"attribute_loss": {}, "network.attributes": ["holes"]}, "no-effect", "attribute_loss"),
        ({"attribute_loss.interval": [0.5, 1.1]}, "out-of-range", "attribute_loss.interval"),
        ({"attribute_loss": {}, "schedule": {"kind": "linear", "T": 10}}, "out-of-range", "attribute_loss.steps"),
        ({"attribute_loss.weight": 0}, "out-of-range", "attribute_loss.weight"),
    ],
)
def test_unsuitable_options_of_the_loss_are_refused(
    recipe: Recipe, changes: dict[str, Any], code: str, field: str
) -> None:
    assert code_and_field(lambda: recipe.with_changes(changes)) == (code, field)
    assert recipe.with_changes({"attribute_loss": {}}).attribute_loss is not None


def test_training_from_a_model_without_attributes_adds_them(recipe: Recipe, strokes: Dataset) -> None:
    plain = recipe.with_changes({"network.attributes": [], "name": "plain"})
    start = Trainer(plain, strokes, device="cpu")
    for _ in start.steps():
        pass
    source = start.ema_model
    net = Trainer(recipe, strokes, device="cpu", pretrained=source).state.net
    x, c_noise, labels = torch.randn(2, 1, 12, 12), torch.rand(2), torch.tensor([0, -1])
    with torch.no_grad():
        wanted = source.net(x, c_noise, labels)
        # The new embedding is 0 until it is trained.
        for attributes in (torch.full((2, 3), MISSING), torch.ones(2, 3)):
            assert torch.equal(net(x, c_noise, Condition(labels, attributes)), wanted)
    # The other way round the network keeps its attributes.
    kept = Trainer(plain, strokes, device="cpu", pretrained=Trainer(recipe, strokes, device="cpu").ema_model)
    assert kept.recipe.network.attributes == recipe.network.attributes


def test_attributes_that_the_network_of_the_model_cannot_take_are_refused(recipe: Recipe, strokes: Dataset) -> None:
    network = {"kind": "class-unet", "conditional": True, "widths": [8, 16]}
    other = Trainer(recipe.with_changes({"network": network, "name": "other"}), strokes, device="cpu").ema_model
    for chosen in (recipe, recipe.with_changes({"attribute_loss": {}})):
        found = code_and_field(lambda chosen=chosen: Trainer(chosen, strokes, pretrained=other))
        assert found == ("mismatch", "from")


def test_attributes_can_be_added_by_a_change_of_the_recipe(recipe: Recipe, strokes: Dataset) -> None:
    plain = recipe.with_changes({"network.attributes": [], "name": "plain"})
    source = Trainer(plain, strokes, device="cpu").ema_model
    run = library.train(plain, strokes, pretrained=source, device="cpu", network__attributes=["slant"])
    assert run.recipe.network.attributes == ("slant",)
    with_others = Trainer(recipe, strokes, device="cpu").ema_model
    refused = code_and_field(
        lambda: library.train(plain, strokes, pretrained=with_others, network__attributes=["slant"])
    )
    assert refused == ("conflict", "network.attributes")
