"""A drawn image is a function of weights, settings and its own seed; labels come as the train set has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

import inkwash
from inkwash.core import SAMPLERS
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.run import SamplingSettings, frames, labels_for, parse_labels, sample_batches

Untrained = Callable[..., Model]
COUNT = 9


def drawn(model: Model, seeds: Tensor, settings: SamplingSettings, batch: int, labels: Tensor | None = None) -> Tensor:
    asked = labels_for(model, seeds) if labels is None else labels
    return torch.cat([part.values for part in sample_batches(model, seeds, asked, settings, batch)])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("batch", [1, 7])
def test_an_image_is_the_same_in_any_batch(untrained: Untrained, sampler: str, batch: int) -> None:
    model, seeds = untrained(), torch.arange(COUNT)
    settings = SamplingSettings(f"{sampler}:4", guidance=2.0)
    whole, parts = (drawn(model, seeds, settings, size).int() for size in (64, batch))
    assert whole.unique(dim=0).shape[0] == COUNT
    assert (whole - parts).abs().max() <= 1


@pytest.mark.parametrize("sampler", ["ddpm", "dpm++2m-sde", "consistency", "ddim"])
@pytest.mark.parametrize("batch", [1, 7])
def test_its_noise_is_the_same_bit_for_bit(untrained: Untrained, sampler: str, batch: int) -> None:
    # an untrained network says zero exactly, so that every state of the path is a sum of noise alone
    model, seeds = untrained(awake=False), torch.arange(COUNT)
    settings = SamplingSettings(f"{sampler}:5")

    def path(some: Tensor) -> Tensor:
        return torch.stack([frame.x for frame in frames(model, some, labels_for(model, some), settings)], dim=1)

    assert torch.equal(torch.cat([path(some) for some in seeds.split(batch)]), path(seeds))


def test_image_i_is_that_of_seed_i_whatever_else_is_drawn(untrained: Untrained) -> None:
    model = untrained()
    many, few = (inkwash.sample(model, n=n, seed=seed, sampler="ddpm:4") for n, seed in ((12, 0), (3, 7)))
    assert (many.values[7:10].int() - few.values.int()).abs().max() <= 1
    assert torch.equal(many.labels[7:10], few.labels)
    assert few.seeds.tolist() == [7, 8, 9]


def test_nothing_is_drawn_from_the_global_generator(untrained: Untrained) -> None:
    before = torch.random.get_rng_state()
    inkwash.sample(untrained(), n=2, sampler="ddpm:3")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_temperature_and_eta_change_the_noise_and_not_the_start(untrained: Untrained) -> None:
    model, seeds = untrained(), torch.arange(2)
    labels = labels_for(model, seeds)
    choices = [
        SamplingSettings("ddim:4", eta=eta, temperature=heat) for eta, heat in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0))
    ]
    paths = [[frame.x for frame in frames(model, seeds, labels, each)] for each in choices]
    assert torch.equal(paths[0][0], paths[1][0]) and torch.equal(paths[1][0], paths[2][0])
    assert not any(torch.allclose(paths[k][-1], paths[k - 1][-1]) for k in range(3))


def test_fresh_noise_is_new_at_every_step(untrained: Untrained) -> None:
    model, seeds = untrained(), torch.arange(16)
    path = list(frames(model, seeds, labels_for(model, seeds), SamplingSettings("consistency:4")))
    # all noise is drawn anew: a state without the image that the step before predicted is the noise of its own step
    fresh = [now.level.noise_in(now.x, before.denoised) for before, now in pairwise(path[:-1])]
    noise = torch.stack([path[0].x / float(path[0].level.sigma), *fresh]).flatten(1)
    correlation = torch.corrcoef(noise) - torch.eye(len(noise))
    assert correlation.abs().max() < 5 / math.sqrt(noise.shape[1])


def test_a_drawn_label_does_not_depend_on_the_noise_of_its_image(untrained: Untrained) -> None:
    model, seeds = untrained(awake=False), torch.arange(400)
    labels = labels_for(model, seeds)
    start = next(frames(model, seeds, labels, SamplingSettings("ddim:2"))).x
    # Box and Muller's radius is a function of one uniform number: of another than the label's
    radius = start.flatten(1)[:, :2].square().sum(1)
    assert abs(torch.corrcoef(torch.stack([labels.float(), radius]))[0, 1]) < 4 / math.sqrt(400)


def test_labels_come_in_the_proportions_of_the_train_set(untrained: Untrained) -> None:
    model = untrained()
    shares = (0.55, 0.0, 0.25, 0.12, 0.08)
    spec = replace(model.spec, classes=tuple("abcde"), proportions=shares)
    count = 8_000
    labels = labels_for(Model("x", model.recipe, spec, model.net, 0, ""), torch.arange(count))
    found = torch.bincount(labels, minlength=5).double() / count
    for share, got in zip(shares, found.tolist(), strict=True):
        assert abs(got - share) <= 4 * math.sqrt(share * (1 - share) / count)


def test_a_label_belongs_to_its_seed(untrained: Untrained) -> None:
    model = untrained()
    whole = labels_for(model, torch.arange(50))
    assert torch.equal(labels_for(model, torch.arange(20, 30)), whole[20:30])
    assert torch.equal(labels_for(model, torch.arange(50).flip(0)), whole.flip(0))


def test_labels_asked_for_come_in_turn(untrained: Untrained) -> None:
    model = untrained()
    assert labels_for(model, torch.arange(7), [3, 1, 4]).tolist() == [3, 1, 4, 3, 1, 4, 3]
    assert labels_for(model, torch.arange(2), [3, 1, 4]).tolist() == [3, 1]
    assert inkwash.sample(model, n=12, label="0-9", steps=1).labels.tolist() == [*range(10), 0, 1]
    assert inkwash.sample(model, n=3, label=7, steps=1).labels.tolist() == [7, 7, 7]
    assert inkwash.sample(model, n=2, label="none", steps=1).labels.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "labels"),
    [("7", [7]), ("0-3", [0, 1, 2, 3]), ("1,3,5", [1, 3, 5]), ("8, 0-1", [8, 0, 1]), ("none", [-1]), ("4-4", [4])],
)
def test_labels_are_written_as_numbers_and_ranges(text: str, labels: list[int]) -> None:
    assert parse_labels(text, tuple("0123456789")) == labels


def test_a_class_goes_by_its_name_even_when_that_is_a_number() -> None:
    assert parse_labels("ankle boot,t-shirt", ("t-shirt", "ankle boot")) == [1, 0]
    assert parse_labels("7", ("5", "7")) == [1]


@pytest.mark.parametrize("text", ["", "seven", "9-0", "1-", "-1", "1;2", "1,,2", "²", "1-³"])
def test_what_names_no_class_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_labels(text, tuple("0123456789"))


@pytest.mark.parametrize("label", ["10", "0-10", 10, -2, [0, 11], []])
def test_a_label_that_the_model_does_not_know_is_an_error(untrained: Untrained, label: str | int | list[int]) -> None:
    with pytest.raises(UsageError):
        inkwash.sample(untrained(), n=2, label=label, steps=1)


def test_what_has_no_effect_is_an_error(untrained: Untrained) -> None:
    deaf = untrained("training.label_dropout=0.0", "network.conditional=false")
    with pytest.raises(UsageError, match="label has no effect"):
        inkwash.sample(deaf, n=1, label=3, steps=1)
    with pytest.raises(UsageError, match="guidance 3 has no effect"):
        inkwash.sample(deaf, n=1, guidance=3.0, steps=1)
    with pytest.raises(UsageError, match="guidance 3 has no effect"):
        inkwash.sample(untrained(), n=1, label="none", guidance=3.0, steps=1)
    with pytest.raises(UsageError, match="eta has no effect"):
        inkwash.sample(deaf, n=1, sampler="ddpm:3", eta=0.5)
    assert (labels_for(deaf, torch.arange(3)) == -1).all()


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"batch": 0}, {"seed": -1}, {"steps": 0}, {"sampler": "ddim:x"}, {"sampler": "ddmp"}]
)
def test_a_request_out_of_range_is_an_error(untrained: Untrained, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        inkwash.sample(untrained(), **({"n": 1} | wrong))  # type: ignore[arg-type]


def test_guidance_of_one_is_none_and_more_is_more(untrained: Untrained) -> None:
    model = untrained()
    plain, one, more = (inkwash.sample(model, n=4, label=3, guidance=w, steps=3).values for w in (None, 1.0, 4.0))
    assert torch.equal(plain, one)
    assert not torch.equal(plain, more)


def test_progress_counts_every_step_of_every_image(untrained: Untrained) -> None:
    told: list[float] = []
    inkwash.sample(untrained(), n=10, batch=4, sampler="ddim:3", progress=told.append)
    # three steps of 4, of 4 and of 2 images
    batches = [(0, 4), (4, 4), (8, 2)]
    assert told == pytest.approx([first + step * n / 3 for first, n in batches for step in range(4)])


def test_samples_are_what_people_keep(untrained: Untrained) -> None:
    samples = inkwash.sample(untrained(), n=5, steps=2)
    assert samples.values.dtype == torch.uint8 and samples.values.shape == (5, 1, 8, 8)
    assert samples.images.shape == (5, 8, 8)
    sheet = samples.sheet(columns=5)
    assert sheet.width > sheet.height
