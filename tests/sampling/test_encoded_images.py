"""Images encoded as noise and sampled again: reconstructed, and edited by attributes and labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from command import Inkwash
from PIL import Image
from raised import code_and_field
from torch import Tensor

from inkwash import load, sample
from inkwash.attributes import measure, standardize
from inkwash.cli.parameters import parse_attributes
from inkwash.core.shapes import NULL_LABEL
from inkwash.data.spec import QUANTILES, AttributeSpec
from inkwash.model import Model
from inkwash.sampling.editing import Edit
from inkwash.sampling.encoding import attributes_of, conditions, with_changes
from inkwash.sampling.prompts.requests import with_prompt
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve

Untrained = Callable[..., Model]
SHAPE = (1, 8, 8)
NAMES = ("thickness", "width", "ink", "holes")


def bar(width: int) -> Tensor:
    image = torch.zeros(SHAPE, dtype=torch.uint8)
    image[:, 1:7, 3 : 3 + width] = 255
    return image


def request(image: Tensor | None = None, **fields: Any) -> SampleRequest:
    return SampleRequest(
        **{"edit": Edit(bar(3) if image is None else image, encode=True), "sampler": "ddpm:4", **fields}
    )


def with_attributes(model: Model) -> Model:
    specs = tuple(AttributeSpec(name, 3.0, 2.0, QUANTILES, ()) for name in NAMES)
    return replace(model, spec=replace(model.spec, attributes=specs))


def test_an_image_is_reconstructed_to_the_noise_of_the_cleanest_level() -> None:
    model = load("words", device="cpu")
    digit = sample(model, n=1, label=3, seed=2, progress=False).values[0]
    errors = []
    for steps in (5, 20, 50):
        run = resolve(SampleRequest(edit=Edit(digit, encode=True), label=(3,), steps=steps), model)
        assert run.sampler.kind == "ddpm" and len(run) == 1
        error = run.reconstruction_error()
        found = next(run.batches()).values[0].float() - digit.float()
        assert error == pytest.approx(float(found.square().mean().sqrt()), abs=0.02)
        errors.append(error or math.nan)
    assert errors[2] <= 3 and errors[1] <= 8 and errors[2] < errors[1] < errors[0]


def test_a_bolder_digit_is_bolder_and_near_its_source() -> None:
    model = load("words", device="cpu")
    digit = sample(model, n=1, label=3, seed=2, progress=False).values
    before = float(measure(digit, ["thickness"]))
    settings: dict[str, Any] = {"label": (3,), "n": 4, "steps": 12}
    wanted = with_changes(SampleRequest(edit=Edit(digit[0], encode=True), **settings), {"thickness": (0.8,)}, model)
    assert wanted.attributes == {"thickness": (round(before + 0.8, 3),)}
    edited, fresh = (next(resolve(each, model).batches()).values for each in (wanted, replace(wanted, edit=None)))
    assert float((measure(edited, ["thickness"]) - before).mean()) == pytest.approx(0.8, abs=0.25)

    def distance(images: Tensor) -> float:
        return float((images.float() - digit.float()).square().mean().sqrt())

    assert distance(edited) < distance(fresh) / 2


def test_requests_are_repeated_from_their_metadata(untrained: Untrained) -> None:
    model = untrained()
    run = resolve(request(label="0-1"), model)
    assert len(run) == 2 and run.source is not None and run.source[0].tolist() == [NULL_LABEL] * 2
    stored = SampleRequest.from_dict(replace(run.request, model="m").to_dict())
    assert stored.edit is not None and stored.edit.encode
    first, second = (next(each.batches()).values for each in (run, resolve(stored, model)))
    assert torch.equal(first, second)


def test_samples_in_batches_are_those_of_one_batch(untrained: Untrained) -> None:
    run = resolve(request(label="0-1", n=4), untrained())
    one, several = (torch.cat([each.values for each in run.batches(size)]) for size in (4, 1))
    difference = (one.int() - several.int()).abs()
    assert int(difference.max()) <= 1  # rounding


def test_the_label_of_one_class_is_that_of_the_image(untrained: Untrained) -> None:
    run, without = (resolve(request(label=label), untrained()) for label in ("1", None))
    assert run.source is not None and run.source[0].tolist() == [1]
    assert without.labels.tolist() == [NULL_LABEL]


def test_one_class_named_twice_is_that_of_the_image(untrained: Untrained) -> None:
    model = with_attributes(untrained())
    once, twice = (resolve(request(label=label, n=2), model) for label in ((1,), (1, 1)))
    assert once.source is not None and twice.source is not None
    assert torch.equal(once.source[0], twice.source[0]) and (twice.source[0] == 1).all()


@pytest.mark.parametrize(
    ("label", "attributes", "expected"),
    [
        (None, {"width": 0.5}, True),
        ((NULL_LABEL,), {"width": 0.5}, True),
        ((0, 1), {"width": 0.5}, True),
        ((1,), {"width": 0.5}, False),
        (None, None, False),
    ],
)
def test_an_edit_without_one_class_is_told_apart(
    untrained: Untrained, label: tuple[int, ...] | None, attributes: dict[str, float] | None, expected: bool
) -> None:
    run = resolve(request(label=label, attributes=attributes), with_attributes(untrained()))
    assert run.encodes_without_class == expected


@pytest.mark.parametrize("ends", [{"seed": 0, "seed_to": 9}, {"label": "3..8"}], ids=["seeds", "labels"])
def test_an_interpolation_of_an_encoded_image_has_both_ends(untrained: Untrained, ends: dict[str, Any]) -> None:
    model = untrained()
    assert len(resolve(request(**ends), model)) == len(resolve(SampleRequest(sampler="ddpm:4", **ends), model)) > 1


def test_attributes_of_the_image_are_kept_without_those_that_follow_from_the_request(untrained: Untrained) -> None:
    model = with_attributes(untrained())
    own = standardize(measure(bar(3)[None], NAMES), model.spec.attributes)[0]
    requested = torch.full((3, 4), math.nan)
    requested[0, 0], requested[1, 0], requested[1, 2] = 0.5, 0.5, -0.5
    torch.testing.assert_close(attributes_of(model, bar(3)[None])[0], own)
    source, target = conditions(model, own.repeat(3, 1), requested)
    free = torch.tensor([math.nan])
    torch.testing.assert_close(source[0], torch.cat([own[:2], free, own[3:]]), equal_nan=True)
    torch.testing.assert_close(source[1:], own.expand(2, 4))
    changed = [target[0, 0], target[1, 0], target[1, 2]]
    assert torch.stack(changed).tolist() == [0.5, 0.5, -0.5]
    same = torch.full((3, 4), True)
    same[0, 0] = same[1, 0] = same[1, 2] = False
    torch.testing.assert_close(target[same], source[same], equal_nan=True)


def test_changes_are_added_to_what_the_image_has(untrained: Untrained) -> None:
    model = with_attributes(untrained())
    found = [
        (with_changes(request(bar(width)), {"width": (1.0, -1.0)}, model).attributes or {})["width"] for width in (2, 3)
    ]
    assert found[0] == tuple(round(float(measure(bar(2)[None], ["width"])) + each, 3) for each in (1, -1))
    assert found[1] != found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thickness=3", ({"thickness": (3.0,)}, {})),
        ("slant=-10,5", ({"slant": (-10.0, 5.0)}, {})),
        ("thickness+=1", ({}, {"thickness": (1.0,)})),
        ("slant-=10,20", ({}, {"slant": (-10.0, -20.0)})),
    ],
)
def test_attributes_and_changes_on_the_command_line(text: str, expected: tuple[Any, Any]) -> None:
    assert parse_attributes([text]) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sampler": "ddim:4"}, ("unsupported", "sampler")),
        ({"sampler": "dpm++2m:4"}, ("unsupported", "sampler")),
        ({"temperature": 0.5}, ("no-effect", "temperature")),
        ({"steps": 0}, ("out-of-range", "steps")),
        ({"attributes": {"thickness": 3.0}}, ("no-effect", "attributes")),
        ({"edit": Edit(torch.zeros(1, 4, 4, dtype=torch.uint8), encode=True)}, ("mismatch", "image")),
    ],
)
def test_settings_that_an_encoded_image_cannot_have(
    untrained: Untrained, fields: Any, expected: tuple[str, str]
) -> None:
    assert code_and_field(lambda: resolve(request(**fields), untrained())) == expected


def test_an_image_without_ink_has_nothing_to_keep_or_change(untrained: Untrained) -> None:
    model = with_attributes(untrained())
    empty = request(torch.zeros(SHAPE, dtype=torch.uint8))
    for act in (lambda: resolve(empty, model), lambda: with_changes(empty, {"width": 1.0}, model)):
        assert code_and_field(act) == ("invalid-data", "image")


def test_changes_need_an_encoded_image_and_one_request(untrained: Untrained) -> None:
    model = with_attributes(untrained())
    for edit in (None, Edit(bar(3), noise=0.5)):
        assert code_and_field(lambda edit=edit: with_changes(request(edit=edit), {"width": 1.0}, model)) == (
            "missing-field",
            "encode",
        )
    twice = request(attributes={"width": (2.0,)})
    assert code_and_field(lambda: with_changes(twice, {"width": 1.0}, model)) == ("conflict", "attributes")


def test_an_edited_digit_is_reproduced_from_its_file(tmp_path: Path, inkwash: Inkwash) -> None:
    picture = tmp_path / "seven.png"
    digit = sample("fast", n=1, label=7, seed=3, progress=False)
    Image.fromarray(digit.values[0, 0].numpy()).save(picture)
    out = tmp_path / "again.png"
    options = ["--from", picture, "--encode", "--label", "7", "--set-attribute", "thickness+=0.5", "--steps", "5"]
    shown = inkwash("sample", "words", *options, "--out", out)
    assert shown.code == 0 and "reconstructed to" in shown.err and "--label" not in shown.err
    unlabelled = [option for option in options if option not in ("--label", "7")]
    assert "--label" in inkwash("sample", "words", *unlabelled, "--out", tmp_path / "other.png").err
    assert inkwash("sample", out, "--quiet").code == 0


def test_a_comparative_in_a_prompt_is_a_change_of_the_image() -> None:
    model = load("words", device="cpu")
    spec = next(each for each in model.spec.attributes if each.name == "thickness")
    digit = sample(model, n=1, label=3, seed=2, progress=False).values[0]
    base = SampleRequest(edit=Edit(digit, encode=True))
    found = with_prompt(base, "this three, slightly bolder", model)
    assert found.label == (3,)
    assert found.attributes == with_changes(base, {"thickness": (spec.std / 2,)}, model).attributes
    several = with_prompt(base, "a thinner 3 and a wide 3", model)
    assert several.attributes is not None and several.n == 2
    assert [None in each for each in map(tuple, several.attributes.values())] == [True, True]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "prompt", "code", "field"),
    [
        ({"edit": None}, "bolder", "missing-field", "prompt"),
        ({"edit": Edit(bar(3), noise=0.5)}, "bolder", "missing-field", "prompt"),
        ({"attributes": {"thickness": (2.0,)}}, "bolder", "conflict", "attributes"),
        ({}, "a bolder 3 and a bold 3", "conflict", "attributes"),
    ],
)
def test_a_comparative_without_an_image_to_compare_with_is_refused(
    untrained: Untrained, fields: dict[str, Any], prompt: str, code: str, field: str
) -> None:
    model = with_attributes(untrained())
    model = replace(model, spec=replace(model.spec, classes=tuple("0123456789")))
    assert code_and_field(lambda: with_prompt(request(**fields), prompt, model)) == (code, field)
