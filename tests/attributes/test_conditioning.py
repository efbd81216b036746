"""A network conditioned on attributes: they are dropped in training, ride along with labels, and change the samples."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from command import Inkwash, UsageErrorOf
from raised import code_and_field
from torch import Tensor

import inkwash as library
from inkwash import data
from inkwash.attributes import measure, measure_training_set, standardize
from inkwash.config.recipe import Recipe
from inkwash.core import Condition, Cosine, Guided, Labelled, Level, NetDenoiser, Target, WithAttributes
from inkwash.core.conditions import labels_of, without_labels
from inkwash.core.rng import Stream, uniforms
from inkwash.data import Dataset
from inkwash.io import checkpoints
from inkwash.model import Model
from inkwash.nets import FoldedUNet
from inkwash.objectives import Denoising, drop_attributes
from inkwash.sampling.attributes import assign_attributes
from inkwash.sampling.request import SampleRequest
from inkwash.training.batches import Batches
from inkwash.training.trainer import Trainer

MISSING = math.nan


def network(**options: Any) -> FoldedUNet:
    """Return a network for two classes and three attributes with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = FoldedUNet(1, 2, widths=(8, 16), blocks=1, dim=16, attributes=("thickness", "slant", "holes"), **options)
        for weight in net.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    return net.eval()


def batches(strokes: Dataset, attributes: Tensor | None) -> Batches:
    return Batches(strokes, 8, 0, True, 0.2, torch.device("cpu"), attributes=attributes)


def test_dropped_attributes_are_all_subsets_and_most_examples_lose_all() -> None:
    count = 60_000
    u = uniforms(0, torch.arange(count), 0, Stream.TRAIN_ATTRIBUTES, 4)
    kept = (~drop_attributes(torch.zeros(count, 3), u).isnan()).long()
    shares = torch.bincount(kept @ torch.tensor([1, 2, 4]), minlength=8) / count
    # The share s of lost attributes has density 3/8 on (0, 1): a subset of k of 3 has probability B(k + 1, 4 - k) * 3/8.
    inner = [3 / 8 * math.factorial(k) * math.factorial(3 - k) / math.factorial(4) for k in range(4)]
    wanted = [inner[bits.bit_count()] + {0: 1 / 2, 7: 1 / 8}.get(bits, 0) for bits in range(8)]
    assert sum(wanted) == pytest.approx(1)
    assert shares.tolist() == pytest.approx(wanted, abs=0.006)


def test_batches_have_the_attributes_of_their_images_and_shards_are_slices(strokes: Dataset) -> None:
    values = measure(strokes.values, ["thickness", "slant"])
    with_them, without = batches(strokes, values), batches(strokes, None)
    for step in (1, 2, 30):
        batch, plain = with_them(step), without(step)
        assert plain.attributes is None and plain.condition is plain.labels
        for one, other in zip(batch[:4], plain[:4], strict=True):
            assert one is not None and other is not None and torch.equal(one, other)
        assert isinstance(batch.condition, Condition) and batch.attributes is not None
        own = measure(((batch.images + 1) * 127.5).round().to(torch.uint8), ["thickness", "slant"])
        known = ~batch.attributes.isnan()
        assert torch.equal(batch.attributes[known], own[known])
        shard = with_them(step, slice(3, 7)).attributes
        assert shard is not None and np.array_equal(shard.numpy(), batch.attributes[3:7].numpy(), equal_nan=True)


def test_missing_attributes_are_the_null_condition_and_each_matters() -> None:
    net, x, c_noise = network(), torch.randn(2, 1, 12, 12), torch.tensor([0.3, 0.7])
    labels = torch.tensor([1, 0])

    def output(*attributes: float) -> Tensor:
        return net(x, c_noise, Condition(labels, torch.tensor([attributes] * 2, dtype=torch.float32)))

    assert torch.equal(output(MISSING, MISSING, MISSING), net(x, c_noise, labels))
    assert torch.equal(net(x, c_noise, Condition(None, torch.full((2, 3), MISSING))), net(x, c_noise, None))
    different = [output(MISSING, 1, 1), output(1, MISSING, 1), output(1, 1, MISSING), output(1, 1, 1), output(0, 1, 1)]
    different.append(output(MISSING, MISSING, MISSING))
    for first in range(len(different)):
        assert not any(torch.allclose(different[first], each) for each in different[:first])


def test_attributes_of_an_example_change_no_other() -> None:
    net, x, c_noise, labels = network(), torch.randn(2, 1, 12, 12), torch.tensor([0.3, 0.7]), torch.tensor([1, 0])
    one = net(x, c_noise, Condition(labels, torch.tensor([[1.0, MISSING, 2.0], [0.0, 0.0, 0.0]])))
    other = net(x, c_noise, Condition(labels, torch.tensor([[1.0, MISSING, 2.0], [MISSING, 0.0, 3.0]])))
    assert torch.equal(one[0], other[0])
    assert not torch.allclose(one[1], other[1])


def test_gradient_of_missing_attributes_is_finite() -> None:
    net = network()
    attributes = torch.tensor([[1.0, MISSING, 2.0], [MISSING] * 3])
    net(
        torch.randn(2, 1, 12, 12), torch.rand(2), Condition(torch.tensor([0, -1]), attributes)
    ).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())


class Recorded(NetDenoiser):
    """A denoiser that records the conditions of its calls."""

    def __init__(self) -> None:
        super().__init__(network(), Target("v", 0.5))
        object.__setattr__(self, "calls", [])

    def output(self, x: Tensor, level: Level, label: Any = None) -> Tensor:
        self.calls.append(label)  # type: ignore[attr-defined]
        return super().output(x, level, label)


def test_learned_guidance_drops_the_label_and_keeps_the_attributes() -> None:
    denoiser = Recorded()
    attributes = torch.tensor([[1.0, MISSING, 0.0], [2.0, 1.0, MISSING], [MISSING] * 3])
    condition = Condition(torch.tensor([0, -1, 1]), attributes)
    images, noise, u = torch.rand(3, 1, 12, 12), torch.randn(3, 1, 12, 12), torch.tensor([0.2, 0.5, 0.8]).double()
    loss = Denoising(Cosine(), guidance=2.0)(denoiser, images, condition, u, noise)
    plain = Denoising(Cosine())(denoiser, images, condition, u, noise)
    guided, null = denoiser.calls[:2]  # type: ignore[attr-defined]
    assert guided is condition
    assert (null.labels == -1).all()
    assert np.array_equal(null.attributes.numpy(), attributes.numpy(), equal_nan=True)
    # An example without a label is not guided.
    assert loss[1].item() == pytest.approx(plain[1].item(), rel=1e-5)
    assert not torch.isclose(loss[0], plain[0])


def test_guidance_of_samples_drops_the_label_and_keeps_the_attributes() -> None:
    net = NetDenoiser(network(), Target("v", 0.5))
    level, x = Cosine()(torch.tensor(0.6).double()), torch.randn(2, 1, 12, 12)
    labels, attributes = torch.tensor([0, 1]), torch.tensor([[1.0, 2.0, MISSING]] * 2)
    guided = Labelled(WithAttributes(Guided(net, 3.0), attributes), labels)(x, level)
    cond, uncond = net(x, level, Condition(labels, attributes)), net(x, level, Condition(None, attributes))
    torch.testing.assert_close(guided, uncond + 3 * (cond - uncond))
    without = Labelled(WithAttributes(Guided(net, 3.0), attributes), None)(x, level)
    assert torch.equal(without, uncond)


def test_condition_is_indexed_moved_and_without_labels() -> None:
    condition = Condition(torch.tensor([3, 4, -1]), torch.tensor([[1.0], [2.0], [3.0]]))
    part = condition[torch.tensor([2, 0])]
    assert len(part) == 2 and part.labels is not None
    assert (part.labels.tolist(), part.attributes.tolist()) == ([-1, 3], [[3.0], [1.0]])
    null = without_labels(condition.to(torch.device("cpu")))
    assert isinstance(null, Condition) and null.labels is not None
    assert (null.labels.tolist(), null.attributes.tolist()) == ([-1, -1, -1], [[1.0], [2.0], [3.0]])
    assert labels_of(Condition(None, condition.attributes)) is None
    assert without_labels(torch.tensor([4, 5])).tolist() == [-1, -1]  # type: ignore[union-attr]


def test_restored_training_continues_bit_for_bit(recipe: Recipe, strokes: Dataset, tmp_path: Path) -> None:
    whole, first, second = (Trainer(recipe, strokes, device="cpu") for _ in range(3))
    for _ in whole:
        pass
    for event in first.steps():
        if event.number == 2:
            break
    second.restore(first.checkpoint())
    for _ in second:
        pass
    for trainer, name in ((whole, "whole"), (second, "second")):
        checkpoints.save(tmp_path / name, trainer.checkpoint())
    weights = [checkpoints.load(tmp_path / name).part("net") for name in ("whole", "second")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_standardized_attributes_have_mean_0_and_deviation_1(trained: Model, strokes: Dataset) -> None:
    names = [spec.name for spec in trained.spec.attributes]
    assert names == ["thickness", "slant", "holes"]
    values = standardize(measure_training_set(strokes, names), trained.spec.attributes).double()
    assert values.mean(0).tolist() == pytest.approx([0] * 3, abs=1e-5)
    assert values.std(0, correction=0).tolist() == pytest.approx([1] * 3, abs=1e-5)


def test_model_with_attributes_is_saved_and_loaded(trained: Model, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.save(path, trained.checkpoint())
    loaded = library.load(path, device="cpu")
    assert loaded.spec == trained.spec
    wanted = library.sample(trained, n=2, label=1, attributes={"thickness": 2})
    assert np.array_equal(library.sample(loaded, n=2, label=1, attributes={"thickness": 2}).images, wanted.images)


def test_attributes_of_other_libraries_are_numbers_and_other_types_are_refused(trained: Model) -> None:
    wanted = library.sample(trained, n=2, label=1, attributes={"thickness": [2.0, 2.2]})
    for given in (np.array([2.0, 2.2]), torch.tensor([2.0, 2.2], dtype=torch.float64), (2.0, np.float64(2.2))):
        found = library.sample(trained, n=2, label=1, attributes={"thickness": given})
        assert np.array_equal(found.images, wanted.images)
    for wrong in ({"thickness": "3"}, ["thickness"], {3: 4}):
        assert code_and_field(lambda wrong=wrong: library.sample(trained, attributes=wrong)) == (
            "invalid-value",
            "attributes",
        )


def trained_further(model: Model) -> Model:
    """Return `model` with random weights, so that its conditions have an effect."""
    net = network()
    return replace(model, net=net.requires_grad_(False))


def test_samples_depend_on_attributes_and_not_on_the_batch(trained: Model) -> None:
    model = trained_further(trained)

    def images(n: int = 6, seed: int = 0, batch: int = 64, **attributes: Any) -> np.ndarray:
        return library.sample(model, n=n, label=1, seed=seed, batch=batch, attributes=attributes).images.astype(int)

    several = images(thickness=[1.7, 2.2, 2.6], slant=5)
    assert np.abs(several - images(batch=2, thickness=[1.7, 2.2, 2.6], slant=5)).max() <= 1
    assert np.abs(several[4] - images(n=1, seed=4, thickness=2.2, slant=5)[0]).max() <= 1
    for other in (images(thickness=1.7, slant=5), images(slant=5), images()):
        assert np.abs(several - other).mean() > 0.5


def test_requested_attributes_are_standardized_by_the_training_set(trained: Model) -> None:
    found = assign_attributes(trained, 3, {"slant": (0.0, 5.0), "thickness": 2.0})
    assert found is not None
    thickness, slant, _ = trained.spec.attributes
    assert found[:, 0].tolist() == pytest.approx([(2 - thickness.mean) / thickness.std] * 3)
    assert found[:, 1].tolist() == pytest.approx([(each - slant.mean) / slant.std for each in (0, 5, 0)], abs=1e-5)
    assert found[:, 2].isnan().all()
    assert assign_attributes(trained, 3, None) is None
    assert assign_attributes(trained, 3, {}) is None


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"thicknes": 3}, "unknown-name"),
        ({"thickness": 30}, "out-of-range"),
        ({"thickness": MISSING}, "out-of-range"),
        ({"thickness": []}, "invalid-value"),
    ],
)
def test_unsuitable_attributes_are_refused(trained: Model, attributes: dict[str, Any], code: str) -> None:
    found = code_and_field(lambda: library.sample(trained, n=1, attributes=attributes))
    assert found == (code, "attribute" if code == "unknown-name" else "attributes")


def test_extrapolation_is_a_choice(trained: Model) -> None:
    assert len(library.sample(trained, n=1, attributes={"thickness": 30}, extrapolate=True).images) == 1
    refused = code_and_field(lambda: library.sample(trained, n=1, attributes={"thickness": math.inf}, extrapolate=True))
    assert refused == ("out-of-range", "attributes")


def test_model_without_attributes_refuses_them() -> None:
    assert code_and_field(lambda: library.sample("digits", n=1, attributes={"thickness": 3})) == (
        "no-effect",
        "attributes",
    )


def test_request_with_attributes_equals_what_is_read_from_its_json() -> None:
    request = SampleRequest(model="words", attributes={"slant": (-5.0, 5.0), "thickness": 3.0}, extrapolate=True)
    assert SampleRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    assert "attributes" not in SampleRequest(model="fast").to_dict()


def test_command_samples_by_attributes_and_reproduces_the_image(
    trained: Model, inkwash: Inkwash, usage_error: UsageErrorOf, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.save(path, trained.checkpoint())
    sample = ("sample", path, "-n", 2, "-l", 1, "--set-attribute", "thickness=2", "--set-attribute", "slant=0,5")
    assert inkwash(*sample, "-o", "x.png").code == 0
    assert inkwash("sample", "x.png", "-o", "again.png").code == 0
    assert Path("x.png").read_bytes() == Path("again.png").read_bytes()
    assert usage_error("sample", path, "--set-attribute", "thickness") == ("invalid-value", "set-attribute")
    assert usage_error("sample", path, "--set-attribute", "thickness=40") == ("out-of-range", "attributes")
    extrapolated = ("sample", path, "-n", 2, "-l", 1, "--set-attribute", "thickness=40", "--extrapolate", "-o", "y.png")
    assert inkwash(*extrapolated).code == 0


def test_recipe_with_unknown_or_repeated_attributes_is_refused(recipe: Recipe) -> None:
    for names, code in ((["thickness", "charm"], "unknown-name"), (["slant", "slant"], "conflict")):
        found = code_and_field(lambda names=names: recipe.with_changes({"network.attributes": names}))
        assert found[0] == code


def test_data_without_strokes_are_refused(recipe: Recipe) -> None:
    digits = data.load("digits")
    assert code_and_field(lambda: Trainer(recipe, digits, device="cpu")) == ("unsupported", "data")


def test_recipes_without_attributes_are_written_as_before(tiny: Callable[..., Recipe]) -> None:
    assert "attributes" not in tiny("network.kind='folded-unet'").to_dict()["network"]
