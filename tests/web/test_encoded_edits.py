"""Edits of an encoded drawing: the drawing itself at rest, the drawing with what is requested, and what is refused."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient
from torch import Tensor

import inkwash
from inkwash.attributes import measure
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.web.schemas import MAX_ENCODED_EVALUATIONS

WORDS = inkwash.load("words", device="cpu")
DIGIT = inkwash.sample(WORDS, n=1, label=3, seed=2, progress=False).values[0]
SETTINGS = {"sampler": "ddpm", "steps": 20}
BLANK = torch.zeros_like(DIGIT)
SWITCH = resources.files("inkwash.web") / "page" / "parts" / "attribute_edit.js"
Sample = Callable[..., Any]


def drawing(pixels: Tensor = DIGIT) -> dict[str, Any]:
    return {"image": base64.b64encode(pixels.numpy().tobytes()).decode(), "noise": 1.0, "encode": True}


def edited(sample: Sample, **fields: Any) -> tuple[Tensor, dict[str, Any]]:
    """Return the samples of an edit, uint8 [N, 1, 28, 28], and the last event."""
    *_, (_, step), (name, done) = sample(**{"model": "words", "edit": drawing()} | SETTINGS | fields)
    assert name == "done"
    values = np.frombuffer(base64.b64decode(step["x"]), np.uint8).reshape(-1, *DIGIT.shape)
    return torch.from_numpy(values.copy()), done


def rms(images: Tensor) -> float:
    """Return the RMS difference to the drawing in grey levels."""
    return float((images.float() - DIGIT.float()).square().mean().sqrt())


def test_edit_at_rest_is_the_drawing_to_the_error_that_is_reported(sample: Sample) -> None:
    same, done = edited(sample)
    assert done["reconstruction_error"] == pytest.approx(rms(same), abs=0.1) and rms(same) < 8
    _, finer = edited(sample, sampler=None, steps=None)
    # The defaults of edits: 50 steps.
    assert finer["reconstruction_error"] < done["reconstruction_error"] < 8 and finer["reconstruction_error"] <= 3


def test_requested_thickness_is_followed_and_is_that_of_python(sample: Sample) -> None:
    before = float(measure(DIGIT[None], ["thickness"]))
    fields: dict[str, Any] = {"seeds": [4, 5], "labels": [3], "attributes": {"thickness": [round(before + 1, 2)]}}
    bolder, done = edited(sample, **fields)
    assert (measure(bolder, ["thickness"]) > before + 0.5).all() and "reconstruction_error" in done
    request = SampleRequest(
        edit=Edit(DIGIT, encode=True), n=2, seed=4, label=(3,), attributes={"thickness": (round(before + 1, 2),)}
    )
    run = resolve(SampleRequest(**vars(request) | SETTINGS), WORDS)
    assert torch.equal(bolder, next(run.batches()).values)
    prompted, _ = edited(sample, seeds=[4], prompt="a very thin 3")
    assert float(measure(prompted, ["thickness"])) < before


def test_comparative_in_a_prompt_is_of_the_drawing(sample: Sample, client: TestClient) -> None:
    std = next(spec.std for spec in WORDS.spec.attributes if spec.name == "thickness")
    before = float(measure(DIGIT[None], ["thickness"]))
    body = {"model": "words", "prompt": "this 3, bolder", "edit": drawing()}
    found = client.post("/api/prompt", json=body).json()
    assert found["labels"] == [3] and found["attributes"]["thickness"] == pytest.approx([before + std], abs=0.01)
    bolder, _ = edited(sample, seeds=[4], prompt="this 3, bolder")
    assert float(measure(bolder, ["thickness"])) > before + 0.5 * std
    for edit in (None, drawing() | {"encode": False, "noise": 0.5}):
        problem = client.post("/api/prompt", json=body | {"edit": edit}).json()["problem"]
        assert (problem["code"], problem["field"]) == ("missing-field", "prompt")
        # The message names the control of the page, and no option of the command line.
        named = re.findall('"(.+?)"', problem["error"])
        assert named == re.findall(r'checkbox\("(Keep .+?)"', SWITCH.read_text(encoding="utf-8"))
        assert "--" not in problem["error"]
    blank = client.post("/api/prompt", json=body | {"edit": drawing(BLANK)}).json()["problem"]
    assert blank["code"] == "invalid-data"


def test_attributes_of_the_drawing_are_told(sample: Sample) -> None:
    (_, begin), *_ = sample(model="words", edit=drawing(), sampler="ddpm")
    names = [spec.name for spec in WORDS.spec.attributes]
    assert begin["drawn"] == pytest.approx(dict(zip(names, measure(DIGIT[None], names)[0].tolist(), strict=True)))
    (_, begin), *_ = sample(model="words", edit=drawing() | {"noise": 0.5, "encode": False})
    assert "drawn" not in begin


def test_other_requests_have_no_reconstruction(sample: Sample) -> None:
    _, done = edited(sample, edit=drawing() | {"noise": 0.5, "encode": False})
    assert list(done) == ["seconds"]


def test_encoding_is_described_for_models_of_attributes_and_several_steps(client: TestClient) -> None:
    found = {each["name"]: each["encoding"] for each in client.get("/api/models").json()}
    assert found["words"] == {"sampler": "ddpm", "steps": 50}
    assert found["words-one-step"] is found["fast"] is found["moons"] is None


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"sampler": "dpm++2m"}, "unsupported", "sampler"),
        ({"temperature": 0.5}, "no-effect", "temperature"),
        ({"guidance": 2.0}, "no-effect", "guidance"),
        ({"edit": drawing(BLANK)}, "invalid-data", "edit.image"),
        ({"edit": drawing(DIGIT[:, :5])}, "mismatch", "edit.image"),
        ({"edit": drawing() | {"encode": 1}}, "invalid-value", "edit.encode"),
        ({"attributes": {"thickness": [90.0]}}, "out-of-range", "attributes"),
        ({"prompt": "a bold 3", "attributes": {"thickness": [3.0]}}, "conflict", "attributes"),
        ({"model": "fast", "attributes": {"thickness": [3.0]}}, "no-effect", "attributes"),
        ({"seeds": list(range(MAX_ENCODED_EVALUATIONS // 20 + 1))}, "too-large", "steps"),
    ],
)
def test_refused_edit_gets_code_and_field(client: TestClient, fields: dict[str, Any], code: str, field: str) -> None:
    body = {"model": "words", "seeds": [0], "edit": drawing()} | SETTINGS | fields
    response = client.post("/api/sample", json=body)
    error = response.json()
    assert (response.status_code, error["code"], error["field"]) == (422, code, field), response.text
    assert "\n" not in error["error"]
