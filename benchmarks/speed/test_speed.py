"""Timing, operations and the network of diffusers: laws that hold on any machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inkwash import data, model
from inkwash.config import recipe
from inkwash.errors import UsageError
from inkwash.nets import summary

from . import memory, subjects, workloads
from .report import Row
from .subjects import Subject
from .timing import Quartiles, Workload, interleaved

CPU = torch.device("cpu")


class FakeClock:
    """A clock that advances only in the functions that `lasting` returns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def lasting(self, seconds: float) -> Callable[[], None]:
        def call() -> None:
            self.now += seconds

        return call


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject.load("digits", CPU)


def test_workloads_alternate_and_their_seconds_are_those_of_one_call() -> None:
    clock = FakeClock()
    works = [
        Workload("", name, "float32", clock.lasting(s), fraction=f) for name, s, f in (("A", 2.0, 1.0), ("B", 1.0, 0.1))
    ]
    assert list(interleaved(works, 2, clock)) == [(0, 2.0), (1, 10.0), (0, 2.0), (1, 10.0)]


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_quartiles_equal_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).random(count)
    found = Quartiles.of(values.tolist())
    assert (found.low, found.median, found.high) == pytest.approx(np.quantile(values, (0.25, 0.5, 0.75)))


def test_rates_and_ratios_are_taken_trial_by_trial() -> None:
    peak = Workload("", "peak", "float32", int, flops=8_000_000_000)
    reference = Workload("m", "theirs", "float32", int)
    work = Workload("m", "ours", "float32", int, flops=8_000_000_000, images=4, reference=reference)
    row = Row.of(work, {peak: [1.0, 2.0], work: [2.0, 4.0], reference: [6.0, 12.0]}, {"float32": peak})
    assert row.images_per_second == Quartiles(1.25, 1.5, 1.75)
    assert row.share_of_peak == Quartiles(0.5, 0.5, 0.5)
    assert row.times_reference == Quartiles(3.0, 3.0, 3.0)


@pytest.mark.parametrize("layout", workloads.LAYOUTS)
def test_a_convolution_has_nine_multiply_adds_for_each_pair_of_channels_and_pixel(layout: str) -> None:
    assert workloads.convolution((4, 6, 3), layout, "float32", CPU).flops == 2 * 9 * 4**2 * 6**2 * 3


def test_linear_layers_have_two_operations_for_each_weight() -> None:
    moons = model.load("moons", device="cpu")
    weights = sum(layer.weight.numel() for layer in moons.net.modules() if isinstance(layer, nn.Linear))
    assert workloads.forward_flops(moons) == 2 * weights


def test_a_training_step_costs_a_forward_pass_and_its_gradients(subject: Subject) -> None:
    # The first layer's inputs need no gradient, and AdamW multiplies no matrices.
    work = workloads.training(subject, "float32")
    forward = workloads.forward_flops(subject.model) * subject.model.recipe.training.batch
    assert 2.9 * forward < (work.flops or 0) < 3 * forward


@pytest.mark.parametrize("fraction", [0.25, 1.0])
def test_learnt_guidance_costs_one_more_forward_pass_in_its_interval(subject: Subject, fraction: float) -> None:
    changes = ["training.label_dropout=0.1", "training.guidance=1.5", f"training.guidance_interval=[0.0, {fraction}]"]
    changed = subject.model.recipe.with_changes([*changes, "density=uniform"])
    guided = replace(subject, model=replace(subject.model, recipe=changed))
    plain, more = (workloads.training(each, "float32").flops or 0 for each in (subject, guided))
    assert more - plain == round(fraction * changed.training.batch) * workloads.forward_flops(subject.model)


@pytest.mark.parametrize(("sampler", "evaluations"), [("ddim:3", 3), ("heun:3", 4)])
def test_sampling_calls_the_network_as_often_as_its_operations_count(
    subject: Subject, sampler: str, evaluations: int
) -> None:
    calls: list[int] = []
    work = workloads.sampling(subject, sampler, "float32", 2)
    handle = subject.model.net.register_forward_pre_hook(lambda net, given: calls.append(len(given[0])))
    work.call()
    handle.remove()
    assert calls == [2] * evaluations
    assert work.flops == 2 * evaluations * workloads.forward_flops(subject.model)


def test_training_changes_no_weight_of_the_model_and_writes_nothing(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [weight.clone() for weight in subject.model.net.parameters()]
    workloads.training(subject, "float32").call()
    assert all(torch.equal(old, new) for old, new in zip(before, subject.model.net.parameters(), strict=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_memory_of_a_workload_excludes_that_of_this_process() -> None:
    held = np.ones(2**27)
    found = memory.peak_memory("sampling", "digits", "ddim:2", "float32", "cpu")
    assert found is None or 2**25 < found < held.nbytes


@pytest.mark.parametrize("name", ["ddpm-bn", "moons"])
def test_random_numbers_replace_missing_data(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "load_offline", lambda spec, size=None: None)
    found = Subject.load(name, CPU)
    assert found.data.name == "random numbers"
    assert found.data.shape == found.model.spec.shape and found.data.classes == found.model.spec.classes


def test_random_pixels_are_reproducible_and_fill_their_range() -> None:
    one, other = (subjects.random_dataset((3, 4, 5), ("a", "b")) for _ in range(2))
    assert torch.equal(one.values, other.values) and len(one.values.unique()) == 256


def test_a_recipe_has_no_trained_weights(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(recipe.load("digits").with_changes(["network.widths=[8,16]"]).to_toml())
    assert not Subject.load(str(file), CPU).trained


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "simple-unet", "cfg-cosine"])
def test_the_network_of_diffusers_has_as_many_parameters_within_ten_percent(name: str) -> None:
    pytest.importorskip("diffusers")
    from .diffusers_unet import DiffusersUNet

    ours = Subject.load(name, CPU).model
    theirs = DiffusersUNet(ours).net
    assert summary.parameters(theirs) == pytest.approx(summary.parameters(ours.net), rel=0.1)
    assert (theirs.class_embedding is not None) == ours.conditional


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("sampler", ["ddpm", "ddim:50", "dpm++2m:20"])
def test_both_libraries_evaluate_their_networks_equally_often(subject: Subject, sampler: str) -> None:
    pytest.importorskip("diffusers")
    from .diffusers_unet import DiffusersUNet, sampling_pair

    theirs = DiffusersUNet(subject.model)
    work = sampling_pair(subject, theirs, sampler, "float32")
    calls: list[str] = []
    handles = [
        subject.model.net.register_forward_pre_hook(lambda net, given: calls.append("ours")),
        theirs.net.register_forward_pre_hook(lambda net, given: calls.append("theirs")),
    ]
    assert work.reference is not None
    ours, others = work.call(), work.reference.call()
    for handle in handles:
        handle.remove()
    assert calls.count("ours") == calls.count("theirs") == len(calls) // 2
    assert isinstance(ours, torch.Tensor) and isinstance(others, torch.Tensor) and ours.shape == others.shape


@pytest.mark.slow
def test_the_training_step_of_diffusers_lowers_its_loss(subject: Subject) -> None:
    pytest.importorskip("diffusers")
    from .diffusers_unet import DiffusersUNet

    step = DiffusersUNet(subject.model).training_step(64, subject.data.values, None)
    losses = [step() for _ in range(12)]
    assert sum(losses[-3:]) / 3 < losses[0]


def test_points_have_no_network_in_diffusers() -> None:
    pytest.importorskip("diffusers")
    from .diffusers_unet import DiffusersUNet

    with pytest.raises(UsageError):
        DiffusersUNet(Subject.load("moons", CPU).model)
