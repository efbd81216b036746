"""Arguments that a newcomer tries from Python work, or are refused in one line that names the argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raised import code_and_field, raised
from torch import Tensor, nn

import inkwash
from inkwash.config.recipe import Recipe
from inkwash.data import Dataset
from inkwash.io import png_metadata
from inkwash.model import Model
from inkwash.runs import run as run_module

Tiny = Callable[..., Recipe]
Untrained = Callable[..., Model]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out cards and plots, which are slow and have other tests."""
    monkeypatch.setattr(run_module, "write_card", lambda *_: None)


class Output:
    """The output of a network of diffusers."""

    def __init__(self, sample: Tensor) -> None:
        self.sample = sample


class Own(nn.Module):
    """An unconditional network whose output `wrap` changes."""

    def __init__(self, wrap: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.wrap = nn.Conv2d(1, 1, 3, padding=1, bias=False), wrap
        nn.init.constant_(self.layer.weight, 0.1)

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Any:
        return self.wrap(self.layer(x))


class Empty(nn.Module):
    """A network without layers."""

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        return x


def unlabelled(tiny: Tiny) -> Recipe:
    return tiny("training.label_dropout=0.0", "network.conditional=false")


@pytest.mark.parametrize("kind", [np.int64, np.uint8, torch.tensor])
def test_numbers_of_other_libraries_are_those_of_python(untrained: Untrained, kind: Any) -> None:
    model = untrained()
    plain = inkwash.sample(model, n=3, seed=2, sampler="ddpm", steps=4, guidance=2, temperature=0.5)
    settings: dict[str, Any] = {"guidance": np.float32(2), "temperature": torch.tensor(0.5)}
    given = inkwash.sample(model, n=kind(3), seed=kind(2), sampler="ddpm", steps=kind(4), **settings)
    assert torch.equal(given.values, plain.values)
    for name, samples in (("plain", plain), ("given", given)):
        samples.save(f"{name}.png")
    assert png_metadata.read_metadata("given.png") == png_metadata.read_metadata("plain.png")
    ends = inkwash.sample(model, n=3, label="1..2", seed=(kind(2), kind(5)), sampler="ddim:1")
    assert ends.run.request.seed_to == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2.5),
        ("n", "3"),
        ("seed", [1, 2, 3]),
        ("seed", (1, 2, 3)),
        ("seed", 0.5),
        ("steps", 1.5),
        ("batch", "8"),
        ("guidance", "2"),
        ("guidance", [2, 3]),
        ("temperature", None.__class__),
        ("eta", torch.ones(2)),
        ("interval", 0.5),
        ("interval", ("a", "b")),
        ("image", np.zeros((8, 8), dtype=np.uint8)),
        ("sampler", 5),
    ],
)
def test_values_of_another_type_are_refused(untrained: Untrained, field: str, value: Any) -> None:
    arguments: dict[str, Any] = {"n": 2, "sampler": "ddim:1"} | {field: value}
    code, refused = code_and_field(lambda: inkwash.sample(untrained(), **arguments))
    assert (code, refused) == ("unknown-name" if field == "sampler" else "invalid-value", field)


def test_schedules_and_precisions_are_names_or_objects(untrained: Untrained) -> None:
    model = untrained()
    forms: list[dict[str, Any]] = [
        {"schedule": inkwash.Linear(), "precision": "bfloat16"},
        {"schedule": "linear", "precision": torch.bfloat16},
    ]
    by_object, by_name = (inkwash.sample(model, n=2, sampler="ddim:2", **form) for form in forms)
    assert by_object.run.sampler.schedule == by_name.run.sampler.schedule
    assert torch.equal(by_object.values, by_name.values)
    assert code_and_field(lambda: inkwash.sample(model, schedule="linaer")) == ("unknown-name", "schedule.kind")
    assert code_and_field(lambda: inkwash.sample(model, precision="bf17")) == ("unknown-name", "precision")


def test_a_model_is_named_in_every_form(untrained: Untrained) -> None:
    things: tuple[Any, ...] = (None, 3, Own(lambda y: y), {}, inkwash.sample(untrained(), n=1, sampler="ddim:1"))
    for thing in things:
        for call in (inkwash.load, inkwash.sample):
            assert code_and_field(lambda call=call, thing=thing: call(thing)) == ("invalid-value", "model")


def test_recipes_and_lengths_of_another_type_are_refused(tiny: Tiny, digits: Dataset) -> None:
    for thing in (None, 3, inkwash.load("moons")):
        assert code_and_field(lambda thing=thing: inkwash.train(thing)) == ("invalid-value", "recipe")
        assert code_and_field(lambda thing=thing: inkwash.Trainer(thing)) == ("invalid-value", "recipe")
    wrong: Any = 3
    assert code_and_field(lambda: inkwash.train(tiny(), digits, out=wrong)) == ("invalid-value", "out")
    assert code_and_field(lambda: inkwash.train(tiny(), digits, pretrained=wrong)) == ("invalid-value", "model")
    assert code_and_field(lambda: inkwash.train(tiny(), digits, length=5)) == ("invalid-value", "length")  # type: ignore[arg-type]
    assert not Path("runs").exists()


def test_a_run_and_a_trainer_are_sampled_at_their_step(tiny: Tiny, digits: Dataset) -> None:
    run, trainer = inkwash.start_run(tiny(), digits, "run"), inkwash.Trainer(tiny(), digits)
    for each in (run, trainer):
        for event in each:
            if isinstance(event, inkwash.Step) and event.step == 4:
                break
    sampled = [inkwash.sample(each, n=2, sampler="ddim:2") for each in (run, trainer, run.model)]
    assert {samples.model.step for samples in sampled} == {4}
    assert torch.equal(sampled[0].values, sampled[1].values) and torch.equal(sampled[0].values, sampled[2].values)


def test_a_device_of_torch_is_a_device(untrained: Untrained) -> None:
    assert inkwash.load("moons", device=torch.device("cpu")).device == torch.device("cpu")
    assert code_and_field(lambda: inkwash.load("moons", device=torch.device("meta"))) == ("unknown-name", "device")


@pytest.mark.parametrize(
    "net", [Own, lambda x, c_noise, label: x, Empty(), 3], ids=["class", "function", "empty", "int"]
)
def test_a_network_that_is_no_module_with_parameters_is_refused(tiny: Tiny, digits: Dataset, net: Any) -> None:
    assert code_and_field(lambda: inkwash.train(unlabelled(tiny), digits, net=net)) == ("invalid-value", "net")
    assert code_and_field(lambda: inkwash.load("digits", net=net)) == ("invalid-value", "net")
    assert not Path("runs").exists()


def test_a_network_may_return_an_object_with_a_sample(tiny: Tiny, digits: Dataset) -> None:
    plain, wrapped = (
        inkwash.train(unlabelled(tiny), digits, net=Own(wrap), progress=False) for wrap in (lambda y: y, Output)
    )
    assert plain.weights == wrapped.weights
    assert torch.equal(*(inkwash.sample(model, n=2, sampler="ddim:3").values for model in (plain, wrapped)))


@pytest.mark.parametrize(
    "wrap", [lambda y: (y,), lambda y: None, lambda y: {"x": y}["sample"], lambda y: y.absent, lambda y: y[:, :, 1:]]
)
def test_other_outputs_are_refused(tiny: Tiny, digits: Dataset, wrap: Callable[[Tensor], Any]) -> None:
    error = raised(lambda: inkwash.train(unlabelled(tiny), digits, net=Own(wrap)))
    assert (error.code, error.field) == ("mismatch", "network.kind") and "Own" in str(error)


def test_samplers_are_compared_by_a_list() -> None:
    count: Any = np.int64(200)
    compared = inkwash.evaluate("moons", n=count, sampler=["ddim:2", "heun:2"], progress=False)
    assert [entry.sampler for entry in compared.entries] == ["ddim:2", "heun:2"]


def test_samples_are_saved_as_arrays_that_evaluate_reads(untrained: Untrained) -> None:
    samples = inkwash.sample(untrained(), n=4, label="1,2", sampler="ddim:1")
    samples.save("four.npz")
    with np.load("four.npz") as arrays:
        assert np.array_equal(arrays["images"], samples.images)
        assert arrays["labels"].tolist() == [1, 2, 1, 2] and arrays["seeds"].tolist() == [0, 1, 2, 3]
    points = inkwash.sample("moons", n=200, sampler="ddim:5")
    points.save("points.npz")
    assert inkwash.evaluate("points.npz", data="moons", progress=False)[0].count == 200
