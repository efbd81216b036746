"""Samples of a prompt: those of its classes and attributes; their metadata give the same image and a command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from command import Inkwash, UsageErrorOf
from raised import code_and_field

import inkwash as library
from inkwash.attributes import standardize
from inkwash.cli import reproduce
from inkwash.io import checkpoints, png_metadata
from inkwash.model import Model
from inkwash.sampling.attributes import assign_attributes
from inkwash.sampling.prompts.requests import prompt_in_numbers, with_prompt
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.viz.samples import RenderOptions


def test_samples_of_a_prompt_are_those_of_its_classes_and_attributes(trained: Model) -> None:
    thickness, slant, _ = trained.spec.attributes
    bold = float(f"{thickness.quantile(0.85, 1):.4g}")
    images = library.sample(trained, prompt="a bold ring; a bar, slant 3", progress=False)
    assert images.labels.tolist() == [1, 0]
    by_hand = [
        library.sample(trained, n=1, label="ring", attributes={"thickness": bold}, progress=False),
        library.sample(trained, n=1, label="bar", attributes={"slant": 3}, seed=1, progress=False),
    ]
    assert images.images.tolist() == [each.images[0].tolist() for each in by_hand]
    assert slant.range[0] < 3 < slant.range[1]


def test_a_prompt_joins_labels_and_attributes_given_beside_it(trained: Model) -> None:
    request = SampleRequest(n=3, label="ring", attributes={"thickness": 2.0})
    run = resolve(with_prompt(request, "slant 3", trained), trained)
    assert run.labels.tolist() == [1, 1, 1]
    wanted = torch.tensor([[2.0, 3.0, torch.nan]] * 3)
    assert run.attributes is not None
    torch.testing.assert_close(run.attributes, standardize(wanted, trained.spec.attributes), equal_nan=True)


def test_missing_attributes_in_a_list_are_any(trained: Model) -> None:
    values = assign_attributes(trained, 3, {"thickness": (2.0, None)})
    assert values is not None
    assert values[:, 0].isnan().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("prompt", "request_", "found"),
    [
        ("a bold ring", {"label": "bar"}, ("conflict", "label")),
        ("a bold ring", {"attributes": {"thickness": 2.0}}, ("conflict", "attributes")),
        ("a ring and a bar", {"seed_to": 3}, ("conflict", "prompt")),
        ("a rnig", {}, ("unknown-name", "prompt")),
        ("a wide ring", {}, ("unsupported", "prompt")),
        ("ring thickness 30", {}, ("out-of-range", "attributes")),
    ],
)
def test_prompts_that_the_model_cannot_follow_are_refused(
    trained: Model, prompt: str, request_: dict[str, Any], found: tuple[str, str]
) -> None:
    request = SampleRequest(**request_)
    assert code_and_field(lambda: resolve(with_prompt(request, prompt, trained), trained)) == found


def test_a_prompt_of_classes_is_for_any_model_and_attributes_are_not() -> None:
    assert library.sample("digits", prompt="7, 3", sampler="ddim:1", progress=False).labels.tolist() == [7, 3]
    assert code_and_field(lambda: library.sample("digits", prompt="bold 7")) == ("unsupported", "prompt")


def test_a_request_with_a_prompt_equals_what_is_read_from_its_json(trained: Model) -> None:
    request = with_prompt(SampleRequest(model="words"), "a bold ring; a bar with a loop", trained)
    assert SampleRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    assert "prompt" not in SampleRequest(model="words").to_dict()


@pytest.mark.parametrize("prompt", ["a bold ring; a bar", "two slanted rings", "ring", "thin, with a loop"])
def test_a_prompt_in_numbers_asks_for_the_same(trained: Model, prompt: str) -> None:
    request = with_prompt(
        SampleRequest(attributes={"slant": (0.0, None, 1.0)} if prompt == "ring" else None), prompt, trained
    )
    again = with_prompt(SampleRequest(), prompt_in_numbers(request, trained.spec.classes), trained)
    first, second = (resolve(each, trained).subset(slice(6)) for each in (request, again))
    repeats = [index % len(second) for index in range(len(first))]
    if request.label is not None:
        assert first.labels.tolist() == second.labels[repeats].tolist()
    assert first.attributes is None or second.attributes is not None
    if first.attributes is not None and second.attributes is not None:
        torch.testing.assert_close(first.attributes, second.attributes[repeats], equal_nan=True)


def test_an_image_remembers_its_prompt_and_is_reproduced(
    trained: Model, inkwash: Inkwash, usage_error: UsageErrorOf, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.save(path, trained.checkpoint())
    assert usage_error("sample", path, "--prompt", "a blod ring") == ("unknown-name", "prompt")
    prompt = """a bold ring; a "bar", leaning left"""
    assert inkwash("sample", path, "--prompt", prompt, "-n", 4, "-o", "x.png").code == 0
    metadata = png_metadata.read_metadata("x.png")
    assert metadata is not None
    assert metadata["request"]["prompt"] == prompt
    assert metadata["request"]["label"] == ["ring", "bar"]
    assert inkwash("sample", "x.png", "-o", "again.png").code == 0
    assert Path("x.png").read_bytes() == Path("again.png").read_bytes()
    assert prompt in inkwash("show", "x.png").out
    assert usage_error("sample", "x.png", "--prompt", "ring") == ("no-effect", None)

    request = SampleRequest.from_dict(metadata["request"])
    words = shlex.split(reproduce._command(request, RenderOptions("grid"), trained.spec.classes))
    options = [word for word in words[2:] if word != "--film"]
    assert inkwash("sample", *options, "-o", "third.png").code == 0
    assert png_metadata.read_pixels("third.png").tolist() == png_metadata.read_pixels("x.png").tolist()
