"""A sample is a function of weights, settings and its own seed; labels have the proportions of the train set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from raised import code_and_field, raised
from torch import Tensor

import inkwash
from inkwash.core import SAMPLERS, Frame
from inkwash.model import Model
from inkwash.sampling.class_labels import parse_labels
from inkwash.sampling.labels import assign_labels
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve

Untrained = Callable[..., Model]
COUNT = 9


def sampled(model: Model, request: SampleRequest, batch: int) -> Tensor:
    return torch.cat([part.values for part in resolve(request, model).batches(batch)]).int()


def path(model: Model, **fields: Any) -> list[Frame]:
    return list(resolve(SampleRequest(**fields), model).frames())


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("batch", [1, 7])
def test_an_image_is_the_same_in_any_batch(untrained: Untrained, sampler: str, batch: int) -> None:
    request = SampleRequest(n=COUNT, sampler=f"{sampler}:4", guidance=2.0)
    together, apart = (sampled(untrained(), request, size) for size in (64, batch))
    assert together.unique(dim=0).shape[0] == COUNT
    assert (together - apart).abs().max() <= 1


@pytest.mark.parametrize("sampler", ["ddpm", "dpm++2m-sde", "consistency", "ddim"])
@pytest.mark.parametrize("batch", [1, 7])
def test_the_noise_of_an_image_is_bitwise_equal_in_any_batch(untrained: Untrained, sampler: str, batch: int) -> None:
    # The output of this network is exactly zero, so that every state of the path is a sum of noise alone.
    run = resolve(SampleRequest(n=COUNT, sampler=f"{sampler}:5"), untrained(zero_output=True))

    def states(first: int, count: int) -> Tensor:
        return torch.stack([frame.x for frame in run.subset(slice(first, first + count)).frames()], dim=1)

    parts = [states(first, batch) for first in range(0, COUNT, batch)]
    assert torch.equal(torch.cat(parts), states(0, COUNT))


def test_image_i_has_the_seed_of_the_first_plus_i(untrained: Untrained) -> None:
    model = untrained()
    many, few = (inkwash.sample(model, n=n, seed=seed, sampler="ddpm:4") for n, seed in ((12, 0), (3, 7)))
    assert (many.values[7:10].int() - few.values.int()).abs().max() <= 1
    assert torch.equal(many.labels[7:10], few.labels)
    assert few.seeds.tolist() == [7, 8, 9]


def test_seeds_given_one_by_one_are_used_as_given(untrained: Untrained) -> None:
    model = untrained()
    chosen = sampled(model, SampleRequest(seed=(7, 2, 7), sampler="ddim:3"), 64)
    row = sampled(model, SampleRequest(n=8, sampler="ddim:3"), 64)
    assert (chosen - row[[7, 2, 7]]).abs().max() <= 1


def test_the_global_generator_is_not_used(untrained: Untrained) -> None:
    before = torch.random.get_rng_state()
    inkwash.sample(untrained(), n=2, sampler="ddpm:3")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_temperature_and_eta_change_the_fresh_noise_only(untrained: Untrained) -> None:
    model = untrained()
    paths = [
        [frame.x for frame in path(model, n=2, sampler="ddim:4", eta=eta, temperature=temperature)]
        for eta, temperature in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.0))
    ]
    assert torch.equal(paths[0][0], paths[1][0]) and torch.equal(paths[1][0], paths[2][0])
    assert not any(torch.allclose(paths[k][-1], paths[k - 1][-1]) for k in range(3))


def test_fresh_noise_of_different_steps_is_uncorrelated(untrained: Untrained) -> None:
    frames = path(untrained(), n=16, sampler="consistency:4")
    # Consistency sampling replaces all noise: a state minus the image predicted before it is the noise of its step.
    fresh = [now.level.noise_in(now.x, before.denoised) for before, now in pairwise(frames[:-1])]
    noise = torch.stack([frames[0].x / float(frames[0].level.sigma), *fresh]).flatten(1)
    correlation = torch.corrcoef(noise) - torch.eye(len(noise))
    assert correlation.abs().max() < 5 / math.sqrt(noise.shape[1])


def test_a_random_label_is_independent_of_the_noise_of_its_image(untrained: Untrained) -> None:
    run = resolve(SampleRequest(n=400, sampler="ddim:2"), untrained(zero_output=True))
    start = next(run.frames()).x
    # The radius of the Box-Muller transform is a function of one uniform number, which must not be the label's.
    radius = start.flatten(1)[:, :2].square().sum(1)
    assert abs(torch.corrcoef(torch.stack([run.labels.float(), radius]))[0, 1]) < 4 / math.sqrt(400)


def test_random_labels_have_the_proportions_of_the_train_set(untrained: Untrained) -> None:
    model = untrained()
    proportions = (0.55, 0.0, 0.25, 0.12, 0.08)
    spec = replace(model.spec, classes=tuple("abcde"), proportions=proportions)
    count = 8_000
    labels = assign_labels(replace(model, spec=spec), torch.arange(count))
    found = torch.bincount(labels, minlength=5).double() / count
    for expected, got in zip(proportions, found.tolist(), strict=True):
        assert abs(got - expected) <= 4 * math.sqrt(expected * (1 - expected) / count)


def test_a_random_label_depends_on_its_seed_only(untrained: Untrained) -> None:
    model = untrained()
    labels = assign_labels(model, torch.arange(50))
    assert torch.equal(assign_labels(model, torch.arange(20, 30)), labels[20:30])
    assert torch.equal(assign_labels(model, torch.arange(50).flip(0)), labels.flip(0))


def test_requested_labels_repeat_in_turn(untrained: Untrained) -> None:
    model = untrained()
    assert assign_labels(model, torch.arange(7), [3, 1, 4]).tolist() == [3, 1, 4, 3, 1, 4, 3]
    assert assign_labels(model, torch.arange(2), [3, 1, 4]).tolist() == [3, 1]
    assert inkwash.sample(model, n=12, label="0-9", steps=1).labels.tolist() == [*range(10), 0, 1]
    assert inkwash.sample(model, n=3, label=7, steps=1).labels.tolist() == [7, 7, 7]
    assert inkwash.sample(model, n=2, label="none", steps=1).labels.tolist() == [-1, -1]


def test_a_batch_of_unlabelled_images_among_labelled_ones_can_be_guided(untrained: Untrained) -> None:
    request = SampleRequest(n=4, label=(-1, 3), guidance=2.0, sampler="ddim:3")
    together, apart = (sampled(untrained(), request, size) for size in (4, 1))
    assert (together - apart).abs().max() <= 1


@pytest.mark.parametrize(
    ("text", "labels"),
    [("7", [7]), ("0-3", [0, 1, 2, 3]), ("1,3,5", [1, 3, 5]), ("8, 0-1", [8, 0, 1]), ("none", [-1]), ("4-4", [4])],
)
def test_labels_are_written_as_numbers_and_ranges(text: str, labels: list[int]) -> None:
    assert parse_labels(text, tuple("0123456789")) == labels


def test_a_class_name_is_a_label_even_when_it_is_a_number() -> None:
    assert parse_labels("ankle boot,t-shirt", ("t-shirt", "ankle boot")) == [1, 0]
    assert parse_labels("7", ("5", "7")) == [1]


@pytest.mark.parametrize("text", ["", "seven", "9-0", "1-", "-1", "1;2", "1,,2", "²", "1-³"])
def test_text_that_names_no_class_is_refused(text: str) -> None:
    error = raised(lambda: parse_labels(text, tuple("0123456789")))
    assert error.code in ("unknown-name", "invalid-value") and error.field == "label"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"label": "10"}, ("out-of-range", "label")),
        ({"label": "0-10"}, ("out-of-range", "label")),
        ({"label": 10}, ("out-of-range", "label")),
        ({"label": -2}, ("out-of-range", "label")),
        ({"label": [0, 11]}, ("out-of-range", "label")),
        ({"label": []}, ("invalid-value", "label")),
        ({"label": "none", "guidance": 3.0}, ("no-effect", "guidance")),
        ({"interval": (0.2, 0.8)}, ("no-effect", "interval")),
        ({"n": 0}, ("out-of-range", "n")),
        ({"batch": 0}, ("out-of-range", "batch")),
        ({"seed": -1}, ("out-of-range", "seed")),
        ({"steps": 0}, ("out-of-range", "steps")),
        ({"sampler": "ddim:x"}, ("invalid-value", "sampler")),
        ({"sampler": "ddmp"}, ("unknown-name", "sampler")),
    ],
    ids=str,
)
def test_an_invalid_request_is_refused(untrained: Untrained, wrong: dict[str, Any], expected: tuple[str, str]) -> None:
    assert code_and_field(lambda: inkwash.sample(untrained(), **({"n": 1} | wrong))) == expected


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"label": 3}, "label"),
        ({"guidance": 3.0}, "guidance"),
        ({"sampler": "ddpm:3", "eta": 0.5}, "eta"),
        ({"sampler": "ddim:3", "temperature": 0.5}, "temperature"),
    ],
)
def test_settings_without_effect_on_an_unconditional_model_are_refused(
    untrained: Untrained, fields: dict[str, Any], field: str
) -> None:
    unconditional = untrained("training.label_dropout=0.0", "network.conditional=false")
    assert code_and_field(lambda: inkwash.sample(unconditional, n=1, **fields)) == ("no-effect", field)
    assert (assign_labels(unconditional, torch.arange(3)) == -1).all()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"seed": ()}, ("conflict", "seed")),
        ({"seed": (1, 2), "n": 3}, ("conflict", "seed")),
        ({"seed": (1, -2)}, ("out-of-range", "seed")),
        ({"seed_to": -1}, ("out-of-range", "seed_to")),
    ],
)
def test_invalid_seeds_are_refused(wrong: dict[str, Any], expected: tuple[str, str]) -> None:
    assert code_and_field(lambda: SampleRequest(**wrong)) == expected


def test_guidance_of_one_is_no_guidance(untrained: Untrained) -> None:
    model = untrained()
    plain, one, more = (inkwash.sample(model, n=4, label=3, guidance=w, steps=3).values for w in (None, 1.0, 4.0))
    assert torch.equal(plain, one)
    assert not torch.equal(plain, more)


def test_sampler_and_denoiser_are_built_once_per_request(untrained: Untrained, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count(name: str, method: Callable[..., Any]) -> None:
        def counted(*args: Any, **options: Any) -> Any:
            calls.append(name)
            return method(*args, **options)

        monkeypatch.setattr(Model, name, counted)

    count("sampler", Model.sampler)
    count("denoiser", Model.denoiser)
    sampled(untrained(), SampleRequest(n=5, steps=1), 2)
    assert calls == ["sampler", "denoiser"]


def test_progress_counts_every_step_of_every_image(untrained: Untrained) -> None:
    reported: list[float] = []
    inkwash.sample(untrained(), n=10, batch=4, sampler="ddim:3", progress=reported.append)
    # Three steps in each of the batches of 4, 4 and 2 images.
    batches = [(0, 4), (4, 4), (8, 2)]
    assert reported == pytest.approx([first + step * n / 3 for first, n in batches for step in range(4)])


def test_samples_are_uint8_images(untrained: Untrained) -> None:
    samples = inkwash.sample(untrained(), n=5, steps=2)
    assert samples.values.dtype == torch.uint8 and samples.values.shape == (5, 1, 8, 8)
    assert samples.images.shape == (5, 8, 8)
    sheet = samples.sheet(columns=5)
    assert sheet.width > sheet.height
