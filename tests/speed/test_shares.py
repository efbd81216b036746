"""Operations and shares: counted against closed forms, divided by a clock that tells what it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from inkwash import model
from inkwash.hardware import devices
from inkwash.speed import flops, peak
from inkwash.speed.drawing import Drawing
from inkwash.speed.peak import Peak
from inkwash.speed.subjects import Subject
from inkwash.speed.training import Training
from inkwash.speed.trials import Piece, in_turn

CPU = torch.device("cpu")


@pytest.mark.parametrize("layout", peak.LAYOUTS)
@pytest.mark.parametrize(("channels", "side", "batch"), [(4, 6, 3), (8, 5, 2)])
def test_a_convolution_counts_nine_multiply_adds_for_each_pair_of_channels_and_pixel(channels, side, batch, layout):
    work = peak.convolution((channels, side, batch), peak.LAYOUTS[layout], "float32", CPU)
    assert flops.counted(work) == 2 * 9 * channels**2 * side**2 * batch


def test_the_shapes_that_are_tried_cost_the_same():
    assert len({channels**2 * side**2 * batch for channels, side, batch in peak.SHAPES}) == 1


def test_a_network_of_linear_layers_counts_its_weights_twice():
    moons = model.load("moons", device="cpu")
    weights = sum(layer.weight.numel() for layer in moons.net.modules() if isinstance(layer, nn.Linear))
    assert flops.forward(moons) == 2 * weights


def test_the_share_is_operations_by_seconds_by_peak(clock):
    top = Peak("float32", "", 8_000_000_000, Piece("peak float32", clock.takes(1.0, 2.0, 1.0)))
    turns = in_turn([top.piece, Piece("work", clock.takes(4.0, 4.0, 2.0))], 2, clock)
    assert top.gflops(turns) == (4.0, 8.0)
    assert flops.rates(8e9, turns["work"]) == (2.0, 4.0)
    # a neighbour who halves both leaves the share what it was
    assert flops.shares(8e9, turns["work"], top.gflops(turns)) == (0.5, 0.5)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject.of("digits", CPU)


def test_training_is_told_in_images_operations_and_share(subject, clock):
    training = Training(subject, CPU, "float32")
    step = training.operations
    top = Peak("float32", "", 2 * step, Piece("peak float32", clock.takes(1.0)))
    turns = in_turn([top.piece, Piece(training.name, clock.takes(9.0, 2.0))], 3, clock)
    found = training.told(turns, top, 7)
    assert found.images_per_second.median == training.batch / 2
    assert found.gflops.median == pytest.approx(step / 2 / 1e9, rel=1e-12)
    assert found.share_of_peak.median == pytest.approx(0.25, rel=1e-12)
    assert found.memory == 7 and found.batch == subject.model.recipe.training.batch


def test_the_operations_of_a_step_are_those_of_a_forward_and_its_gradients(subject):
    """The first layer's inputs need no gradient, and AdamW multiplies no matrices."""
    forward = flops.forward(subject.model) * subject.model.recipe.training.batch
    assert 2.9 * forward < Training(subject, CPU, "float32").operations < 3 * forward


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_learning_guidance_costs_one_more_forward_of_the_examples_that_it_is_learnt_at(subject, share):
    plain = Training(subject, CPU, "float32").operations
    guided = ["training.label_dropout=0.1", "training.guidance=1.5", f"training.guidance_interval=[0.0, {share}]"]
    recipe = subject.model.recipe.with_changes([*guided, "density=uniform"])
    other = replace(subject, model=replace(subject.model, recipe=recipe))
    extra = Training(other, CPU, "float32").operations - plain
    assert extra == round(share * recipe.training.batch) * flops.forward(subject.model)


@pytest.mark.parametrize(("sampler", "evaluations"), [("ddim:3", 3), ("heun:3", 4), (None, 20)])
def test_drawing_is_told_by_the_evaluations_that_its_sampler_needs(subject, clock, sampler, evaluations):
    drawing = Drawing(subject, sampler)
    whole = 64 * evaluations * flops.forward(subject.model)
    top = Peak("float32", "", whole, Piece("peak float32", clock.takes(1.0)))
    names = [f"{drawing.name}: {what}" for what in ("64", "1", "one evaluation")]
    pieces = [Piece(name, clock.takes(seconds)) for name, seconds in zip(names, (4.0, 2.0, 0.5), strict=True)]
    found = drawing.told(in_turn([top.piece, *pieces], 2, clock), top, None)
    assert found.evaluations == evaluations
    assert (found.seconds.median, found.one_image.median, found.one_evaluation.median) == (4.0, 2.0, 0.5)
    assert found.images_per_second.median == 16
    assert found.share_of_peak.median == pytest.approx(0.25, rel=1e-12)


def test_the_network_is_called_as_often_as_is_told(subject):
    drawing, calls = Drawing(subject, "heun:3"), []
    handle = subject.model.net.register_forward_pre_hook(lambda net, given: calls.append(len(given[0])))
    try:
        assert drawing.draw(2).shape == (2, *subject.model.spec.shape)
    finally:
        handle.remove()
    assert calls == [2] * drawing.used.evaluations


def test_training_moves_nothing_of_the_model_and_writes_nothing(subject, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = [weight.clone() for weight in subject.model.net.parameters()]
    Training(subject, CPU, "float32").step()
    assert all(torch.equal(old, new) for old, new in zip(before, subject.model.net.parameters(), strict=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gains", [True, False])
def test_bfloat16_is_measured_only_where_it_gains(gains, monkeypatch):
    monkeypatch.setattr(devices, "precision", lambda name, device: torch.bfloat16 if gains else None)
    assert peak.gaining(CPU) == (("float32", "bfloat16") if gains else ("float32",))
