"""diffusers beside inkwash: a network of the same size, as many evaluations, ratios turn by turn."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from inkwash.errors import UsageError
from inkwash.speed import against
from inkwash.speed.against import SCHEDULERS, Contest
from inkwash.speed.subjects import Subject
from inkwash.speed.theirs import Theirs
from inkwash.speed.trials import Piece, in_turn

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def size(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


@pytest.fixture(scope="module")
def digits() -> Subject:
    return Subject.of("digits", CPU)


@pytest.fixture(scope="module")
def theirs(digits) -> Theirs:
    pytest.importorskip("diffusers")
    return Theirs(digits.model)


@pytest.mark.parametrize("name", ["digits", "simple-unet", "cfg-cosine"])
def test_their_network_has_our_number_of_parameters_within_ten_percent(name):
    pytest.importorskip("diffusers")
    ours = Subject.of(name, CPU).model
    found = Theirs(ours)
    assert abs(size(found.net) / size(ours.net) - 1) <= 0.1
    assert (found.net.class_embedding is not None) == ours.conditional


def test_their_training_step_learns_what_diffusion_models_learn(digits, theirs):
    step = theirs.training(64, digits.data.values, None)
    losses = [step() for _ in range(12)]
    # the variance of the noise is 1: who says nothing has that loss, and who learns a lower one
    assert losses[0] > 0.8 and sum(losses[-3:]) / 3 < losses[0]


@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_both_ask_their_networks_equally_often(digits, theirs, sampler):
    calls: dict[str, int] = {"ours": 0, "theirs": 0}

    def count(whose: str) -> None:
        calls[whose] += 1

    contest = against._drawing(digits, theirs, sampler, "float32")
    handles = [
        digits.model.net.register_forward_pre_hook(lambda net, given: count("ours")),
        theirs.net.register_forward_pre_hook(lambda net, given: count("theirs")),
    ]
    try:
        ours, others = contest.ours.work(), contest.theirs.work()
    finally:
        for handle in handles:
            handle.remove()
    assert calls == {"ours": contest.timed, "theirs": contest.timed}
    assert ours.shape == others.shape == (64, 1, 8, 8) and ours.dtype == others.dtype == torch.uint8


def contest(clock, ours, theirs, precision="float32", **more) -> Contest:
    pieces = (
        Piece(f"{name} {precision}", clock.takes(*seconds)) for name, seconds in (("ours", ours), ("theirs", theirs))
    )
    return Contest("digits", "64 by ddpm", precision, *pieces, **more)


def test_the_ratio_is_that_of_each_turn(clock):
    found = contest(clock, (9.0, 1.0, 2.0, 4.0), (9.0, 3.0, 6.0, 12.0))
    told = found.ratio(in_turn([found.ours, found.theirs], 3, clock))
    assert (told.ratio.low, told.ratio.median, told.ratio.high) == (3.0, 3.0, 3.0)
    assert told.ours.median == 2.0 and told.theirs.median == 6.0


def test_steps_that_were_not_timed_are_told_from_those_that_were(clock):
    found = contest(clock, (1.0,), (2.0,), evaluations=1000, timed=20)
    told = found.ratio(in_turn([found.ours, found.theirs], 1, clock))
    assert (told.ours.median, told.theirs.median, told.ratio.median) == (50.0, 100.0, 2.0)


def test_the_fastest_of_each_are_compared_whatever_their_precision(clock):
    contests = [contest(clock, (2.0,), (3.0,)), contest(clock, (1.0,), (6.0,), "bfloat16")]
    turns = in_turn([piece for each in contests for piece in (each.ours, each.theirs)], 1, clock)
    best = against.fastest(contests, turns)[-1].ratio(turns)
    assert (best.precision, best.ours.median, best.theirs.median, best.ratio.median) == ("fastest", 1.0, 3.0, 3.0)
    assert against.fastest(contests[:1], turns) == contests[:1]


def test_points_have_no_rival():
    with pytest.raises(UsageError, match="no network for points"):
        Theirs(Subject.of("moons", CPU).model)


def test_without_diffusers_it_is_said_what_to_install(digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(UsageError, match=r"pip install 'inkwash\[interop\]'"):
        Theirs(digits.model)
